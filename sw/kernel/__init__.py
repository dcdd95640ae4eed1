"""Selection and compression in one kernel, for CUDA."""
