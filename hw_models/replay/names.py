"""Limits of a replay, each written once. No numba: the config reads this."""

IN_FLIGHT = 256  # most transactions in flight, reads and writes apart
PREDECESSORS = 4  # most that one transaction waits for by name
