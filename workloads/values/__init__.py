"""Values of a network: weights, scales, register settings, memory images, and what a core computes."""
