"""The progress of a sweep on a terminal: points done and failed, their rate, time left, the best so far."""

import math
from typing import Any

from rich.console import Console

from simulator.report.labels import label_of, value_text
from simulator.sweeps.file import values_of
from simulator.sweeps.space import Space

BEST = 34  # characters of what is said of the best, so that 80 columns have the time that is left


class Bar:
    """A context that shows progress, if there is a console to show it on."""

    def __init__(self, console: Console | None, space: Space):
        self.space, self.console = space, console
        self.failed = 0
        self.path, self.goal = next(iter(space.sweep.objectives.items()))
        self.best_value: float | None = None
        self.bar: Any = None

    def __enter__(self) -> "Bar":
        if self.console is not None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                MofNCompleteColumn(),
                BarColumn(bar_width=12),
                TextColumn("{task.fields[failed]} failed, {task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[best]}"),
            )
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.start()
            self.task = self.bar.add_task("points", total=self._total(), failed=0, rate="", best="")
        return self

    def _total(self) -> int:
        """Return how many points there will be."""
        sweep = self.space.sweep
        if sweep.sampler.kind != "grid":
            return sweep.sampler.points
        if sweep.conditions:
            return sum(1 for _ in self.space.grid())
        return math.prod(len(values_of(axis)) for axis in sweep.axes.values())

    def __exit__(self, *exception: Any) -> None:
        if self.bar is not None:
            self.bar.stop()

    def advance(self, values: dict[str, float | None], feasible: bool, error: str) -> None:
        """Count a point; the best is one of those that are ``feasible``."""
        self.failed += bool(error)
        value = values.get(self.path)
        if feasible and value is not None:
            sign = 1 if self.goal == "minimize" else -1
            if self.best_value is None or sign * value < sign * self.best_value:
                self.best_value = value
        if self.bar is None:
            return
        task = self.bar.tasks[0]
        rate = f"{task.completed / task.elapsed:.1f}/s" if task.elapsed else ""
        best = ""
        if self.best_value is not None:
            best = f"best {value_text(self.path, self.best_value)} {label_of(self.path)}"
            best = best if len(best) <= BEST else f"{best[: BEST - 2]}.."
        self.bar.update(self.task, advance=1, failed=self.failed, rate=rate, best=best)
