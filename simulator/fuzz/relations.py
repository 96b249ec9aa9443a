"""What must hold between runs: of one config written in several ways, and of an SoC and a faster one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from hw_models.dram.params import Dram
from hw_models.errors import ConfigError
from hw_models.units import FS, FS_PER_S
from simulator.config.model import load
from simulator.fuzz.digest import digest_of
from simulator.fuzz.every_call import make_every_call
from simulator.kernel.soc_state import Kind
from simulator.results.result import Result
from simulator.simulate import result_of, simulate
from simulator.soc.build import build_machine
from simulator.soc.machine import Machine
from simulator.soc.run import run_machine

ANOMALY, ANOMALY_FS = 0.1, 10**9  # a share of the time, and 1 us
CACHE_ANOMALY = 0.5  # above a cache: when requests come decides which lines are thrown out
ELSEWHERE = {"PYTHONHASHSEED": "4711", "LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"}


def relations(machine: Machine, result: Result, elsewhere: bool) -> list[str]:
    """Return what does not hold between a run and others of the same SoC.

    ``elsewhere``: look at a run in another process, too.
    """
    found = [*_again(result), *_every_call(machine, result), *_never_slower(machine, result)]
    if elsewhere:
        found += _elsewhere(result)
    return found


def _again(first: Result) -> Iterator[str]:
    """The resolved config, its keys in another order, gives the same run."""
    if digest_of(simulate(load(reversed_keys(first.config)))) != digest_of(first):
        yield "the resolved config with its keys in another order gives another run"


def _every_call(machine: Machine, first: Result) -> Iterator[str]:
    """With every call made that the event loop saves, the run is the same, blame and all."""
    patient = build_machine(machine.config)
    make_every_call(patient)
    every = result_of(patient, run_machine(patient))
    if digest_of(every, but=("events",)) != digest_of(first, but=("events",)) or every.blame != first.blame:
        yield "with every call made that the event loop saves, the run is another"


def reversed_keys(value: Any) -> Any:
    """Return mappings with their keys in reverse order; what is a list stays in order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def _never_slower(machine: Machine, result: Result) -> Iterator[str]:
    """A master that works alone is no slower without co-runners, nor on a memory of twice the speed.

    More than ANOMALY: scheduling can make a little of anything (docs/fuzz.md).
    """
    end_fs = _end_of_lone_job(machine)
    if end_fs is None:
        return
    parts = machine.wired.parts.values()
    for what, config in _faster(result.config):
        try:
            other = build_machine(load(config))
        except ConfigError:  # such as a refresh that is due too soon
            continue
        run_machine(other)
        other_fs = _end_of_lone_job(other)
        share = CACHE_ANOMALY if any(part.kind == Kind.CACHE for part in parts) else ANOMALY
        if other_fs is not None and other_fs > end_fs * (1 + share) + ANOMALY_FS:
            yield f"{what} the only job ends at {other_fs * FS} s, {end_fs * FS} s as it is"


def _end_of_lone_job(machine: Machine) -> int | None:
    """Return when the only job's last frame was over [fs]; None where several, or other parts, have a say."""
    if len(machine.plans) != 1 or machine.storage is not None:
        return None
    (plan,) = machine.plans
    if plan.accelerator < 0 or len(machine.tasks_of(plan)) or plan.frames_done(machine) < plan.frames:
        return None
    return int(machine.finished[0][plan.frames - 1])


def _faster(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is said of the same SoC with less to wait for, and its config."""
    if config["corunners"]:
        yield "without co-runners", config | {"corunners": []}
    system = config["system"]
    if system["llc"] is not None or system["caches"]:
        return  # a hit can cost more than a miss, and fills that come faster come in convoys
    memory, dram = system["memory"], system["dram"]
    if memory is not None and memory.get("bandwidth"):
        wide = memory | {"bandwidth": f"{2 * int(memory['bandwidth'].split()[0])} B/cycle"}
        yield "with twice the bandwidth", config | {"system": system | {"memory": wide}}
    if dram is not None:
        clock = _twice_the_clock(dram)
        yield "with DRAM of twice the clock", config | {"system": system | {"dram": dram | {"clock": clock}}}


def _twice_the_clock(dram: dict[str, Any]) -> str:
    """Return twice the command clock of a DRAM."""
    period_fs = Dram.model_validate(dram).clock_fs
    return f"{2 * FS_PER_S // period_fs} Hz"


def _elsewhere(first: Result) -> Iterator[str]:
    """Another process, with other hashes, locale and time zone, gives the same run."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator.fuzz.elsewhere"],
        input=json.dumps(first.config),
        env=os.environ | ELSEWHERE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stdout.strip() != digest_of(first):
        said = " ".join(done.stderr.split())[-200:]
        yield f"another process, PYTHONHASHSEED and locale give another run {said}".rstrip()
