"""What the memories of a design take: area, energy and leakage of SRAM macros and registers."""
