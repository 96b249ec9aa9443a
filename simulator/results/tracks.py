"""Operations that overlap in time lie on tracks of their own."""

from typing import Any


def tracks(ops: dict[str, Any]) -> list[str]:
    """Return the track of each operation: its unit's first one that is free when it starts."""
    result = [""] * len(ops.get("unit", ()))  # who serves or trains has no operations
    free: dict[str, list[float]] = {}  # unit -> until when each of its tracks is taken
    for i in sorted(range(len(result)), key=lambda i: (ops["start_s"][i], i)):
        unit, start, end = ops["unit"][i], ops["start_s"][i], ops["end_s"][i]
        taken = free.setdefault(unit, [])
        k = next((k for k, until in enumerate(taken) if until <= start), len(taken))
        taken[k : k + 1] = [end]
        result[i] = unit if k == 0 else f"{unit} ({k + 1})"
    return result
