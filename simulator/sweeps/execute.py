"""Runs a sweep: points from the sampler, answers from the workers, all kept on disk as they come."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from hw_models.errors import ConfigError
from simulator.config.errors import at, not_one_of
from simulator.config.model import Config, config_sha256, document_of, load_part, resolved
from simulator.config.yaml_lines import Document, yaml_text
from simulator.results.run_folder import prepare_out
from simulator.sweeps.alone import Alone
from simulator.sweeps.bar import Bar
from simulator.sweeps.effects import write_effects
from simulator.sweeps.expressions import lookup, paths_of
from simulator.sweeps.file import Sweep, values_of
from simulator.sweeps.outcome import SweepOutcome, write_results
from simulator.sweeps.page import write_sweep_page
from simulator.sweeps.replicates import summarise
from simulator.sweeps.samplers import Told, batches
from simulator.sweeps.space import Point, Space
from simulator.sweeps.store import Answer, Store, store_of
from simulator.sweeps.workers import Run, pool
from simulator.time_limit import Ended

CPU = "cpu"
DEVICES = [CPU, "cuda"]
Values = dict[str, float | None]  # a row's paths; None: not there


def run_sweep(
    file: str | Path | Mapping[str, Any],
    *,
    workers: int = 0,
    scheduler: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    fresh: bool = False,
    retry_failed: bool = False,
    point_timeout_s: float | None = None,
    device: str = CPU,
    console: Console | None = None,
) -> SweepOutcome:
    """Run the sweep; write its folder to ``out``. Raises ConfigError for mistakes in the file or its axes.

    ``workers``: processes of this machine, 0 for none beside this one. ``device``: one of DEVICES.
    """
    document = document_of(file, (), bases=False)
    sweep = load_part(document, Sweep)
    base = document_of(sweep.base if isinstance(sweep.base, dict) else _base_path(file, sweep.base), ())
    alone = None if sweep.trace is None else Alone(_trace_path(file, sweep.trace, document))
    space = Space(sweep, base, document)
    space.check()
    folder = Path(out) if out is not None else None
    if folder is not None:
        prepare_out(folder, sweep=True)
    store_options = {"resume": resume or retry_failed, "fresh": fresh, "retry_failed": retry_failed}
    with (
        _runner(device, alone, workers, scheduler, point_timeout_s) as (run, gpus),
        store_of(folder, **store_options) as store,
    ):
        exploration = Exploration(sweep, space, store, run, alone.digest if alone else config_sha256)
        try:
            exploration.outcome.idle = {} if alone else space.idle_axes()
            with Bar(console, space) as bar:
                exploration.explore(bar)
            outcome = exploration.finish()
            outcome.device = gpus.told if gpus else ""
            if store is not None:
                written = resolved(sweep) | {"base": resolved(space.config({}))}
                if alone is not None:
                    written["trace"] = str(alone.trace.resolve())
                (store.folder / "sweep.yaml").write_text(yaml_text(written), encoding="utf-8")
                write_results(outcome, store.folder)
                write_effects(outcome, store.folder)
                write_sweep_page(outcome, store.folder, written["base"], folder or store.folder)
        except (KeyboardInterrupt, Ended) as interrupt:
            if store is not None:
                interrupt.add_note(f"{store.kept} points are kept; --resume runs the rest")
            raise
    return outcome


def _base_path(file: Any, base: str) -> Path:
    return (Path(file).parent if isinstance(file, str | Path) else Path()) / base


def _trace_path(file: Any, trace: str, document: Document) -> Path:
    """Return where the trace lies. Raises ConfigError."""
    path = _base_path(file, trace)
    if not path.is_file():
        raise at(document, ("trace",), f"{trace!r} is no file; write the path of a trace")
    return path


@contextmanager
def _runner(
    device: str, alone: Alone | None, workers: int, scheduler: str | None, point_timeout_s: float | None
) -> Iterator[tuple[Run, Any]]:
    """Yield what runs points, and what tells of GPUs that do. Raises ConfigError."""
    if device not in DEVICES:
        raise ConfigError(not_one_of(device, DEVICES), key="--device")
    if device == CPU:
        with pool(workers, scheduler, point_timeout_s, alone) as run:
            yield run, None
        return
    for name, given in (("--scheduler", scheduler), ("--point-timeout", point_timeout_s)):
        if given is not None:
            raise ConfigError(
                f"goes with points on the CPU alone; leave it out, or --device {device}", key=name
            )
    from simulator.cuda.points import on_gpus

    with on_gpus(alone) as found:
        yield found


class Exploration:
    """A sweep under way: what is known of which config, and the rows so far."""

    def __init__(
        self,
        sweep: Sweep,
        space: Space,
        store: Store | None,
        run: Run,
        digest: Callable[[Config], str] = config_sha256,
    ):
        self.sweep, self.space, self.store, self.run, self.digest = sweep, space, store, run, digest
        self.known: dict[str, tuple[Values, str]] = {}  # digest -> (values, error)
        self.sampled: dict[str, float] = {}  # digest of a run of which a part was simulated -> its error
        self.sent: dict[str, dict[str, Any]] = {}  # configs that are being simulated
        self.outcome = SweepOutcome(sweep.name, list(sweep.axes), dict(sweep.objectives), list(sweep.paths))
        self.found: set[str] = set()  # paths at which some point had a number
        self.summary: dict[str, Any] = {}  # of a point that ran
        self.untried = {
            (name, repr(value))
            for name, axis in sweep.axes.items()
            for value in values_of(axis)
            if isinstance(axis, dict) or value is None or isinstance(value, dict)
        }  # values with which a summary may have other paths, and with which no point has run

    def explore(self, bar: Bar) -> None:
        """Run every point that the sampler asks for."""
        sampler = batches(self.sweep, self.space, self.store.folder if self.store else None)
        told: Told | None = None
        while True:
            try:
                points = next(sampler) if told is None else sampler.send(told)
            except StopIteration:
                return
            told = self.run_points(points, bar)

    def finish(self) -> SweepOutcome:
        """Mark the front. Raises ConfigError without any point, and for a path at which none has a number."""
        if not self.outcome.rows:
            message = "no point that was drawn meets them all; write weaker ones, or more points"
            raise at(self.space.document, ("conditions",), message)
        ran = [row for row in self.outcome.rows if not row["error"] or row["error"].startswith(NO_NUMBER)]
        for path in self.outcome.paths:
            if ran and all(row[path] == "" for row in ran):
                raise self._no_number(path)
        self.outcome.mark_pareto()
        self.outcome.mark_idle()
        self.outcome.stale = self.store.stale if self.store else 0
        return self.outcome

    def run_points(self, points: Sequence[Point], bar: Bar) -> Told:
        """Run ``points`` and add their rows, in their order; return what the sampler is told."""
        digests: list[list[str]] = [[] for _ in points]
        asked: dict[str, list[int]] = {}  # digest -> points that wait for it
        left = [self.sweep.replicates] * len(points)

        def arrived(digest: str) -> None:
            for index in asked.pop(digest, ()):
                left[index] -= 1
                if left[index] == 0:
                    values, error = self._row(points[index], digests[index])
                    bar.advance(values, not error and max(self._broken(values), default=0) <= 0, error)
                    if not error or error.startswith(NO_NUMBER):
                        self._check_paths(points[index])

        for digest, answer in self.run(self._tasks(points, digests, asked, arrived)):
            if self.store is not None:
                self.store.keep(digest, answer | {"config": self.sent.pop(digest)})
            self._learn(digest, answer)
            arrived(digest)
        return [self._record(point, keys) for point, keys in zip(points, digests)]

    def _tasks(
        self, points: Sequence[Point], digests: list[list[str]], asked: dict[str, list[int]], arrived: Any
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each config that is to be simulated, when a worker is free; settle those that are known."""
        for index, point in enumerate(points):
            for replicate in range(self.sweep.replicates):
                config = self._config(point, replicate)
                digest = self.digest(config) if isinstance(config, Config) else f"error: {config}"
                digests[index].append(digest)
                waits = digest in asked
                asked.setdefault(digest, []).append(index)
                if not isinstance(config, Config):
                    self.known[digest] = (dict.fromkeys(self.sweep.paths), config)
                if digest not in self.known and self.store is not None and (found := self.store.read(digest)):
                    self._learn(digest, found)
                if digest in self.known:
                    arrived(digest)
                elif not waits and isinstance(config, Config):
                    self.sent[digest] = resolved(config)
                    yield digest, self.sent[digest]

    def _config(self, point: Point, replicate: int) -> Config | str:
        try:
            config = self.space.config(point)
            seed = config.simulation.seed + replicate
            return config if replicate == 0 else self.space.config(point, seed=seed)
        except ConfigError as error:
            return " ".join(str(error).split())

    def _learn(self, digest: str, answer: Answer) -> None:
        """Keep an answer's values."""
        summary, error = answer.get("summary", {}), answer.get("error", "")
        values = {text: lookup(summary, read) for text, read in self.sweep.paths.items()}
        if "sampling" in summary:
            self.sampled[digest] = summary["sampling"]["latency_error"]
        if not error:
            self.summary = summary
            self.found |= {path for path, value in values.items() if value is not None}
            error = next((f"{NO_NUMBER} {path}" for path in self._needed() if values[path] is None), "")
        self.known[digest] = (values, error)

    def _needed(self) -> Iterator[str]:
        """Yield what a point must have a number at."""
        yield from self.sweep.objectives
        yield from self.sweep.constraints

    def _check_paths(self, point: Point) -> None:
        """Note that ``point`` ran. Raises ConfigError for a path that no other point may have."""
        self.untried -= {(name, repr(value)) for name, value in point.items()}
        if not self.untried:
            for path in self._needed():
                if path not in self.found:
                    raise self._no_number(path)

    def _row(self, point: Point, digests: list[str]) -> tuple[Values, str]:
        """Return a point's values, means over its replicates, and its first error."""
        runs = [self.known[digest] for digest in digests]
        error = next((error for _, error in runs if error), "")
        return (runs[0][0] if len(runs) == 1 else summarise([values for values, _ in runs])), error

    def _record(self, point: Point, digests: list[str]) -> tuple[list[float] | None, list[float]]:
        """Add a row; return (objectives or None if it failed, by how much each constraint is broken)."""
        values, error = self._row(point, digests)
        broken = self._broken(values)
        feasible = not error and all(excess <= 0 for excess in broken)
        digest = digests[0] if not digests[0].startswith("error") else ""
        sampled = max((self.sampled[key] for key in digests if key in self.sampled), default=None)
        self.outcome.add(point, values, feasible, error, digest, sampled)
        return (None if error else [float(values[path] or 0.0) for path in self.sweep.objectives]), broken

    def _broken(self, values: Values) -> list[float]:
        """Return by how much each constraint is broken, 0 or less where it holds."""
        return [bounds.excess(values[path] or 0.0) for path, bounds in self.sweep.constraints.items()]

    def _no_number(self, path: str) -> ConfigError:
        table = next(t for t in ("objectives", "constraints", "metrics") if path in getattr(self.sweep, t))
        close = difflib.get_close_matches(path, list(paths_of(self.summary)), n=1)
        right = f"did you mean {close[0]!r}?" if close else "write another path"
        kept = f"; {self.store.kept} points are kept" if self.store else ""
        written = getattr(self.sweep, table)
        inner = path if isinstance(written, dict) else written.index(path)
        place = self.space.document.place_of((table, inner))
        return ConfigError(
            f"no point's summary.json has a number there; {right}{kept}",
            file=place.file if place else None,
            line=place.line if place else None,
            key=f"{table}.{path}",
        )


NO_NUMBER = "summary.json has no number at"
