"""Count which way the branches of kernels go: `python -m simulator.soc.branches` writes the table anew.

Kernels are compiled with a counter at every branch, run for a while on designs of many kinds, and what was
counted is kept in `hw_models/branches.txt` for `hw_models.likely`. Do this when kernels have changed much:
nothing but the time that runs take depends on it.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import llvmlite.binding as ll
import numpy as np

from hw_models import likely
from hw_models.dram import reference_runs as references
from hw_models.dram.build import build_channels
from hw_models.dram.standalone import TRACE, drive
from hw_models.kernel_files import KernelFiles
from hw_models.whole import WholeLibrary
from simulator.config.model import load
from simulator.kernel import warm
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

ROOT = likely.TABLE.parents[1]
SYSTEMS = {  # config: simulated time
    "firesim_yolov3": "40 ms",
    "nv_small_tiny": "10 ms",
    "realtime_all": "3 ms",
    "two_memories": "3 ms",
    "nvdla_and_systolic": "3 ms",
}
MEMORIES = ("ddr4_2400_ramulator2", "ddr4_2400_dramsim3")  # driven by traces alone
REQUESTS = 10_000  # of each trace
SHARE = 10**6  # of each run: its branches are counted in millionths of all
MOST_BRANCHES = 2**17
DEFINED = re.compile(r'^define .*?@"?([^\s"(]+)"?\(')
_BRANCH = re.compile(r"^  br i1 ([^,]+), label")
COUNTS = np.zeros((MOST_BRANCHES, 2), np.int64)  # taken, reached
OWNERS: dict[tuple[str, int], list[int]] = defaultdict(list)  # (function, branch): rows of COUNTS


def with_counters(text: str) -> str:
    """Return LLVM's code with two counters before each branch."""
    lines, function, branch = [], "", 0
    for line in text.split("\n"):
        if defined := DEFINED.match(line):
            function, branch = likely.name_of(defined[1]), 0
        if not function.startswith("cpython.") and (found := _BRANCH.match(line)):
            row = sum(map(len, OWNERS.values()))
            OWNERS[function, branch].append(row)
            branch += 1
            place = COUNTS.ctypes.data + row * COUNTS.strides[0]
            lines += [f"  %counted{row} = zext i1 {found[1]} to i64"]
            lines += added(f"taken{row}", place, f"%counted{row}")
            lines += added(f"reached{row}", place + COUNTS.itemsize, "1")
        lines.append(line)
    return "\n".join(lines)


def added(name: str, place: int, more: str) -> list[str]:
    """Return LLVM's code that adds ``more`` to the word at an address."""
    where = f"ptr inttoptr (i64 {place} to ptr)"
    return [
        f"  %{name}.was = load i64, {where}",
        f"  %{name}.is = add i64 %{name}.was, {more}",
        f"  store i64 %{name}.is, {where}",
    ]


def rewrite(library: Any, change: Callable[[str], str]) -> None:
    """Change the text of a kernel's code."""
    module = ll.parse_assembly(change(str(library._final_module)))
    module.name = library._final_module.name
    library._final_module = module


def counting(optimise: Any) -> Any:
    """Return a kernel's optimiser that lets it count its branches."""

    def optimised(library: Any) -> None:
        rewrite(library, with_counters)
        optimise(library)

    return optimised


def soc(config: str, until: str) -> None:
    """Run a config for a while."""
    path = ROOT / "configs" / f"{config}.yaml"
    run_machine(build_machine(load(path, settings=[f"simulation.until={until}"])))


def memory_alone(config: str) -> None:
    """Run the beginnings of all shipped traces through the channel of a config."""
    dram = load(ROOT / "configs" / "dram" / f"{config}.yaml").system.dram
    assert dram is not None
    for name in references.trace_names():
        trace = np.zeros(REQUESTS, TRACE)
        trace["address"], trace["write"], trace["cycle"] = (one[:REQUESTS] for one in references.trace(name))
        drive(dram, build_channels(dram), trace)


def count(run: Callable[[], None]) -> dict[tuple[str, int], tuple[float, float]]:
    """Return the shares (taken, reached) of a run's branches."""
    COUNTS[:] = 0
    run()
    found = {one: COUNTS[rows].sum(axis=0) for one, rows in OWNERS.items()}
    unit = SHARE / max(1, sum(int(reached) for _, reached in found.values()))
    return {one: (taken * unit, reached * unit) for one, (taken, reached) in found.items()}


def whole_number(share: float) -> int:
    """Return a share as a count: what was seen at all is seen once at least."""
    return max(round(share), 1) if share > 0 else 0


def main() -> None:
    """Run all, add up, write the table."""
    os.environ["DLASIM_TUNE"] = "0"  # all runs in the kernels that are compiled here
    files: Any = KernelFiles
    files.load, files.save = (lambda *_: None), (lambda *_: None)  # the code is good for this process only
    warm.is_cold = lambda: False  # nobody else compiles
    library: Any = WholeLibrary
    library._optimize_final_module = counting(library._optimize_final_module)
    total: dict[tuple[str, int], np.ndarray] = defaultdict(lambda: np.zeros(2))
    runs: dict[str, Callable[[], None]] = {one: partial(soc, one, until) for one, until in SYSTEMS.items()}
    for name, run in (runs | {one: partial(memory_alone, one) for one in MEMORIES}).items():
        for branch, shares in count(run).items():
            total[branch] += shares
        print(f"{name}: {len(OWNERS)} branches", flush=True)
    likely.TABLE.write_text("".join(lines_of(total)), encoding="ascii")


def lines_of(total: dict[tuple[str, int], np.ndarray]) -> list[str]:
    """Return the table's lines: functions that ran at all, each with all its branches in their order."""
    functions: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (function, _), (taken, reached) in sorted(total.items()):
        went = whole_number(taken), whole_number(reached - taken)
        functions[function].append((went[0], sum(went)))
    return [
        " ".join([function, *(f"{taken}/{reached}" for taken, reached in branches)]) + "\n"
        for function, branches in functions.items()
        if any(reached for _, reached in branches)
    ]


if __name__ == "__main__":
    main()
