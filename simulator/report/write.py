"""Writing a run's folder: files first, then the pages."""

from pathlib import Path

from simulator.results.result import Result
from simulator.results.run_folder import new_folder, write_data


def write_run(result: Result, out: Path, *, plots: bool = True) -> None:
    """Write the run folder of ``result``. Raises ConfigError if it cannot be written."""
    with new_folder(out) as folder:
        write_data(result, folder)
        if result.values:
            from simulator.values import write_values

            write_values(dict(result.values), folder)
        if plots:
            from simulator.report.run_page import write_run_page  # matplotlib

            write_run_page(result, folder)
