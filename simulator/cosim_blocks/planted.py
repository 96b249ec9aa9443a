"""Bugs planted on purpose, in the RTL and in the model: what co-simulation must find out.

`mutants/BLOCK.toml` has a table ``[[rtl]]`` or ``[[model]]`` for each: ``bug`` in words, ``right``, a text
that occurs once in ``file``, and ``wrong``. In the RTL both are expressions: all bugs of a block are compiled
at once, and `mutants::chosen` says which is in force. ``file`` of the RTL is a path from hw_models/, the
block's last source if absent; of the model it is a path from the repository's root. Where ``right`` alone
occurs more than once, ``at`` is the text around it, with @ for it.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = re.compile(r'^ *`include "(.+)"$', re.MULTILINE)
CHOICE = "package mutants;\n  int chosen = 0;\nendpackage\n"


class Mutant(NamedTuple):
    where: str  # "rtl" or "model"
    number: int  # of those in the RTL, from 1
    bug: str
    right: str
    wrong: str
    file: str  # of the model, from the repository's root; of the RTL from hw_models/
    at: str = "@"  # text around `right`, which is the @ in it

    def place(self, text: str) -> int:
        """Return where in ``text`` the right begins. Raises ValueError if it is not exactly one place."""
        whole = self.at.replace("@", self.right)
        if text.count(whole) != 1:
            raise ValueError(f"{self.file}: {whole!r} occurs {text.count(whole)} times")
        return text.index(whole) + self.at.index("@")


def mutants_of(name: str, sources: tuple[str, ...], *, strict: bool = True) -> list[Mutant]:
    """Return the planted bugs of a block.

    Raises ValueError for a text that does not occur exactly once; without ``strict`` that bug is left out, so
    that an edited model or twin can be run.
    """
    path = Path(__file__).parent / "mutants" / f"{name}.toml"
    table = tomllib.loads(path.read_text()) if path.exists() else {}
    found = []
    for where in ("rtl", "model"):
        for number, row in enumerate(table.get(where, []), 1):
            file = row.get("file", sources[-1])
            mutant = Mutant(where, number, row["bug"], row["right"], row["wrong"], file, row.get("at", "@"))
            try:
                mutant.place((ROOT / "hw_models" / file if where == "rtl" else ROOT / file).read_text())
            except ValueError:
                if strict:
                    raise
                continue
            found.append(mutant)
    return found


def with_choices(source: str, mutants: list[Mutant]) -> str:
    """Return the text of an RTL source in which the number of a mutant chooses among right and wrong.

    What it includes is put in place, with the choices of mutants in that file.
    """
    text = (ROOT / "hw_models" / source).read_text()
    chains: dict[int, tuple[int, str]] = {}  # by place: length of the right text, the choice
    for mutant in mutants:
        if mutant.where == "rtl" and mutant.file == source:
            place = mutant.place(text)
            size, chain = chains.get(place, (len(mutant.right), f"({mutant.right})"))
            chains[place] = size, f"(mutants::chosen == {mutant.number} ? ({mutant.wrong}) : {chain})"
    for place, (size, chain) in sorted(chains.items(), reverse=True):
        text = text[:place] + chain + text[place + size :]
    folder = source.rpartition("/")[0]
    return INCLUDE.sub(lambda found: with_choices(f"{folder}/{found[1]}", mutants), text)


@contextmanager
def planted_in_model(mutant: Mutant) -> Iterator[None]:
    """While in the context, what is imported of the model and the benches is imported anew, with the bug."""
    finder = _Finder(mutant)
    _forget_models()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget_models()


def _forget_models() -> None:
    package = __name__.rpartition(".")[0] + "."
    ours = {package + name for name in ("blocks", "inside", "planted")}
    for name in list(sys.modules):
        if name.startswith(("hw_models.", package)) and name not in ours:
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:  # else `from parent import child` finds the old one
                vars(sys.modules[parent]).pop(child, None)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant):
        self._path = ROOT / mutant.file
        self._module = ".".join(Path(mutant.file).with_suffix("").parts)
        text = self._path.read_text()
        place = mutant.place(text)
        self._text = text[:place] + mutant.wrong + text[place + len(mutant.right) :]

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
