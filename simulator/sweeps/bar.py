"""The progress of a sweep on a terminal: points done and failed, their rate, time left, the best so far."""

from typing import Any

from rich.console import Console

from simulator.sweeps.file import Sweep, values_of
from simulator.sweeps.outcome import SweepOutcome


class Bar:
    """A context that shows progress, if there is a console to show it on."""

    def __init__(self, console: Console | None, sweep: Sweep, outcome: SweepOutcome):
        self.sweep, self.outcome, self.console = sweep, outcome, console
        self.failed, self.best = 0, ""
        self.total = sweep.sampler.points
        if sweep.sampler.kind == "grid":
            self.total = 1
            for axis in sweep.axes.values():
                self.total *= len(values_of(axis))
        self.path, self.goal = next(iter(sweep.objectives.items()))
        self.best_value: float | None = None
        self.bar: Any = None

    def __enter__(self) -> "Bar":
        if self.console is not None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                MofNCompleteColumn(),
                BarColumn(),
                TextColumn("{task.fields[failed]} failed, {task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[best]}"),
            )
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.start()
            self.task = self.bar.add_task("points", total=self.total, failed=0, rate="", best="")
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.bar is not None:
            self.bar.stop()

    def advance(self, values: dict[str, float | None], error: str) -> None:
        """Count a point."""
        self.failed += bool(error)
        value = values.get(self.path)
        if not error and value is not None:
            sign = 1 if self.goal == "minimize" else -1
            if self.best_value is None or sign * value < sign * self.best_value:
                self.best_value = value
        if self.bar is None:
            return
        task = self.bar.tasks[0]
        rate = f"{task.completed / task.elapsed:.1f}/s" if task.elapsed else ""
        best = "" if self.best_value is None else f"best {self.path} {self.best_value:.4g}"
        self.bar.update(self.task, advance=1, failed=self.failed, rate=rate, best=best)
