"""A builder of LLVM's code that leaves out what LLVM would only take away again.

A pointer is a pointer, of whatever it is thought to point to: a cast to another kind is no instruction. What
is put into a structure and taken out of it again need not go through it, and what nobody uses is dropped.
"""

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from hw_models import llvm_places

_PURE = {  # what does nothing but make a value
    *("add", "and", "ashr", "bitcast", "extractvalue", "getelementptr", "icmp", "insertvalue", "load"),
    *("lshr", "mul", "or", "select", "sext", "shl", "sub", "trunc", "xor", "zext"),
}


class Builder(ir.IRBuilder):
    """llvmlite's builder, that writes less."""

    def __init__(self, block: Any, hands_on: bool):
        super().__init__(block)
        self.hands_on = hands_on  # what a called function raises, to whoever called this one
        self._tag: Any = None  # of what is loaded or stored now
        self.places: dict = {}  # on the stack, for what a called function returns, by type

    def bitcast(self, value: Any, typ: Any, name: str = "") -> Any:
        """Return ``value`` under another type: of pointers, it is the same."""
        local = isinstance(value, ir.Instruction | ir.Argument) and not isinstance(value, ir.AllocaInstr)
        if value.type == typ or not (local and value.type.is_pointer and typ.is_pointer):
            return super().bitcast(value, typ, name)
        known = copy.copy(value)
        known.type = typ
        return known

    def extract_value(self, agg: Any, idx: Any, name: str = "") -> Any:
        """Return part ``idx`` of a structure: what was put there, if that is known."""
        at = tuple(idx) if isinstance(idx, tuple | list) else (idx,)
        whole = agg
        while isinstance(whole, ir.InsertValue):
            put = tuple(whole.indices)
            if put == at:
                return whole.value
            if put == at[: len(put)] or at == put[: len(at)]:
                break  # a part of what was put there, or more than that
            whole = whole.aggregate
        return super().extract_value(whole, idx, name)

    @contextmanager
    def tagged(self, tag: Any) -> Iterator[None]:
        """Give what is loaded or stored meanwhile a tag of `llvm_places`, None for none."""
        self._tag = tag
        yield
        self._tag = None

    def load(self, *args: Any, **how: Any) -> Any:
        """Return what lies somewhere."""
        return self._told(super().load(*args, **how))

    def store(self, *args: Any, **how: Any) -> Any:
        """Put a value somewhere."""
        return self._told(super().store(*args, **how))

    def _told(self, made: Any) -> Any:
        if self._tag is not None:
            made.set_metadata(llvm_places.KIND, self._tag)
        return made

    def place_for(self, kind: Any) -> Any:
        """Return where functions put what they return, of one type: it is read before another one runs."""
        if kind not in self.places:
            with self.goto_entry_block():
                self.places[kind] = self.alloca(kind)
        return self.places[kind]


def drop_unused(function: Any) -> None:
    """Drop what makes a value that nobody uses."""
    made: dict[str, Any] = {}
    uses: Counter[str] = Counter()
    for block in function.blocks:
        for each in block.instructions:
            made[each.name] = each
            uses.update(_operands(each))
    dropped: set[str] = set()
    todo = [name for name, each in made.items() if not uses[name]]
    while todo:
        name = todo.pop()
        if name in made and name not in dropped and not uses[name] and made[name].opname in _PURE:
            dropped.add(name)
            for used in _operands(made[name]):
                uses[used] -= 1
                todo.append(used)
    for block in function.blocks:
        block.instructions = [each for each in block.instructions if each.name not in dropped]


def _operands(instruction: Any) -> list[str]:
    """Return the names of what an instruction uses."""
    used = instruction.operands
    if isinstance(instruction, ir.PhiInstr):
        used = [value for value, _ in instruction.incomings]
    return [value.name for value in used if isinstance(value, ir.Instruction | ir.Argument)]
