"""`dlasim cosim`: RTL beside the model, cycle by cycle; a user's RTL behind a config's memory."""

import time
from pathlib import Path
from typing import Annotated

import typer

from hw_models.errors import ConfigError
from simulator.cli.app import Out, Settings, Timeout, seconds_of

GRACE_S = 10  # for a test to end by itself, and tell what it waits for


def cosim(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BLOCK | FILES...]",
            help="a block with an RTL twin (`dlasim list twins`); with --top: more sources",
        ),
    ] = None,
    transactions: Annotated[int, typer.Option("--transactions", min=1, help="of each run")] = 2000,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="of the first run")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="how many, from --seed on")] = 1,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="the model as the simulator compiles it, not as plain Python")
    ] = False,
    mutants: Annotated[
        bool,
        typer.Option("--mutants", help="plant bugs in RTL and model: each must be found out"),
    ] = False,
    prove: Annotated[
        bool,
        typer.Option("--prove", help="prove what is asserted of an arbiter, regulator or register_groups"),
    ] = False,
    out: Out = None,
    top: Annotated[str | None, typer.Option("--top", metavar="TOP", help="top module of your design")] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--sources",
            metavar="FILES...",
            help="of your design: SystemVerilog, in order; or a list of them, FILE.f",
        ),
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", metavar="MODULE", help="its cocotb tests: a module, or its .py")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="CONFIG", help="the SoC around it: with system.masters")
    ] = None,
    set: Settings = None,
    testcase: Annotated[str | None, typer.Option("--testcase", help="only this test of the module")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="of the top module")
    ] = None,
    define: Annotated[list[str] | None, typer.Option("--define", metavar="NAME[=VALUE]")] = None,
    include: Annotated[list[Path] | None, typer.Option("--include", metavar="DIR")] = None,
    build_argument: Annotated[
        list[str] | None, typer.Option("--build-arg", metavar="ARG", help="of the simulator's build")
    ] = None,
    simulator: Annotated[str, typer.Option("--simulator", help="another of cocotb's")] = "verilator",
    front_end: Annotated[
        str, typer.Option("--front-end", help="auto, verilator (compiled) or cocotb (any simulator)")
    ] = "auto",
    cycles: Annotated[
        int | None, typer.Option("--cycles", min=1, help="with --top: end a test after so many cycles")
    ] = None,
    quiet: Annotated[
        int | None,
        typer.Option(
            "--quiet", min=0, help="with --top: and after so many without a beat on any bus; 0: never"
        ),
    ] = None,
    timeout: Timeout = None,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="neither plots nor report.html")] = False,
) -> None:
    """Step a block and its RTL twin side by side, or run your RTL (--top) behind the memory of a config.

    Exit 1 if model and twin differ, or a test of yours fails.
    """
    from simulator.cli.signals import limited

    seconds = seconds_of(timeout, "--timeout")
    if top is None and prove:
        from simulator.cosim_blocks.command import run_proof

        with limited(seconds, timeout):
            proven = run_proof(_one_name(words))
        raise typer.Exit(0 if proven else 1)
    if top is None:
        with limited(seconds, timeout):
            well = _beside(
                words or [], transactions, 1 if seed is None else seed, seeds, compiled, mutants, out
            )
        raise typer.Exit(0 if well else 1)
    missing = {"--sources": sources or words, "--test": test, "--config": config}
    for option, value in missing.items():
        if not value:
            raise ConfigError("missing; write it beside --top", key=option)
    assert test is not None
    assert config is not None
    from simulator.cosim.cli import cosim_command
    from simulator.cosim.limits import Limits

    folder = out if out is not None else Path("runs") / f"{config.stem}-{top}"
    limits = Limits(quiet, cycles, time.time() + seconds if seconds is not None else None)
    with limited(seconds + GRACE_S if seconds is not None else None, timeout):
        failed = cosim_command(
            top, [*(sources or []), *map(Path, words or [])], test, config, folder,
            settings=set or [], seed=seed, testcase=testcase, parameters=parameter or [],
            defines=define or [], includes=include or [], arguments=build_argument or [],
            simulator=simulator, front_end=front_end, limits=limits, plots=not no_plots,
        )  # fmt: skip
    raise typer.Exit(1 if failed else 0)


def _beside(
    words: list[str],
    transactions: int,
    seed: int,
    seeds: int,
    compiled: bool,
    mutants: bool,
    out: Path | None,
) -> bool:
    """Return whether a block and its twin agree."""
    name = _one_name(words)
    from simulator.cosim_blocks.command import run_cosim

    folder = out if out is not None else Path("runs") / f"cosim-{name}"
    return run_cosim(name, transactions, seed, seeds, compiled=compiled, mutants=mutants, out=folder)


def _one_name(words: list[str] | None) -> str:
    if words is None or len(words) != 1:
        raise ConfigError(
            f"{len(words or [])} words; write the name of one block, or --top for a design of yours",
            key="BLOCK",
        )
    return words[0]
