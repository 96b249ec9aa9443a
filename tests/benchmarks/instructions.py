"""What the frame executes: LLVM instructions of the tuned units and of the event loop, a request, by function.

    python tests/benchmarks/instructions.py --until '30 ms' --top 20

Counters at each block of the optimised code count exactly, so that it does not matter what else the machine
does. Address computations count as instructions though processors fold most of them into loads and stores.
"""

import argparse
import re
from collections import Counter
from typing import Any

import numpy as np

from hw_models.likely import name_of
from hw_models.whole import WholeLibrary
from simulator.config.model import load
from simulator.kernel import tuned
from simulator.soc.branches import DEFINED, added, rewrite
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

CONFIG = "configs/firesim_yolov3.yaml"
COUNTS = np.zeros(2**17, np.int64)
BLOCKS: list[tuple[str, int]] = []  # (function, instructions), as they are counted


def counted(function: str, lines: list[str]) -> list[str]:
    """Return a block's lines with a counter behind its label and its phis."""
    own = [line for line in lines if re.match(r"  \S", line)]
    number = len(BLOCKS)
    begin = sum(" = phi " in line or not line.startswith("  ") for line in lines)
    BLOCKS.append((name_of(function), len(own)))
    return [*lines[:begin], *added(f"block{number}", COUNTS[number:].ctypes.data, "1"), *lines[begin:]]


def with_counters(text: str) -> str:
    """Return LLVM's code with a counter in each block."""
    lines: list[str] = []
    function, block = "", []
    for line in text.split("\n"):
        if defined := DEFINED.match(line):
            function = defined[1]
        elif function and (line == "}" or not line.startswith(" ")):
            if any(one.startswith("  ") for one in block):
                lines += counted(function, block)
                block = []
            if line == "}":
                function = ""
            elif line:
                block.append(line)
                continue
        elif function:
            block.append(line)
            continue
        lines.append(line)
    return "\n".join(lines)


def counting(optimise: Any) -> Any:
    """Return a kernel's optimiser that has tuned code count its blocks."""

    def optimised(library: Any) -> None:
        optimise(library)
        if library.tuned:
            rewrite(library, with_counters)

    return optimised


def compile_all(self: Any) -> None:
    """Compile all units for a design: counted code is good for this process only."""
    for unit, types in self._units:
        unit.unit._files = None
        unit.unit.ready(types, self._known)
    self._used, self._units = self._units, []


def count(until: str) -> tuple[Counter, int, int]:
    """Run the frame's beginning in tuned code that counts. Returns by function, requests, events."""
    library: Any = WholeLibrary
    library._optimize_final_module = counting(library._optimize_final_module)
    machine = build_machine(load(CONFIG, settings=[f"simulation.until={until}"]))
    tuned.SHORT_S, tuned.Tuned._take = 0, compile_all  # type: ignore[method-assign]
    run_machine(machine)
    spent: Counter = Counter()
    for (function, instructions), times in zip(BLOCKS, COUNTS, strict=False):
        spent[function] += instructions * int(times)
    measures = machine.measures
    return spent, int(measures["reads"].sum() + measures["writes"].sum()), int(machine.system[0]["events"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--until", default="30 ms")
    parser.add_argument("--top", type=int, default=20)
    asked = parser.parse_args()
    spent, requests, events = count(asked.until)
    print(
        f"{requests} requests, {events / requests:.3f} events and {spent.total() / requests:.0f} instructions each"
    )
    for function, instructions in spent.most_common(asked.top):
        print(f"{instructions / requests:8.1f}  {function}")


if __name__ == "__main__":
    main()
