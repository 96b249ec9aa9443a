"""The command line. Every command imports what it needs when it runs: `--help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from hw_models.errors import ConfigError, StuckError
from simulator.cli import cosim, explore
from simulator.cli.app import (
    ConfigFile,
    Frames,
    NoProgress,
    Out,
    Parameters,
    Seed,
    Settings,
    Strict,
    Timeout,
    app,
    seconds_of,
)
from simulator.version import __version__

UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])  # of click, or of typer itself
OTHER_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dlasim {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    config: ConfigFile,
    out: Out = None,
    set: Settings = None,
    seed: Seed = None,
    strict: Strict = False,
    no_progress: NoProgress = False,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="neither plots nor report.html")] = False,
    values: Annotated[
        bool, typer.Option("--values", help="also compute what the networks compute, in INT8")
    ] = False,
    parameters: Parameters = None,
    frames: Frames = "",
    timeout: Timeout = None,
) -> None:
    """Run one simulation; print a summary, write the run folder (runs/<config's name> unless --out)."""
    import simulator
    from simulator.cli.signals import limited, noting
    from simulator.config.model import load
    from simulator.report.write import write_run
    from simulator.results.run_folder import prepare_out

    with limited(seconds_of(timeout, "--timeout"), timeout):
        loaded = load(config, settings=set or [], seed=seed, strict=strict)
        folder = out if out is not None else Path("runs") / config.stem
        prepare_out(folder)

        from rich.console import Console

        from simulator.cli.terminal import output_console, print_run, progress_bar

        with progress_bar(Console(stderr=True), not no_progress) as progress:
            result = simulator.run(
                loaded,
                progress=noting(progress),
                values=values or parameters is not None,
                parameters=parameters,
                frames=frames,
            )
        write_run(result, folder, plots=not no_plots)
    print_run(output_console(), result, folder)


@app.command(name="compile")
def compile_(
    config: ConfigFile,
    out: Out = None,
    set: Settings = None,
    seed: Seed = None,
    base: Annotated[str, typer.Option("--base", metavar="ADDRESS", help="where its memory begins")] = "0",
    parameters: Parameters = None,
) -> None:
    """Write the networks of a config as register-level programs with memory images."""
    from simulator.config.model import load
    from simulator.results.run_folder import new_folder
    from simulator.values import compile_network

    loaded = load(config, settings=set or [], seed=seed)
    folder = out if out is not None else Path("programs") / config.stem
    try:
        address = int(base, 0)
    except ValueError:
        raise ConfigError(f"{base!r} is not an address; write 0x80000000", key="--base") from None
    with new_folder(folder, ".cfg") as temporary:
        try:
            written = compile_network(loaded, temporary, address, parameters)
        except ConfigError as error:
            raise loaded.locate(error) from None
    for path in written:
        print(folder / path.name)


@app.command()
def check(config: ConfigFile, set: Settings = None, seed: Seed = None, strict: Strict = False) -> None:
    """Validate a config and the networks it names; print it with every default written out."""
    from simulator.config.idle import idle_keys, told
    from simulator.config.model import load, resolved
    from simulator.config.networks import check_networks
    from simulator.config.yaml_lines import yaml_text

    loaded = load(config, settings=set or [], seed=seed, strict=strict)
    check_networks(loaded)
    for each in idle_keys(loaded):
        print(f"warning: {told(*each)}", file=sys.stderr)
    print(yaml_text(resolved(loaded)), end="")


@app.command()
def network(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME", help="a network's file, a name of `dlasim list networks`, or a config"
        ),
    ],
    input: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="SIZE", help="WIDTHxHEIGHT, or NAME=1x3x640x640 of ONNX"),
    ] = None,
    on: Annotated[
        str, typer.Option("--on", metavar="PRESET", help="accelerator that it is lowered for")
    ] = "nv_large",
    as_json: Annotated[bool, typer.Option("--json", help="as JSON: macs, weights, layers")] = False,
    strict: Strict = False,
) -> None:
    """Print what was read of a network: every layer, its shapes, MACs and weights, and where it runs."""
    from simulator.cli.network import print_network

    print_network(source, input or [], on, as_json, strict)


for _command in (explore.sweep, explore.search, explore.fuzz, cosim.cosim):
    app.command()(_command)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a run's or a sweep's folder")],
) -> None:
    """Write the plots and report.html of a run or a sweep again."""
    from simulator.cli.report import write_report

    print(write_report(folder))


