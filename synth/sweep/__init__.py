"""Many designs at once: every combination of a space, each synthesised once and kept."""
