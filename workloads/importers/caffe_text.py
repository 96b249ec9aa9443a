"""Protocol buffers' text format as Caffe's `.prototxt` files use it: fields and messages, with lines."""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError

TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<word>[A-Za-z_][\w.\-]*)|(?P<number>[-+]?[0-9.][\w.+-]*)|"
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<mark>[{}:;,\[\]<>])"""
)
MOST_DEPTH = 32
KIND = "a .prototxt file"


@dataclass
class Message:
    """Fields in the order of the file; each may stand several times."""

    file: str
    line: int
    name: str
    fields: dict[str, list[tuple[Any, int]]] = field(default_factory=dict)  # name -> (value, line) of each

    def fail(self, message: str, key: str | None = None) -> ConfigError:
        line = self.fields[key][0][1] if key in self.fields else self.line
        return ConfigError(message, file=self.file, line=line, key=f"{self.name}.{key}" if key else self.name)

    def all(self, key: str) -> list[Any]:
        return [value for value, _ in self.fields.get(key, [])]

    def message(self, key: str) -> "Message":
        """Return the message of a field; an empty one where there is none."""
        found = self.all(key)
        if not found:
            return Message(self.file, self.line, f"{self.name}.{key}")
        if not isinstance(found[0], Message):
            raise self.fail(f"{found[0]!r} is no block; write {key} {{ ... }}", key)
        result = found[0]
        result.name = f"{self.name}.{key}"
        return result

    def text(self, key: str, default: str = "") -> str:
        found = self.all(key)
        return str(found[0]) if found else default

    def whole(self, key: str, default: int | None = None, least: int = 0) -> int:
        found = self.wholes(key, least)
        if not found and default is None:
            raise self.fail(f"no {key}; the file may be cut off here, add `{key}: NUMBER`")
        return found[0] if found else int(default or 0)

    def wholes(self, key: str, least: int = 0) -> list[int]:
        found = self.all(key)
        for value in found:
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**20:
                raise self.fail(f"{value!r} is not a number from {least} to {2**20}", key)
        return found

    def flag(self, key: str, default: bool) -> bool:
        found = self.all(key)
        if found and not isinstance(found[0], bool):
            raise self.fail(f"{found[0]!r} is neither true nor false", key)
        return bool(found[0]) if found else default

    def only(self, known: tuple[str, ...]) -> None:
        """Raise for a field that is none of ``known``."""
        for key in self.fields:
            if key not in known:
                close = get_close_matches(key, known, 1)
                advice = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(known[:12])}"
                raise self.fail(f"unknown field; {advice}", key)


def read_text(path: Path) -> Message:
    """Return the file as one message. Raises ConfigError with the line of the first fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"no such file; write the path of {KIND}", file=path) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"cannot be read as text; write the path of {KIND}", file=path) from None
    return _Parser(str(path), text).all()


class _Parser:
    def __init__(self, file: str, text: str):
        self.file, self.at = file, 0
        line, position = 1, 0
        self.tokens: list[tuple[str, str, int]] = []
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                found = text[position:].split("\n")[0][:20]
                raise ConfigError(f"found {found!r}; write {KIND}", file=file, line=line)
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match[0], line))
            line += match[0].count("\n")
            position = match.end()
        self.last_line = line

    def all(self) -> Message:
        result = Message(self.file, 1, "net")
        self._fields(result, "", 0)
        return result

    def _fail(self, found: str, line: int, wanted: str) -> ConfigError:
        return ConfigError(f"found {found!r}; {wanted}", file=self.file, line=line)

    def _next(self) -> tuple[str, str, int]:
        if self.at == len(self.tokens):
            message = "ends in the middle of a block; the file is cut off"
            raise ConfigError(message, file=self.file, line=self.last_line)
        self.at += 1
        return self.tokens[self.at - 1]

    def _fields(self, into: Message, end: str, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise ConfigError(f"nested more than {MOST_DEPTH} deep", file=self.file, line=into.line)
        while self.at < len(self.tokens) or end:
            kind, word, line = self._next()
            if word == end and kind == "mark":
                return
            if word in (";", ","):
                continue
            if kind != "word":
                raise self._fail(word, line, "write `field: value` or `field { ... }`")
            into.fields.setdefault(word, []).extend(self._values(word, depth))

    def _values(self, name: str, depth: int) -> list[tuple[Any, int]]:
        kind, word, line = self._next()
        if word == ":" and kind == "mark":
            kind, word, line = self._next()
        if word in ("{", "<"):
            inner = Message(self.file, line, name)
            self._fields(inner, "}" if word == "{" else ">", depth + 1)
            return [(inner, line)]
        if word == "[":
            found: list[tuple[Any, int]] = []
            while (token := self._next())[1] != "]":
                if token[1] != ",":
                    found.append((self._scalar(*token), token[2]))
            return found
        return [(self._scalar(kind, word, line), line)]

    def _scalar(self, kind: str, word: str, line: int) -> Any:
        if kind == "text":
            return word[1:-1]
        if kind == "number":
            try:
                return int(word, 0)
            except ValueError:
                pass
            try:
                return float(word)
            except ValueError:
                raise self._fail(word, line, "write a number") from None
        if kind == "word":
            return {"true": True, "false": False}.get(word, word)
        raise self._fail(word, line, "write a value")