@app.command()
def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR DIR ...", help="run folders; the first is the baseline")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="the page to write")] = Path(
        "compare.html"
    ),
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="LIMIT",
            help="exit 1 if a run breaks it: 'workloads.*.latency_s > +5 %' (against the first run), "
            "'workloads.*.deadline.misses > 0'",
        ),
    ] = None,
) -> None:
    """Put runs side by side: latency, frame rate, traffic, interference, what a cure costs and buys."""
    from simulator.cli.terminal import output_console
    from simulator.report.compare import write_comparison

    if not write_comparison(output_console(), folders, out, fail_if or []):
        raise typer.Exit(1)


@app.command(context_settings=OTHER_OPTIONS)
def trace(
    context: typer.Context,
    block: Annotated[str, typer.Argument(metavar="BLOCK", help="dram, cache or flash")],
    config: ConfigFile,
    file: Annotated[Path, typer.Argument(metavar="TRACE", help="the trace file, plain or .gz")],
    out: Out = None,
    timeout: Timeout = None,
) -> None:
    """Drive one block alone by a trace file: a completion time per request.

    A block may have options of its own, such as --commands of dram.
    """
    from simulator.cli.signals import limited
    from simulator.trace.command import run_trace

    folder = out if out is not None else Path("runs") / f"{config.stem}-{file.name.partition('.')[0]}"
    with limited(seconds_of(timeout, "--timeout"), timeout):
        run_trace(block, config, file, folder, _options(context.args))


@app.command(context_settings=OTHER_OPTIONS)
def validate(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="which comparison: see `dlasim list validations`")
    ],
    table: Annotated[
        Path | None, typer.Argument(metavar="[TABLE]", help="a csv; absent: the ones shipped")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write every compared figure as csv")
    ] = None,
    timeout: Timeout = None,
) -> None:
    """Compare the model with a reference table: every row, then mean and worst error.

    A comparison may have options of its own, such as --internals of nvdla-rtl.
    """
    from simulator.cli.signals import limited
    from simulator.validate.table import run_validation

    arguments = list(context.args)
    if table is not None and str(table).startswith("--"):  # an option of the validation's own, and no table
        table, arguments = None, [str(table), *arguments]
    with limited(seconds_of(timeout, "--timeout"), timeout):
        run_validation(name, table, out, _options(arguments))


@app.command(name="list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="configs, presets, networks, standards, policies, twins or validations"
        ),
    ],
) -> None:
    """List what there is to name in a config."""
    from simulator.cli.listing import listing

    for line in listing(what):
        print(line)


@app.command()
def schema() -> None:
    """Print the JSON Schema of configs, for editors."""
    import json

    from simulator.config.model import schema as config_schema

    print(json.dumps(config_schema(), indent=2))


def _options(arguments: list[str]) -> dict[str, Any]:
    """Return `--name value`, `--name=value` and `--flag` as a dict."""
    options: dict[str, Any] = {}
    waiting: str | None = None
    for argument in arguments:
        if argument.startswith("--"):
            written, equals, value = argument[2:].partition("=")
            name = written.replace("-", "_")
            options[name] = value if equals else True
            waiting = None if equals else name
        elif waiting is not None:
            options[waiting], waiting = argument, None
        else:
            raise ConfigError(f"{argument!r} is one argument too many; see --help")
    return options


def _tell_usage(error: Exception) -> None:
    context = getattr(error, "ctx", None)
    if len(sys.argv) == 1 and context is not None:  # nothing was asked
        print(context.get_help())
        return
    said = " ".join(error.format_message().split()).rstrip(".")  # type: ignore[attr-defined]
    command = context.command_path if context is not None else "dlasim"
    print(f"error: {command}: {said}; see {command} --help", file=sys.stderr)


def main() -> None:
    """Run the command line: one line and exit code 2 for a user's mistake."""
    from simulator.cli.signals import end, listen
    from simulator.time_limit import Ended

    listen()
    try:
        sys.exit(app(prog_name="dlasim", standalone_mode=False))
    except UsageError as error:
        _tell_usage(error)
        sys.exit(2)
    except ConfigError as error:
        for one in getattr(error, "errors", [error]):
            print(f"error: {' '.join(str(one).split())}", file=sys.stderr)
        sys.exit(2)
    except StuckError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except Ended as told:
        end(told.number, getattr(told, "__notes__", ()))


if __name__ == "__main__":
    main()
