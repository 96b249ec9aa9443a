"""The command line's application, and the options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from hw_models.errors import ConfigError

app = typer.Typer(
    name="dlasim",
    help="Cycle-accurate simulation of DNN accelerators and the memory system they share.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="a YAML config, or a name of `dlasim list configs`")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="lay a value on the config, such as system.llc.size=4MiB"
    ),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="the folder to write")]
Seed = Annotated[int | None, typer.Option("--seed", help="the seed of everything random")]
Timeout = Annotated[
    str | None,
    typer.Option("--timeout", metavar="TIME", help="end the command after so much wall time, such as 60 s"),
]
Parameters = Annotated[
    Path | None,
    typer.Option("--parameters", metavar="FILE.npz", help="weights, scales and inputs for --values"),
]
Frames = Annotated[
    str,
    typer.Option("--frames", metavar="last|worst|all", help="frames in ops.csv; otherwise worst and last"),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="no progress bar")]
Strict = Annotated[bool, typer.Option("--strict", help="unknown operators are errors")]


def seconds_of(text: str | None, option: str) -> float | None:
    """Return a time of the command line in seconds. Raises ConfigError."""
    if text is None:
        return None
    from hw_models.units import FS, TIME_UNITS, parse_quantity

    try:
        found = parse_quantity(text, "time", TIME_UNITS)
    except ValueError as error:
        raise ConfigError(str(error), key=option) from None
    if found == 0:
        raise ConfigError(f"{text!r} is no time to run in; write more than 0 s", key=option)
    return found * FS
