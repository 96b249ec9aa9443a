"""The values of parameters put in the place of their loads, in LLVM's code (`hw_models.known`)."""

import re
from collections.abc import Iterable
from typing import Any

import llvmlite.binding as ll
from llvmlite import ir

MARK = "known"  # kind of LLVM's metadata
_NODE = re.compile(r'^!(\d+) = !\{!"(\w+\.\w+)"\}$', re.MULTILINE)
_LOAD = re.compile(rf"= load (i\d+), [^\n]*, !{MARK} !(\d+)$", re.MULTILINE)


def mark(module: Any, load: Any, name: str) -> None:
    """Give the load of a parameter its name."""
    load.set_metadata(MARK, module.add_metadata([ir.MetaDataString(module, name)]))


def fixed(module: Any, known: Iterable[tuple[str, int]]) -> Any:
    """Return LLVM's module with the values of parameters in place of their loads."""
    text, values = str(module), dict(known)
    names = dict(_NODE.findall(text))

    def put(load: re.Match) -> str:
        value = values.get(names.get(load[2], ""))
        return load[0] if value is None else f"= add {load[1]} 0, {value}"

    made = ll.parse_assembly(_LOAD.sub(put, text))
    made.name = module.name
    return made
