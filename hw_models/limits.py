"""Limits that configs and kernels share."""

MASTERS = 16  # most masters in a system
