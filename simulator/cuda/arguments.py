"""What a GPU's kernels are given: entries, their arguments, and how each becomes a point's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import from_dtype
from numba.core import types
from numba.core.types import NamedTuple  # type: ignore[attr-defined]  # numba's partial annotations

from simulator.cuda.layout import kind_of

CODE = np.dtype(np.int32)  # how a point ended: 0 well


@dataclass(frozen=True)
class All:
    """An argument that all points share: an array of ``dtype``, in a layout of `simulator.cuda.layout`."""

    dtype: np.dtype

    @property
    def kind(self) -> Any:
        return types.Array(kind_of(self.dtype), 1, "C")


@dataclass(frozen=True)
class Each:
    """An argument of which each point has its own: a record of ``dtype``, of which some fields are known."""

    dtype: np.dtype
    known: tuple[tuple[str, int], ...] = ()
    absent: tuple[tuple[str, np.dtype], ...] = ()

    @property
    def kind(self) -> Any:
        return kind_of(self.dtype, dict(self.known), dict(self.absent))


@dataclass(frozen=True)
class Words:
    """The words of each point's record, as an array."""

    dtype: np.dtype

    @property
    def kind(self) -> Any:
        return types.Array(types.int64, 1, "C")


@dataclass(frozen=True)
class Part:
    """A field of each point's record of ``dtype``: a record or an array, of which some fields are known."""

    dtype: np.dtype
    field: str
    known: tuple[tuple[str, int], ...] = ()
    within: str = ""  # the field of the record that has these

    @property
    def kind(self) -> Any:
        known = dict(self.known)
        return kind_of(self.dtype[self.field], {self.within: known} if self.within else known)


@dataclass(frozen=True)
class Absent:
    """An array that no point has, of what the CPU's kernels take for one: their code is there already."""

    dtype: np.dtype

    @property
    def kind(self) -> Any:
        return types.Array(from_dtype(self.dtype), 1, "C")


@dataclass(frozen=True)
class Span:
    """Rows of ``dtype`` of an array of all points: a point's are from one to before another.

    These are the two numbers of ``field`` in the point's row of ``rows``, the entry's first argument.
    """

    dtype: np.dtype
    rows: np.dtype
    field: str

    @property
    def kind(self) -> Any:
        return types.Array(kind_of(self.dtype), 1, "C")


@dataclass(frozen=True)
class Several:
    """Arguments as a tuple of a NamedTuple ``form``."""

    form: Any
    parts: tuple["Argument", ...]

    @property
    def kind(self) -> Any:
        return NamedTuple([part.kind for part in self.parts], self.form)


Values = tuple[tuple[str, int], ...]  # of parameters in which all points agree (`hw_models.known`)
Argument = All | Each | Words | Part | Absent | Span | Several


@dataclass(frozen=True)
class Entry:
    """A kernel and its arguments after the first, which is the number of the point."""

    function: Any
    arguments: tuple[Argument, ...]
    values: Values = ()
    aside: tuple[str, ...] = ()  # functions that are called from many places: once in the code

    @property
    def name(self) -> str:
        return self.function.py_func.__name__

    @property
    def kinds(self) -> tuple[Any, ...]:
        return (types.int64, *(argument.kind for argument in self.arguments))

    @property
    def arrays(self) -> tuple[Argument, ...]:
        """Return the arguments that a launch gives an array each for."""
        return tuple(one for argument in self.arguments for one in _single(argument))


def _single(argument: Argument) -> Iterator[Argument]:
    if isinstance(argument, Several):
        for part in argument.parts:
            yield from _single(part)
    else:
        yield argument


@dataclass(frozen=True)
class Gathered:
    """Kernels as one: a point's next is the one whose number the first array's ``field`` says.

    All take the same arguments. ``after`` runs after each. Threads take points from queues
    (`simulator.cuda.queues`).
    """

    name: str
    steps: tuple[tuple[int, Entry], ...]
    after: Entry
    field: str
    values: Values = ()
    inlined: tuple[str, ...] = ()  # functions that become part of their callers, however large

    @property
    def arrays(self) -> tuple[Argument, ...]:
        return self.steps[0][1].arrays
