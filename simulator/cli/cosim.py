"""`dlasim cosim`: RTL beside the model, cycle by cycle."""

from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.app import Out


def cosim(
    block: Annotated[
        str, typer.Argument(metavar="BLOCK", help="a block with an RTL twin: `dlasim list twins`")
    ],
    transactions: Annotated[int, typer.Option("--transactions", min=1, help="of each run")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="of the first run")] = 1,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="how many, from --seed on")] = 1,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="the model as the simulator compiles it, not as plain Python")
    ] = False,
    mutants: Annotated[
        bool,
        typer.Option("--mutants", help="plant bugs in RTL and model: each must be found out"),
    ] = False,
    out: Out = None,
) -> None:
    """Step a block and its RTL twin side by side in Verilator under random traffic; exit 1 if they differ."""
    from simulator.cosim_blocks.command import run_cosim

    folder = out if out is not None else Path("runs") / f"cosim-{block}"
    well = run_cosim(block, transactions, seed, seeds, compiled=compiled, mutants=mutants, out=folder)
    if not well:
        raise typer.Exit(1)
