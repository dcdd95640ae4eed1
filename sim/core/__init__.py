"""A RISC-V core beside the accelerator, in one model, that runs the driver in C."""
