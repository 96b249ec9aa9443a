"""`dlasim report`: the pages and plots of a folder, again."""

from pathlib import Path

KINDS = ("png", "pdf")


def write_report(folder: Path) -> Path:
    """Write the plots, as pdf too, and report.html of a run's or sweep's folder; return the page's path."""
    from simulator.results.run_folder import new_files, read_run

    if (folder / "results.csv").is_file():
        from simulator.sweeps.outcome import read_outcome
        from simulator.sweeps.page import base_of, write_sweep_page

        outcome = read_outcome(folder)
        with new_files(folder) as temporary:
            write_sweep_page(outcome, temporary, base_of(folder), folder, KINDS)
    else:
        result = read_run(folder)
        from simulator.report.run_page import write_run_page

        with new_files(folder) as temporary:
            write_run_page(result, temporary, KINDS)
    return folder / "report.html"
