"""Random SoCs, and what must hold of every run."""
