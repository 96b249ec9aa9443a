"""docs/notebook.ipynb: a notebook as its format asks, whose cells run and show what they say."""

import ast
import importlib.util
import json
from pathlib import Path

NOTEBOOK = json.loads(
    (Path(__file__).resolve().parents[2] / "docs/notebook.ipynb").read_text(encoding="utf-8")
)


def shown_by(source: str, names: dict):
    """Run a cell; return the value of its last line, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_it_is_a_notebook_without_outputs():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in NOTEBOOK["cells"]:
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        )
        assert cell.get("outputs", []) == []


def test_every_cell_runs_and_runs_show_themselves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "notebook"}
    shown = {}
    for cell in NOTEBOOK["cells"]:
        needs = cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code" and all(importlib.util.find_spec(name) for name in needs):
            shown[cell["id"]] = shown_by("".join(cell["source"]), names)
    assert "classify" in shown["run"]._repr_html_()
    assert "llc.size" in shown["sweep"]._repr_html_()
    assert len(repr(shown["sweep"])) <= 300
    assert shown["change"][0] != shown["change"][1]
    assert "roofline" in shown["figures"]
    assert (tmp_path / "runs/notebook/report.html").is_file()
    assert shown["slowest"][0][0] >= shown["slowest"][1][0]
