"""Design-space sweeps: a base config, axes, a sampler, objectives and constraints."""
