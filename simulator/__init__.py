"""dlasim: cycle-accurate simulation of DNN accelerators and the memory system they share.

Importing this package is cheap: numba and the models are imported by the first `run`.

Examples:
    >>> import simulator
    >>> result = simulator.run("nv_small_tiny")
    >>> list(result.summary["workloads"]), len(result.ops["cycles"]) > 0
    (['classify'], True)
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.progress import Progress
from simulator.version import __version__

if TYPE_CHECKING:
    from simulator.config.model import Config
    from simulator.report.run import Run
    from simulator.sweeps.outcome import SweepOutcome

__all__ = ["__version__", "load", "load_run", "run", "sweep"]


def run(
    config: "str | Path | Mapping[str, Any] | Config",
    *,
    set: Iterable[str] | Mapping[str, Any] = (),
    seed: int | None = None,
    progress: Progress | None = None,
    values: bool = False,
    parameters: Path | None = None,
    frames: str = "",
) -> "Run":
    """Simulate ``config`` (a path, a shipped config's name, a dict or a `Config`) and return its `Run`.

    ``set``: ``PATH=VALUE`` settings laid on the config, or a dict of them. ``values``: compute what the
    networks compute, with weights and inputs of ``parameters`` (.npz) or of the seed. ``frames``: which
    frames `ops` has, "last", "worst" or "all"; the worst and the last without. Raises
    `hw_models.errors.ConfigError`.
    """
    from simulator.single import run_one

    loaded = load(config, set=set, seed=seed)
    return run_one(loaded, progress=progress, values=values, parameters=parameters, frames=frames)


def load(
    config: "str | Path | Mapping[str, Any] | Config",
    *,
    set: Iterable[str] | Mapping[str, Any] = (),
    seed: int | None = None,
) -> "Config":
    """Return a checked config; ``.with_({path: value})`` returns another. Raises ConfigError."""
    from simulator.config import model

    if isinstance(set, Mapping):
        return model.load(config, values=set, seed=seed)
    return model.load(config, settings=[set] if isinstance(set, str) else set, seed=seed)


def load_run(folder: str | Path) -> "Run":
    """Return what a run folder holds. Raises ConfigError if it is none."""
    from simulator.report.run import Run
    from simulator.results.run_folder import read_run

    return Run.of(read_run(Path(folder), whole=True))


def sweep(
    file: "str | Path | Mapping[str, Any]",
    *,
    workers: int = 0,
    scheduler: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    fresh: bool = False,
    retry_failed: bool = False,
    point_timeout_s: float | None = None,
    device: str = "cpu",
) -> "SweepOutcome":
    """Run every point of a sweep file (a path or a dict) and return the table of results.

    ``workers``: processes of this machine beside this one (a script needs `if __name__ == "__main__"` for
    them); ``scheduler``: a Dask scheduler's address instead; ``out``: the folder to write, of which
    ``resume`` keeps the points that are done and ``fresh`` drops those of a sweep that did not end;
    ``device``: "cuda" for the GPUs of this machine, of sweeps with a trace.
    """
    from simulator.config.shipped import located
    from simulator.sweeps.execute import run_sweep

    return run_sweep(
        located(Path(file)) if isinstance(file, str | Path) else file,
        workers=workers,
        scheduler=scheduler,
        out=out,
        resume=resume,
        fresh=fresh,
        retry_failed=retry_failed,
        point_timeout_s=point_timeout_s,
        device=device,
    )
