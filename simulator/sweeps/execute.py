"""Runs a sweep: points from the sampler, answers from the workers, all kept on disk as they come."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from hw_models.errors import ConfigError
from simulator.config.model import Config, config_sha256, load, load_part, resolved
from simulator.config.yaml_lines import yaml_text
from simulator.results.run_folder import prepare_out, put_in_place
from simulator.sweeps.axes import axis_values
from simulator.sweeps.file import Sweep, lookup
from simulator.sweeps.outcome import SweepOutcome, write_results
from simulator.sweeps.page import write_sweep_page
from simulator.sweeps.samplers import Point, batches
from simulator.sweeps.workers import Run, pool

NO_NUMBER = "summary.json has no number at"
Answer = dict[str, Any]  # {"summary": ...} or {"error": ...}


def run_sweep(
    file: str | Path | Mapping[str, Any],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    console: Console | None = None,
) -> SweepOutcome:
    """Run the sweep; write its folder to ``out``. Raises ConfigError for mistakes in the file or its axes."""
    sweep = load_part(file, Sweep, bases=False)
    base = sweep.base if isinstance(sweep.base, dict) else _base_path(file, sweep.base)
    _check_axes(sweep, base, file)
    folder = Path(out) if out is not None else None
    if folder is not None:
        prepare_out(folder)
    with pool(workers, scheduler) as run, _store(folder, resume) as store:
        outcome = SweepOutcome(sweep.name, list(sweep.axes), dict(sweep.objectives), sweep.paths)
        with _bar(console, sweep) as advance:
            _explore(sweep, base, store, run, outcome, advance)
        _check_paths(sweep, outcome, file)
        outcome.mark_pareto()
        if store is not None:
            (store / "sweep.yaml").write_text(yaml_text(resolved(sweep) | {"base": resolved(load(base))}))
            write_results(outcome, store)
            write_sweep_page(outcome, store)
    return outcome


def _base_path(file: Any, base: str) -> Path:
    folder = Path(file).parent if isinstance(file, str | Path) else Path()
    return folder / base


def _check_axes(sweep: Sweep, base: Any, file: Any) -> None:
    """Lay every value of every axis alone on the base, so that a wrong axis is told before time is spent."""
    load(base)
    for path, axis in sweep.axes.items():
        for value in axis_values(axis) or [axis.at(0.0)]:  # type: ignore[union-attr]
            try:
                load(base, values={path: value})
            except ConfigError as error:
                told = getattr(error, "errors", [error])[0]
                if told.file is not None and str(told.file).startswith("axes."):
                    raise ConfigError(
                        f"{value!r}: {told.message}", file=_name(file), key=f"axes.{path}"
                    ) from None


def _check_paths(sweep: Sweep, outcome: SweepOutcome, file: Any) -> None:
    """Refuse a path at which no point that ran has a number. What ran is kept for `--resume`."""
    ran = [row for row in outcome.rows if not row["error"] or row["error"].startswith(NO_NUMBER)]
    for path in outcome.paths:
        if ran and all(row[path] == "" for row in ran):
            table = next(t for t in ("objectives", "constraints", "metrics") if path in getattr(sweep, t))
            raise ConfigError(
                "no point's summary.json has a number there; write another path, and --resume to keep "
                "the points that ran",
                file=_name(file),
                key=f"{table}.{path}",
            )


def _name(file: Any) -> str | None:
    return str(file) if isinstance(file, str | Path) else None


def _explore(
    sweep: Sweep, base: Any, store: Path | None, run: Run, outcome: SweepOutcome, advance: Any
) -> None:
    seen: dict[str, Answer] = {}
    sampler, told = batches(sweep), None
    while True:
        try:
            points = next(sampler) if told is None else sampler.send(told)
        except StopIteration:
            return
        configs = [_config_of(base, point) for point in points]
        told = []
        for point, answer in zip(points, _answers(configs, store, run, seen)):
            told.append(_record(sweep, outcome, point, answer))
            advance()


def _config_of(base: Any, point: Point) -> Config | Answer:
    try:
        return load(base, values=point)
    except ConfigError as error:
        return {"error": " ".join(str(error).split())}


def _answers(
    configs: list[Config | Answer], store: Path | None, run: Run, seen: dict[str, Answer]
) -> Iterator[Answer]:
    """Yield an answer for each config, in order: known, on disk, or simulated now."""
    keys = [config_sha256(c) if isinstance(c, Config) else None for c in configs]
    for key in keys:
        if key is not None and key not in seen and store is not None and (found := _stored(store, key)):
            seen[key] = found
    new = {key: config for key, config in zip(keys, configs) if key is not None and key not in seen}
    fresh = run([resolved(config) for config in new.values() if isinstance(config, Config)])
    coming = iter(zip(new, fresh))
    for key, config in zip(keys, configs):
        if key is None:
            assert isinstance(config, dict)
            yield config
            continue
        while key not in seen:
            done, answer = next(coming)
            seen[done] = answer
            if store is not None:
                _keep(store, done, answer)
        yield seen[key]


def _stored(store: Path, key: str) -> Answer | None:
    path = store / "points" / f"{key[:24]}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def _keep(store: Path, key: str, answer: Answer) -> None:
    path = store / "points" / f"{key[:24]}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(answer, indent=1) + "\n")
    partial.replace(path)


def _record(sweep: Sweep, outcome: SweepOutcome, point: Point, answer: Answer) -> list[float] | None:
    """Add a row to the results; return its objectives, None if it failed or breaks a constraint."""
    summary, error = answer.get("summary", {}), answer.get("error", "")
    values = {path: lookup(summary, path) for path in sweep.paths}
    missing = [path for path, value in values.items() if value is None]
    if not error and missing:
        error = f"{NO_NUMBER} {missing[0]}"
    feasible = not error and all(b.holds(values[p] or 0.0) for p, b in sweep.constraints.items())
    outcome.add(point, values, feasible, error)
    return [float(values[path] or 0.0) for path in sweep.objectives] if feasible else None


@contextmanager
def _store(out: Path | None, resume: bool) -> Iterator[Path | None]:
    """Yield the folder that becomes ``out`` when the sweep is complete; until then `--resume` finds it."""
    if out is None:
        yield None
        return
    partial = out.with_name(f".{out.name}.partial")
    if not resume:
        shutil.rmtree(partial, ignore_errors=True)
    (partial / "points").mkdir(parents=True, exist_ok=True)
    if resume and (out / "points").is_dir():
        shutil.copytree(out / "points", partial / "points", dirs_exist_ok=True)
    yield partial
    put_in_place(partial, out)


@contextmanager
def _bar(console: Console | None, sweep: Sweep) -> Iterator[Any]:
    if console is None:
        with nullcontext():
            yield lambda: None
        return
    from rich.progress import Progress

    grid = sweep.sampler.kind == "grid"
    total = sweep.sampler.points if not grid else None
    if grid:
        total = 1
        for axis in sweep.axes.values():
            total *= len(axis_values(axis))
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("points", total=total)
        yield lambda: bar.advance(task)
