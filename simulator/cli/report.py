"""`dlasim report`: the pages and plots of a folder, again."""

from pathlib import Path

from hw_models.errors import ConfigError

KINDS = ("png", "pdf")


def write_report(folder: Path) -> Path:
    """Write the plots, as pdf too, and report.html of a run's or sweep's folder; return the page's path."""
    if (folder / "results.csv").is_file():
        from simulator.sweeps.outcome import read_outcome
        from simulator.sweeps.page import write_sweep_page

        write_sweep_page(read_outcome(folder), folder, KINDS)
    else:
        from simulator.results.run_folder import read_run

        result = read_run(folder)
        from simulator.report.run_page import write_run_page

        try:
            write_run_page(result, folder, KINDS)
        except OSError as error:
            raise ConfigError(f"cannot be written ({(error.strerror or '').lower()})", file=folder) from None
    return folder / "report.html"
