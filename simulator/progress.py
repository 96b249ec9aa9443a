"""What a run tells of its progress while it goes on."""

from collections.abc import Callable

Progress = Callable[[float, float, int], None]  # fraction done (0..1), simulated seconds, requests so far
