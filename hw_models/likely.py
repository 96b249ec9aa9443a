"""Which way branches usually go, as counted in runs of this project (`python -m simulator.soc.branches`).

LLVM lays code out so that the usual way is straight and short, and keeps in registers what that way needs. A
function whose branches are other ones than those that were counted is compiled without.
"""

from functools import cache
from pathlib import Path
from typing import Any

from llvmlite import ir

TABLE = Path(__file__).with_name(
    "branches.txt"
)  # a line a function: its name, then of each branch how often taken/reached


@cache
def table() -> dict[str, list[tuple[int, int]]]:
    """Return (taken, reached) of every branch, by function."""
    found = {}
    for line in TABLE.read_text(encoding="ascii").splitlines():
        name, *branches = line.split()
        counts = [one.partition("/") for one in branches]
        found[name] = [(int(taken), int(reached)) for taken, _, reached in counts]
    return found


def name_of(symbol: str) -> str:
    """Return the function that a symbol of `hw_models.parts.mangled` names: its module and name.

    Examples:
        >>> name_of("_ZN9hw_models4port4pushB4_0123E.1")
        'hw_models.port.push'
    """
    words, rest = [], symbol.removeprefix("_ZN").lstrip("_Z")
    while rest[:1].isdigit():
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        end = len(digits) + int(digits)
        words.append(rest[len(digits) : end])
        rest = rest[end:]
    return ".".join(words)


def tell(function: Any) -> None:
    """Give the branches of a function of llvmlite's what was counted."""
    ends = [block.terminator for block in function.blocks]
    branches = [end for end in ends if isinstance(end, ir.ConditionalBranch)]
    counted = table().get(name_of(function.name), [])
    if len(counted) == len(branches):
        for branch, (taken, reached) in zip(branches, counted, strict=True):
            if reached:
                branch.set_weights([taken, reached - taken])
