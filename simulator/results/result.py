"""What a run gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 2  # of summary.json: raised when a path changes its meaning or goes away


def told(series: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """Return the columns of a series over `time_s` in which there is anything but zeros."""
    return {name: values for name, values in series.items() if name != "time_s" and any(values)}


@dataclass
class Result:
    """One simulation's outcome; `simulator.report.write.write_run` turns it into files."""

    summary: dict[str, Any]  # summary.json: SI units, names carry them
    ops: Mapping[str, Sequence[Any]]  # ops.csv: column name -> values, all of equal length
    config: dict[str, Any]  # resolved; running it again gives the same result
    timeline: list[dict[str, Any]] = field(default_factory=list)  # Chrome trace events
    bandwidth: Mapping[str, Sequence[float]] = field(default_factory=dict)  # time_s, then bytes/s per master
    queues: Mapping[str, Sequence[float]] = field(default_factory=dict)  # time_s, then how full each is
    blame: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # blame.csv: waits by layer
    frames: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # frames.csv: a row a finished frame
    latency: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # latency.csv: reads by latency
    energy: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # energy.csv, if a node is named
    warnings: list[str] = field(default_factory=list)
    values: Mapping[str, Any] = field(default_factory=dict)  # job -> simulator.values.JobValues, if asked for
    requests: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # requests.csv, of jobs that serve
    transactions: Mapping[str, Mapping[str, Sequence[Any]]] = field(
        default_factory=dict
    )  # job -> bus_<job>.csv, of jobs that replay a bus trace

    def to_dataframe(self) -> Any:
        """Return `ops` as a pandas DataFrame. Raises ImportError if pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise ImportError("to_dataframe needs pandas: pip install pandas") from None
        return pandas.DataFrame(dict(self.ops))
