"""What docs/output.md promises of every machine: no code that could make one count differently from another."""

import ast
from pathlib import Path

import pytest

import hw_models

ROOT = Path(hw_models.__file__).parent.parent
FILES = sorted(
    path for package in ("hw_models", "workloads", "simulator") for path in (ROOT / package).rglob("*.py")
)
CALLS = {  # ... what differs
    "hash": "by process",
    "random.random": "by whoever used it before",
    "np.random.seed": "by whoever used it before",
    "np.random.rand": "by whoever used it before",
    "np.random.randint": "by whoever used it before",
    "Random": "by the clock, without a seed",
    "np.random.default_rng": "by the machine, without a seed",
    "locale.format_string": "by locale",
}
NEED_A_SEED = ("Random", "np.random.default_rng")
TYPES = ("np.int_", "np.uint", "np.long", "np.ulong", "np.intc", "np.longlong", "np.longdouble", "np.intp")
UNORDERED = ("sorted", "sum", "min", "max", "any", "all", "len", "set", "frozenset")  # order does not matter
FAST = ("fastmath", "parallel", "error_model")  # of numba: sums in another order


def differing(nodes):
    """Yield what in a file could differ from machine to machine or from run to run."""
    calls = [node for node in ast.walk(nodes) if isinstance(node, ast.Call)]
    imported = {a.name for node in ast.walk(nodes) if isinstance(node, ast.Import) for a in node.names}
    harmless_calls = set() if "random" in imported else {"random.random"}  # else of a seeded `Random`
    harmless = {
        id(loop)
        for call in calls
        if ast.unparse(call.func) in UNORDERED
        for argument in call.args
        for loop in getattr(argument, "generators", ())
    }
    for node in ast.walk(nodes):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in TYPES:
            yield ast.unparse(node)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS.keys() - harmless_calls and not (called in NEED_A_SEED and node.args):
                yield f"{called}: differs {CALLS[called]}"
            if called.endswith("jit"):
                yield from (keyword.arg for keyword in node.keywords if keyword.arg in FAST)
        if isinstance(node, ast.For | ast.comprehension) and is_set(node.iter) and id(node) not in harmless:
            yield f"order of a set: {ast.unparse(node.iter)}"


def is_set(node):
    """Tell whether what is iterated over is plainly a set: its order is that of hashes."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("set", "frozenset")


def test_nothing_depends_on_hashes_platform_or_a_fast_compiler():
    found = {}
    for path in FILES:
        told = list(differing(ast.parse(path.read_text(encoding="utf-8"))))
        if told:
            found[str(path.relative_to(ROOT))] = told
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "x = hash('a')", "import numpy as np\nx = np.int_(3)", "@njit(fastmath=True)\ndef f(): pass",
        "for a in {1, 2}: pass", "y = [a for a in set(x)]", "import random\nr = random.random()", "r = Random()",
    ],
)  # fmt: skip
def test_each_kind_is_found(code):
    assert len(list(differing(ast.parse(code)))) == 1
