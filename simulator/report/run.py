"""A run as Python and notebooks have it: a result that can be saved, drawn and looked at."""

from html import escape
from pathlib import Path
from typing import Any

from simulator.report.write import write_run
from simulator.results.numbers import deadline_text, percent_text, time_text
from simulator.results.result import Result


class Run(Result):
    """One simulation's outcome, from `simulator.run` or `simulator.load_run`."""

    @classmethod
    def of(cls, result: Result) -> "Run":
        return cls(**vars(result))

    def save(self, folder: str | Path, *, plots: bool = True) -> Path:
        """Write the run folder; return its path. Raises ConfigError."""
        write_run(self, Path(folder), plots=plots)
        return Path(folder)

    def plot(self) -> dict[str, Any]:
        """Return the report's plots by name, as matplotlib figures."""
        from simulator.report.plots import run_plots  # matplotlib

        return run_plots(self)

    def __repr__(self) -> str:
        jobs = ", ".join(
            f"{n} {time_text(j['latency_s'])}" for n, j in self.summary.get("workloads", {}).items()
        )
        return (
            f"Result({str(self.summary.get('name', ''))!r}: {jobs or 'no jobs'}; {self._rows()} operations)"[
                :300
            ]
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: each job's figures."""
        rows = []
        for name, job in self.summary.get("workloads", {}).items():
            told = [time_text(job["latency_s"]), percent_text(job.get("mac_utilization")), deadline_text(job)]
            rows.append("".join(f"<td>{escape(text)}</td>" for text in (name, *told)))
        head = "".join(f"<th>{text}</th>" for text in ("job", "latency", "MAC use", "deadline"))
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        title = escape(str(self.summary.get("name", "")))
        return f"<b>{title}</b><table><tr>{head}</tr>{body}</table>"

    def _rows(self) -> int:
        return len(next(iter(self.ops.values()), ()))
