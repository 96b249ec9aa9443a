"""What a run says in twelve digits, equal wherever it runs."""

import hashlib
import json
from typing import Any

from simulator.results.result import Result

UNEQUAL = ("wall_s", "requests_per_wall_s", "version")  # of a summary: no matter of the model


def digest_of(result: Result, but: tuple[str, ...] = ()) -> str:
    """Return 12 hex digits of all that a run says, but for its wall time: equal on every machine.

    ``but``: also without these figures of the simulation.
    """
    told = result.summary["simulation"].items()
    simulation = {name: value for name, value in told if name not in (*UNEQUAL, *but)}
    text = json.dumps([result.summary | {"simulation": simulation}, result.ops], default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
