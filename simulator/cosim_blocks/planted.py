"""Bugs planted on purpose, in the RTL and in the model: what co-simulation must find out.

`mutants/BLOCK.toml` has a table ``[[rtl]]`` or ``[[model]]`` for each: ``bug`` in words, ``right``, a text
that occurs once in ``file``, and ``wrong``. In the RTL both are expressions: all bugs of a block are
compiled at once, and `+mutant=N` chooses one. ``file`` of the RTL is a path from hw_models/, the block's last
source if absent; of the model it is a path from the repository's root.
"""

import sys
import tomllib
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
CHOICE = """package mutants;
  function automatic int pick();
    if ($value$plusargs("mutant=%d", pick) == 0) pick = 0;
  endfunction
  int chosen = pick();
endpackage
"""


class Mutant(NamedTuple):
    where: str  # "rtl" or "model"
    number: int  # of those in the RTL, from 1
    bug: str
    right: str
    wrong: str
    file: str  # of the model, from the repository's root; of the RTL from hw_models/


def mutants_of(name: str, sources: tuple[str, ...]) -> list[Mutant]:
    """Return the planted bugs of a block. Raises ValueError for a text that does not occur exactly once."""
    path = Path(__file__).parent / "mutants" / f"{name}.toml"
    table = tomllib.loads(path.read_text()) if path.exists() else {}
    found = []
    for where in ("rtl", "model"):
        for number, row in enumerate(table.get(where, []), 1):
            file = row.get("file", sources[-1])
            text = (ROOT / "hw_models" / file if where == "rtl" else ROOT / file).read_text()
            if text.count(row["right"]) != 1:
                raise ValueError(f"{path.name}: {row['right']!r} occurs {text.count(row['right'])} times")
            found.append(Mutant(where, number, row["bug"], row["right"], row["wrong"], file))
    return found


def with_choices(source: str, mutants: list[Mutant]) -> str:
    """Return the text of an RTL source in which the number of a mutant chooses among right and wrong."""
    text = (ROOT / "hw_models" / source).read_text()
    chains: dict[str, str] = {}
    for mutant in mutants:
        if mutant.where == "rtl" and mutant.file == source:
            chain = chains.get(mutant.right, f"({mutant.right})")
            chains[mutant.right] = f"(mutants::chosen == {mutant.number} ? ({mutant.wrong}) : {chain})"
    places = sorted((text.index(right), right) for right in chains)
    for at, right in reversed(places):
        text = text[:at] + chains[right] + text[at + len(right) :]
    return text


def plant_in_model(planted: dict[str, str]) -> None:
    """Let the import of ``planted["file"]`` find its text with the bug; it has not been imported yet."""
    sys.meta_path.insert(0, _Finder(planted))


class _Finder(MetaPathFinder):
    def __init__(self, planted: dict[str, str]):
        self._path = ROOT / planted["file"]
        self._module = ".".join(Path(planted["file"]).with_suffix("").parts)
        self._text = self._path.read_text().replace(planted["right"], planted["wrong"])

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        loader = _Loader(fullname, str(self._path), self._text)
        return spec_from_file_location(fullname, self._path, loader=loader)


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, text: str):
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, fullname: str) -> Any:
        return compile(self._text, self.path, "exec", dont_inherit=True)
