"""One case: a config is run, and what came of it is said."""

import traceback
from typing import Any

from hw_models.errors import ConfigError, StuckError
from simulator.time_limit import TimeUp, time_limit

OK, REFUSED, SLOW = "ok", "refused", "slow"
STUCK, TIMEOUT, ERROR, VIOLATION = "stuck", "timeout", "error", "violation"
FAILURES = (STUCK, TIMEOUT, ERROR, VIOLATION)
CASE_S = 60.0  # of wall time that a case may take
MOST_SAID = 2000  # characters
Answer = dict[str, Any]  # outcome, said; of a run that ended also requests, digest


def run_case(config: dict[str, Any], *, elsewhere: bool = False, limit_s: float = CASE_S) -> Answer:
    """Return the outcome of a config, and what is to be said of it: of a REFUSED one what `check` says.

    ``elsewhere``: also run it in another process, with other hashes and another locale.
    """
    try:
        with time_limit(limit_s):
            return _run(config, elsewhere)
    except TimeUp:
        return _answer(TIMEOUT, f"{limit_s:g} s of wall time passed")
    except StuckError as error:
        return _answer(STUCK, str(error))
    except ConfigError as error:
        if error.key == "simulation.max_time":
            return _answer(SLOW, str(error))
        return _answer(VIOLATION, f"check accepts it, run refuses it: {error}")
    except Exception:
        return _answer(ERROR, traceback.format_exc(limit=-2))


def _run(config: dict[str, Any], elsewhere: bool) -> Answer:
    from simulator.config.model import load
    from simulator.config.networks import check_networks
    from simulator.fuzz.digest import digest_of
    from simulator.fuzz.invariants import violations
    from simulator.fuzz.relations import relations
    from simulator.simulate import result_of
    from simulator.soc.build import build_machine
    from simulator.soc.run import run_machine

    try:
        loaded = load(config)
        check_networks(loaded)
    except ConfigError as error:
        return _answer(REFUSED, str(error))
    if not loaded.workloads and not loaded.corunners:
        return _answer(REFUSED, "nothing to run")
    machine = build_machine(loaded)
    result = result_of(machine, run_machine(machine))
    broken = violations(machine, result) or relations(machine, result, elsewhere)
    requests = result.summary["simulation"]["requests"]
    return {
        **_answer(VIOLATION if broken else OK, "; ".join(broken)),
        "requests": requests,
        "digest": digest_of(result),
    }


def _answer(outcome: str, said: str) -> Answer:
    return {"outcome": outcome, "said": " ".join(said.split())[:MOST_SAID]}
