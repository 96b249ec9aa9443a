"""Many points at a time on a GPU: the kernels' own code."""
