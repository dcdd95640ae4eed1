"""What all commands share; the standard library only."""
