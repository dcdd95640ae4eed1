"""What the benches reach of a design: lines, toggles of every bit, and crosses of its options."""
