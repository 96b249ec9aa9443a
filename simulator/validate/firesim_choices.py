"""What the sources of the FireSim SoC leave open, each choice over its range: which figures it moves.

`dlasim validate firesim --sensitivity FILE` runs a few points with every value of `CHOICES`, one choice at
a time, and writes the table.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hw_models.errors import ConfigError
from simulator.config.errors import not_one_of
from simulator.results.run_folder import new_file
from simulator.validate.firesim_cases import BARE, FRAME, Case, Outcome, cases


class Value(NamedTuple):
    """One value of a choice: what it sets in the config and of each co-runner."""

    name: str
    settings: tuple[str, ...] = ()
    crowd: tuple[tuple[str, str | None], ...] = ()
    seed: int = 1


class Choice(NamedTuple):
    """``sizes``: whose co-runners it concerns; none: NVDLA alone feels it as well, so every point is run."""

    name: str
    what: str
    values: tuple[Value, ...]
    sizes: tuple[str, ...] = ()


def _driver(milliseconds: str, register_write: str, interrupt: str, submit: str) -> Value:
    key = "system.accelerators.nvdla0.driver"
    return Value(
        f"{milliseconds} ms a frame",
        (f"{key}.register_write={register_write}", f"{key}.interrupt={interrupt}", f"{key}.submit={submit}"),
    )


def _crowd(key: str, *values: str | None) -> tuple[Value, ...]:
    return tuple(Value(value or "none", crowd=((key, value),)) for value in values)


CHOICES = (
    Choice("config", "as the config has it", (Value("-"),)),
    Choice(
        "driver",
        "the driver's time, calibrated at 2.3 ms",
        (_driver("0.5", "7 ns", "1 us", "76 us"), _driver("6", "78 ns", "13 us", "913 us")),
    ),
    Choice(
        "core_work",
        "the CPU's time in layers, calibrated at 1.03",
        tuple(Value(value, (f"workloads.detect.core_work={value}",)) for value in ("0.5", "2")),
    ),
    Choice(
        "seed",
        "random victims, phases and frames",
        tuple(Value(str(n), seed=n) for n in (2, 3)),
    ),
    Choice("frames", "memory that page frames lie in at random", _crowd("frames", None, "16 MiB")),
    Choice("llc_array", "an array that fits the LLC", _crowd("footprint", "64 KiB", "448 KiB"), ("LLC",)),
    Choice("dram_array", "an array that does not", _crowd("footprint", "4 MiB", "64 MiB"), ("DRAM",)),
    Choice("jitter", "a line's time at random, most", _crowd("jitter", "2 cycles", "16 cycles")),
)
BY_NAME = {case.name: case for case in cases(every=True)}
GRID = (BY_NAME["64 KiB / 64 B"], BY_NAME["64 KiB / 128 B"], BY_NAME["4096 KiB / 128 B"])
CROWDS = (BY_NAME["1 x LLC"], BY_NAME["1 x DRAM"])
HEADINGS = (
    "NVDLA [ms]",
    "CPU [ms]",
    *(f"x {case.name}" for case in (FRAME, *GRID)),
    *(case.name for case in CROWDS),
)


def chosen(names: str) -> list[Choice]:
    """Return the choices of a comma-separated list, all for "all". Raises ConfigError."""
    if names == "all":
        return list(CHOICES)
    table = {choice.name: choice for choice in CHOICES}
    for name in names.split(","):
        if name not in table:
            raise ConfigError(f"--choices: {not_one_of(name, [*table, 'all'])}")
    return [table[name] for name in names.split(",")]


def runs_of(choice: Choice, value: Value) -> dict[str, Case]:
    """Return name of a point -> its run with ``value``: only those that the choice can move."""
    crowds = [case for case in CROWDS if not choice.sizes or case.size in choice.sizes]
    points = crowds if value.crowd else [FRAME, BARE, *GRID, *crowds]
    if choice.name == "core_work":
        points = [FRAME]
    return {
        case.name: case._replace(settings=case.settings + value.settings, crowd=value.crowd, seed=value.seed)
        for case in points
    }


def write_sensitivity(
    file: Path, choices: list[Choice], run: Callable[[list[Case]], dict[Case, Outcome]]
) -> None:
    """Run every value of ``choices`` and write the table to ``file``. Raises ConfigError."""
    if file.is_dir() or not file.parent.is_dir():
        raise ConfigError(
            "cannot be written; write a file in an existing folder", file=f"--sensitivity {file}"
        )
    lines = [(choice, value, runs_of(choice, value)) for choice in choices for value in choice.values]
    wanted = dict.fromkeys([FRAME, *(case for _, _, runs in lines for case in runs.values())])
    results = run(list(wanted))
    rows = [_cells(choice, value, runs, results) for choice, value, runs in lines]
    heads = ["choice", "value", *HEADINGS]
    text = "\n".join("| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows])
    with new_file(file) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _cells(choice: Choice, value: Value, runs: dict[str, Case], results: dict[Case, Outcome]) -> list[str]:
    """Return a row: milliseconds, speed-ups over no LLC, slowdowns; empty where the choice moves nothing."""
    found = {name: results[case] for name, case in runs.items()}
    alone = found.get(FRAME.name, results[FRAME])
    own = found.get(FRAME.name)
    cells = [f"{own.accelerator_s * 1e3:.1f}" if own else "", f"{own.cpu_s * 1e3:.1f}" if own else ""]
    bare = found.get(BARE.name)
    for case in (FRAME, *GRID):
        both = bare is not None and case.name in found
        cells.append(f"{bare.accelerator_s / found[case.name].accelerator_s:.3f}" if both and bare else "")
    for case in CROWDS:
        there = case.name in found
        cells.append(f"{found[case.name].accelerator_s / alone.accelerator_s:.2f}" if there else "")
    return [f"{choice.what} (`{choice.name}`)", value.name, *cells]
