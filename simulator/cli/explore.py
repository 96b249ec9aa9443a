"""Commands that run many simulations: sweep, search, fuzz."""

from pathlib import Path
from typing import Annotated

import typer

from hw_models.errors import ConfigError
from simulator.cli.app import ConfigFile, NoProgress, Out, Settings, seconds_of


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP", help="a YAML sweep file; or: show DIR POINT")],
    show: Annotated[list[str] | None, typer.Argument(metavar="[DIR POINT]", help="of `sweep show`")] = None,
    out: Out = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="processes of this machine")] = 1,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="a Dask scheduler")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="keep the points that are done")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="drop the points of a sweep that did not end")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="keep the points that are done, run the failed ones again")
    ] = False,
    point_timeout: Annotated[
        str | None, typer.Option("--point-timeout", metavar="TIME", help="end a point after this long: 60 s")
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="cpu|cuda", help="cuda: the GPUs of this machine")
    ] = "cpu",
    no_progress: NoProgress = False,
) -> None:
    """Explore a design space: a table of results, the Pareto front, a report.

    `sweep show DIR POINT` prints the config of a point of a finished sweep, ready to run.
    """
    from rich.console import Console

    from simulator.cli.terminal import output_console
    from simulator.config.shipped import located
    from simulator.sweeps.execute import run_sweep
    from simulator.sweeps.outcome import print_outcome

    if str(file) == "show":
        from simulator.sweeps.show import config_of_point

        print(config_of_point(show or []), end="")
        return
    if show:
        raise ConfigError(f"{show[0]!r} is one argument too many; see --help", key="sweep")
    folder = out if out is not None else Path("runs") / file.stem
    bar = Console(stderr=True)
    outcome = run_sweep(
        located(file),
        workers=workers,
        scheduler=scheduler,
        out=folder,
        resume=resume,
        fresh=fresh,
        retry_failed=retry_failed,
        point_timeout_s=seconds_of(point_timeout, "--point-timeout"),
        device=device,
        console=bar if bar.is_terminal and not no_progress else None,
    )
    print_outcome(output_console(), outcome, folder)
    if all(row["error"] for row in outcome.rows):
        raise typer.Exit(1)


def search(
    config: ConfigFile,
    maximize: Annotated[
        str | None,
        typer.Option("--maximize", metavar="PATH", help="key of the config to find the highest value of"),
    ] = None,
    minimize: Annotated[
        str | None,
        typer.Option("--minimize", metavar="PATH", help="key of the config to find the lowest value of"),
    ] = None,
    subject_to: Annotated[
        list[str] | None,
        typer.Option("--subject-to", metavar="LIMIT", help="deadline, or PATH <= VALUE of summary.json"),
    ] = None,
    between: Annotated[
        tuple[str, str] | None, typer.Option("--between", metavar="LOW HIGH", help="where to look")
    ] = None,
    tolerance: Annotated[float, typer.Option("--tolerance", min=1e-6, help="as a share of the value")] = 0.01,
    out: Out = None,
    set: Settings = None,
) -> None:
    """Find the highest rate or load, or the lowest budget, that still keeps a deadline or another limit."""
    from fractions import Fraction

    from simulator.sweeps.search import DEADLINE
    from simulator.sweeps.search import search as find

    if (maximize is None) == (minimize is None):
        raise ConfigError("write one of --maximize PATH and --minimize PATH", key="search")
    found = find(
        config,
        path=maximize or minimize or "",
        goal="maximize" if maximize else "minimize",
        subject_to=subject_to or [DEADLINE],
        between=between,
        tolerance=Fraction(tolerance),
        settings=set,
        out=out if out is not None else Path("runs") / f"{config.stem}-search",
    )
    for row in found.outcome.rows:
        print(f"{row[found.path]}: {row['error'] or ('kept' if row['feasible'] else 'not kept')}")
    print(found)


def fuzz(
    cases: Annotated[int, typer.Option("--cases", min=1, help="how many random SoCs")] = 200,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="of the first; each case has its own from it")
    ] = 1,
    workers: Annotated[int, typer.Option("--workers", min=1, help="processes of this machine")] = 1,
    out: Out = None,
) -> None:
    """Run random SoCs and hold invariants against every run; failures are shrunk and written as configs."""
    from rich.console import Console

    from simulator.fuzz.command import run_fuzz

    folder = out if out is not None else Path("runs") / f"fuzz-{seed}"
    if run_fuzz(cases, seed, folder, workers=workers, console=Console(stderr=True)):
        raise typer.Exit(1)
