"""Formats of memory traces: a request is (cycle, address, 1 if a write, bytes; 0: the block's usual size).

Sources: DRAMsim3, src/cpu.cc; DRAMSim2, TraceBasedSim.cpp (k6); Ramulator, README (memory traces);
Ramulator 2, LoadStoreTrace; DRAMSys, StlPlayer (absolute times; `.rstl` has relative ones).
"""

from collections.abc import Sequence
from typing import Final

from simulator.trace.lines import DECIMAL, HEXADECIMAL, Clock, Format, Line, Row, integer

CYCLES = Clock("cycle", "", 10**12)  # refreshes go on in idle time
KINDS = {"READ": 0, "WRITE": 1, "read": 0, "write": 1}
K6 = {"P_MEM_RD": 0, "P_FETCH": 0, "P_LOCK_RD": 0, "P_MEM_WR": 1, "P_LOCK_WR": 1, "BOFF": 1}
LETTERS = {"R": 0, "W": 1}
LOADS = {"LD": 0, "ST": 1}
AT_ONCE: Final = 0  # cycle of requests without one: each enters as soon as there is room


def dramsim3(words: Sequence[str]) -> Row:
    address, kind, cycle = words
    return integer(cycle), integer(address, 16), KINDS[kind], 0


def k6(words: Sequence[str]) -> Row:
    address, kind, cycle = words
    return integer(cycle), integer(address, 16), (K6 | KINDS)[kind], 0


def ramulator1(words: Sequence[str]) -> Row:
    address, kind = words
    return AT_ONCE, integer(address), LETTERS[kind], 0


def ramulator2(words: Sequence[str]) -> Row:
    kind, address = words
    return AT_ONCE, integer(address), LOADS[kind], 0


def stl(words: Sequence[str]) -> Row:
    """Read ``CYCLE: [(BYTES)] read|write ADDRESS [DATA]``; the data are not simulated."""
    if not words[0].endswith(":"):
        raise ValueError(words[0])
    size = 0
    if words[1].startswith("(") and words[1].endswith(")"):
        size = integer(words[1][1:-1])
        words = [words[0], *words[2:]]
    cycle, kind, address, *data = words
    if len(data) > 1:
        raise ValueError(data)
    return integer(cycle[:-1]), integer(address, 16), {"read": 0, "write": 1}[kind], size


def rstl(words: Sequence[str]) -> Line:
    raise ValueError("times relative to the request before, of which the moment is not known")


MEMORY = {
    "dramsim3": Format("ADDRESS READ|WRITE CYCLE", "0x1000 READ 0", HEXADECIMAL, lambda: dramsim3),
    "k6": Format("ADDRESS P_MEM_RD|P_MEM_WR|P_FETCH CYCLE", "0x1000 P_MEM_RD 0", HEXADECIMAL, lambda: k6),
    "ramulator1": Format("ADDRESS R|W", "0x1000 R", DECIMAL, lambda: ramulator1),
    "ramulator2": Format("LD|ST ADDRESS", "LD 0x1000", DECIMAL, lambda: ramulator2),
    "stl": Format("CYCLE: read|write ADDRESS", "0: read 0x1000", HEXADECIMAL, lambda: stl),
    "rstl": Format("absolute cycles in a .stl file", "0: read 0x1000", HEXADECIMAL, lambda: rstl),
}
