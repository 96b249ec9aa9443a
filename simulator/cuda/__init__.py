"""Many points at a time on a GPU: one thread a point, the kernels' own code."""
