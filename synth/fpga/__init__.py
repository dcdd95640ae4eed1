"""Look-up tables, flip-flops, blocks and clock of designs on FPGAs."""
