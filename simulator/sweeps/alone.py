"""Points that are a memory alone, driven by a trace: what `dlasim trace dram` does of one config."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.dram.params import Dram
from hw_models.errors import ConfigError
from simulator.config.model import Config, config_sha256, load
from simulator.sweeps.store import Answer
from simulator.trace.dram import Sizes, bursts, read_trace, simulate


@dataclass(frozen=True)
class Alone:
    """What simulates a resolved config's memory; ``trace``: a file."""

    trace: Path

    def __call__(self, config: dict[str, Any]) -> Answer:
        """Return {"summary": ...}, or {"error": ...} when the config cannot be run."""
        try:
            dram, requests = self.memory(config)
        except ConfigError as error:
            return error_of(error)
        return answer_of(simulate(dram, requests)[3])

    def memory(self, config: dict[str, Any] | Config) -> tuple[Dram, np.ndarray]:
        """Return a config's memory, and its requests, which memories share. Raises ConfigError."""
        dram = load(config).system.dram
        if dram is None:
            raise ConfigError("absent; write dram: {standard: DDR4-2400}", key="system.dram")
        return dram, _requests(self.trace, Sizes(dram.capacity_bytes, dram.burst_bytes))

    def digest(self, config: Config) -> str:
        """Return what is different when the config or the trace is."""
        return hashlib.sha256(f"{config_sha256(config)} {_content(self.trace)}".encode()).hexdigest()


def answer_of(summary: dict[str, Any]) -> Answer:
    """Return what a sweep keeps of a run's summary: its paths have dots; the time it took is no result."""
    shown = {key: value for key, value in summary.items() if key != "simulation"}
    parts = {key: value for key, value in shown.items() if isinstance(value, dict)}
    return {"summary": {"trace": {key: shown[key] for key in shown if key not in parts}} | parts}


def error_of(error: Exception) -> Answer:
    return {"error": " ".join(str(error).split())}


@cache
def _requests(path: Path, sizes: Sizes) -> np.ndarray:
    """Return rows of TRACE. Raises ConfigError with the line."""
    return bursts(read_trace(path, sizes).rows, sizes)


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
