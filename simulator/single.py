"""One simulation: from whatever names a config to its result."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.model import Config, load
from simulator.progress import Progress
from simulator.report.run import Run


def run_one(
    config: str | Path | Mapping[str, Any] | Config,
    *,
    settings: Iterable[str] = (),
    seed: int | None = None,
    progress: Progress | None = None,
    values: bool = False,
    parameters: Path | None = None,
    frames: str = "",
) -> Run:
    """Simulate ``config``, with its ``values`` if asked. Raises ConfigError with the place of a mistake."""
    if frames not in ("", "last", "worst", "all"):
        raise ConfigError(f"{frames!r} is none of last, worst, all", key="--frames")
    loaded = load(config, settings=settings, seed=seed)
    check_runnable(loaded)
    from simulator.simulate import simulate  # numba: after the config is known to be right

    try:
        found = {}
        if values:  # first: what is wrong with them is told before time is spent
            from simulator.values import compute_values

            found = compute_values(loaded, parameters)
        result = simulate(loaded, progress, frames)
        if values:
            result.values = found
            result.summary["values"] = {name: job.summary() for name, job in found.items()}
        return Run.of(result)
    except ConfigError as error:
        raise loaded.locate(error) from None


def check_runnable(loaded: Config) -> None:
    """Raise ConfigError, with its place, for a config that nobody can run by itself."""
    if loaded.system.masters:
        key = f"system.masters.{min(loaded.system.masters)}"
        raise loaded.locate(
            ConfigError("stands outside, and nobody is there to drive it; run it with dlasim cosim", key=key)
        )
    if not loaded.workloads and not loaded.corunners:
        raise loaded.locate(ConfigError("nothing to run; write jobs here, or corunners", key="workloads"))
