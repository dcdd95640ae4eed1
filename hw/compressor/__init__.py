"""From dense blocks to compressed ones and back: score, select, compact."""
