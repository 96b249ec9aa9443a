"""Finds the signals of a bus by the names that designs give them."""

import re
from collections.abc import Iterator
from typing import Any

SPELLINGS = ("{prefix}_{name}", "{prefix}{name}", "{name}_{prefix}")
OF_CHANNELS = (  # {channel}: ar, aw, r, w, b of an AXI signal; {field}: the rest of its name
    "{prefix}_{channel}_{name}",
    "{prefix}_{channel}_{field}",
    "{prefix}_{channel}_bits_{field}",
    "{prefix}_{channel}_payload_{field}",
)
ENDS = ("", "_o", "_i", "_out", "_in")
CHANNEL = re.compile(r"(a[rw]|[rwb])(\w+)")
MASTERS = re.compile(r"(?i)(.*?)_?(?:a[rw]_)?(?:(?<![a-z])a[rw]_?valid)(?:_o|_out)?")


def spelt(prefix: str, name: str) -> Iterator[str]:
    """Yield what a signal ``name`` (`arvalid`, `psel`) of the bus ``prefix`` may be called, likely first."""
    parts = CHANNEL.fullmatch(name)
    words = {"prefix": prefix, "name": name}
    words |= {"channel": parts[1], "field": parts[2]} if parts else {}
    for end in ENDS:
        for spelling in (*SPELLINGS, *(OF_CHANNELS if parts else ())):
            whole = spelling.format(**words) + end
            rest = whole.removeprefix(prefix)
            yield from dict.fromkeys((whole, whole.upper(), prefix + rest.upper()))


def find(dut: Any, prefix: Any, name: str) -> Any:
    """Return the handle of a signal, None if there is none. ``prefix`` may be an object that has them."""
    if not isinstance(prefix, str):
        channel = getattr(prefix, name[: 2 if name[0] == "a" else 1], None)
        return getattr(prefix, name, getattr(channel, name, None))
    return first(dut, spelt(prefix, name))


def first(dut: Any, names: Any) -> Any:
    """Return the handle of the first of ``names`` that the design has, None if it has none."""
    return next((found for name in names if (found := getattr(dut, name, None)) is not None), None)


def prefixes(dut: Any) -> list[str]:
    """Return what the AXI buses of a design begin with, for what is told where none was found."""
    matches = (MASTERS.fullmatch(handle._name) for handle in dut)
    return sorted({match[1] for match in matches if match})


def is_low(reset: str) -> bool:
    """Tell by its name whether a reset is active at 0: `rst_n`, `aresetn`, `rst_ni`; not `reset_in`."""
    return re.sub(r"(?<=_n)i$|_(in|i)$", "", reset.lower()).endswith("n")
