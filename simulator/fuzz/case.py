"""One case: a config is run, and what came of it is said."""

import traceback
from typing import Any

from hw_models.errors import ConfigError, StuckError

OK, REFUSED, SLOW = "ok", "refused", "slow"
STUCK, TIMEOUT, ERROR, VIOLATION = "stuck", "timeout", "error", "violation"
FAILURES = (STUCK, TIMEOUT, ERROR, VIOLATION)


def run_case(config: dict[str, Any]) -> dict[str, Any]:
    """Return {"outcome": ..., "said": ...} of a config: of REFUSED ones what `check` says."""
    from simulator.config.model import load
    from simulator.config.networks import check_networks
    from simulator.fuzz.invariants import violations
    from simulator.simulate import result_of
    from simulator.soc.build import build_machine
    from simulator.soc.run import run_machine

    try:
        try:
            loaded = load(config)
            check_networks(loaded)
        except ConfigError as error:
            return {"outcome": REFUSED, "said": str(error)}
        machine = build_machine(loaded)
        result = result_of(machine, run_machine(machine))
        broken = violations(machine, result) or _again(result, config)
        return {"outcome": VIOLATION if broken else OK, "said": "; ".join(broken)}
    except StuckError as error:
        return {"outcome": STUCK, "said": " ".join(str(error).split())}
    except ConfigError as error:
        if error.key == "simulation.max_time":
            return {"outcome": SLOW, "said": str(error)}
        return {"outcome": VIOLATION, "said": f"check accepts it, run refuses it: {error}"}
    except Exception:
        return {"outcome": ERROR, "said": " ".join(traceback.format_exc(limit=-1).split())}


def _again(first: Any, config: dict[str, Any]) -> list[str]:
    """The resolved config, its keys in another order, gives the same run."""
    from simulator.config.model import load
    from simulator.simulate import simulate

    second = simulate(load(_reversed(first.config)))
    alike = {name: list(column) for name, column in first.ops.items()} == {
        name: list(column) for name, column in second.ops.items()
    }
    return [] if alike else ["the resolved config with its keys in another order gives another run"]


def _reversed(value: Any) -> Any:
    """Return mappings with their keys in reverse order; what is a list stays in order."""
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value
