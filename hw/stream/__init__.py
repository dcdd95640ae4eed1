"""What streams carry, what stands between two of them, and how they meet AMBA."""
