"""Who imports whom: hw_models < workloads < simulator, no circle anywhere, kernels apart from the command line."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("hw_models", "workloads", "simulator")


def modules(root: Path) -> dict[str, Path]:
    """Return the files of the three packages by the name that an import gives them."""
    names = {}
    for layer in LAYERS:
        for path in (root / layer).rglob("*.py"):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            names[name.removesuffix(".__init__")] = path
    return names


def imported(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """Yield what a file imports of ours: also inside functions and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from [whole] if whole in known else [node.module] if node.module in known else []


def graph(root: Path) -> dict[str, set[str]]:
    files = modules(root)
    imports = {name: set(imported(ast.parse(path.read_text()), set(files))) for name, path in files.items()}
    return {name: {other for other in others if other != name} for name, others in imports.items()}


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle, none if there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def upward(imports: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return (module, what it imports from a layer above its own)."""

    def layer(name: str) -> int:
        return LAYERS.index(name.partition(".")[0])

    return [
        (name, other) for name, others in imports.items() for other in others if layer(other) > layer(name)
    ]


def test_there_is_no_circle():
    assert circle(graph(ROOT)) == []


def test_each_layer_knows_only_those_below():
    assert upward(graph(ROOT)) == []


def test_few_modules_import_numba():
    numba = [
        name
        for name, path in modules(ROOT).items()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "numba")
        or (isinstance(node, ast.Import) and any(a.name.partition(".")[0] == "numba" for a in node.names))
    ]
    owners = {
        "jit",
        "kernel_cache",
        "kernel_files",
        "kernel_levels",
        "callback",
        "apart",
        "llvm_lowering",
        "parts",
        "bits",
        "shortcuts",
        "whole",
    }
    gpu = {
        f"simulator.cuda.{name}"
        for name in ("arguments", "atoms", "compile", "doors", "layout", "points", "units")
    }
    assert set(numba) == {f"hw_models.{name}" for name in owners} | gpu


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from hw_models.b import x", ["hw_models.b"]),
        ("from hw_models import b", ["hw_models.b"]),
        ("import hw_models.b", ["hw_models.b"]),
        ("def f():\n    from hw_models.b import x", ["hw_models.b"]),
        ("if TYPE_CHECKING:\n    from hw_models.b import x", ["hw_models.b"]),
        ("from numpy import b", []),
    ],
)
def test_every_way_of_importing_is_seen(line, found):
    assert list(imported(ast.parse(line), {"hw_models", "hw_models.b"})) == found


def test_a_circle_and_a_step_up_are_found():
    assert circle({"a": {"b"}, "b": {"a"}}) != []
    assert upward({"hw_models.x": {"simulator.y"}, "simulator.y": set()}) == [("hw_models.x", "simulator.y")]
