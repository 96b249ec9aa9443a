"""What must hold between runs: of one config written in several ways, and of an SoC and a faster one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from simulator.config.model import load
from simulator.fuzz.case import digest_of
from simulator.results.result import Result
from simulator.simulate import simulate
from simulator.soc.machine import Machine

ELSEWHERE = {"PYTHONHASHSEED": "4711", "LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"}


def relations(machine: Machine, result: Result, elsewhere: bool) -> list[str]:
    """Return what does not hold between a run and others of the same SoC.

    ``elsewhere``: look at a run in another process, too.
    """
    found = [*_again(result)]
    if elsewhere:
        found += _elsewhere(result)
    return found


def _again(first: Result) -> Iterator[str]:
    """The resolved config, its keys in another order, gives the same run."""
    if digest_of(simulate(load(reversed_keys(first.config)))) != digest_of(first):
        yield "the resolved config with its keys in another order gives another run"


def reversed_keys(value: Any) -> Any:
    """Return mappings with their keys in reverse order; what is a list stays in order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


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
