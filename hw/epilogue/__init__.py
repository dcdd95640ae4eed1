"""From accumulators to corrected, scaled and rounded results."""
