"""What LLVM is told of kernels: which way branches go, and what lies in different places."""

import re
import sys

import llvmlite.binding as ll
import numpy as np
import pytest

from hw_models import likely
from hw_models.jit import LINKED, njit, numba
from hw_models.parts import PartLibrary, code_of, reached
from simulator.kernel.soc_state import Kind
from simulator.kernel.warm import memory_side
from simulator.soc import branches

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT or not LINKED, reason="nothing is compiled so")
ROW = np.dtype([("a", np.int64), ("b", np.int64), ("many", np.int64, (4,)), ("c", np.int64)])


@njit
def chosen(a):
    if a > 3:
        return a * 5
    return a - 1


@njit
def twice(row, i):
    """Read one field twice, and write another meanwhile, and an item of an array."""
    first = row["a"]
    row["b"] = i
    row["many"][i] = i
    return first - row["a"]


@njit
def words(row, numbers):
    """As `twice`, where what is written may be any of the record's words."""
    first = row["a"]
    numbers[0] = first + 1
    return first - row["a"]


def code(function, *kinds):
    """Return LLVM's code of a part, as it is lowered."""
    return str(function.part.compile(kinds).library.own_module)


def test_the_table_tells_branches_by_function_and_only_if_their_number_is_the_same(monkeypatch):
    name = f"{__name__}.chosen"
    monkeypatch.setattr(likely, "table", lambda: {name: [(1, 100)]})
    assert '!"branch_weights", i32 1, i32 99' in code(chosen, numba.int64)
    monkeypatch.setattr(likely, "table", lambda: {name: [(1, 100), (2, 5)]})
    assert "branch_weights" not in code(chosen, numba.int32)


def test_names_are_read_from_symbols():
    assert likely.name_of("_ZN9hw_models5cache5block7advanceB17_3905893e01fa236bE.inside") == (
        "hw_models.cache.block.advance"
    )
    assert likely.name_of("_ZN9hw_models3jit3runB16abE") == "hw_models.jit.run"


def test_counters_count_what_is_taken():
    text = "define i64 @_ZN1x1fB1_E(i1 %c) {\n  br i1 %c, label %a, label %b\na:\n  ret i64 1\nb:\n  ret i64 2\n}"
    assert len(branches.OWNERS) == 0
    try:
        counted = branches.with_counters(text)
        ll.parse_assembly(counted).verify()
        assert list(branches.OWNERS) == [("x.f", 0)]
    finally:
        branches.OWNERS.clear()
    assert branches.lines_of({("x.f", 0): np.array([0.2, 9.0]), ("x.g", 0): np.zeros(2)}) == ["x.f 1/10\n"]


def test_a_field_is_not_loaded_again_behind_stores_of_others():
    row = np.zeros(1, ROW)
    record = numba.from_dtype(ROW)
    assert twice(row[0], 2) == 0
    assert words(row[0], row.view(np.int64)) == -1
    assert len(set(re.findall(r"!tbaa (!\d+)", code(twice, record, numba.int64)))) == 3
    assert optimised(twice, record, numba.int64).count("load i64") == 0
    assert optimised(words, record, numba.types.Array(numba.int64, 1, "C")).count("load i64") == 2


def optimised(function, *kinds):
    """Return LLVM's code of a part by itself, optimised."""
    part = function.part.compile(kinds)
    module = part.library.own_module.clone()
    module.get_function(part.fndesc.mangled_name).linkage = "external"
    passes, builder = part.library.codegen._module_pass_manager(opt=2)
    passes.run(module, builder)
    return str(module)


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="counted in what Python 3.11 makes of the kernels"
)
def test_the_table_fits_the_kernels_of_the_memory_side():
    """If it does not: `python -m simulator.soc.branches`."""
    parts = {}
    for unit, kinds in memory_side({Kind.BUS, Kind.CACHE, Kind.DRAM}):
        for library in reached(unit.part.compile(kinds).library):
            if isinstance(library, PartLibrary):
                for function in code_of(library).functions:
                    if not function.is_declaration:
                        parts[likely.name_of(function.name)] = str(function)
    known = {name: text for name, text in parts.items() if name in likely.table()}
    assert len(known) > 80
    differ = [
        name
        for name, text in known.items()
        if len(re.findall(r"  br i1 ", text)) != len(likely.table()[name])
    ]
    assert differ == []
