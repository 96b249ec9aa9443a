"""Sections of `key=value` lines, with every mistake at its line."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from hw_models.errors import ConfigError
from workloads.graph import MOST
from workloads.importers.darknet_keys import ACTIVATIONS, ALIASES, EVERY, KEYS


@dataclass
class Section:
    kind: str  # without alias
    written: str
    line: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)  # key -> value, line
    notes: list[str] = field(default_factory=list)

    def add(self, key: str, value: str, line: int) -> None:
        """Keep the first of several values, as Darknet does."""
        first, at = self.values.setdefault(key, (value, line))
        if first != value:
            self.notes.append(
                f"line {line}: [{self.written}] {key}={value} is ignored: line {at} says {first}"
            )


class Values:
    """Values of one section, with errors that say where."""

    def __init__(self, file: str, section: Section):
        self.file, self.section = file, section

    def fail(self, message: str, key: str | None = None) -> ConfigError:
        line = self.section.values[key][1] if key in self.section.values else self.section.line
        path = f"[{self.section.written}]" + (f" {key}" if key else "")
        return ConfigError(message, file=self.file, line=line, key=path)

    def __contains__(self, key: str) -> bool:
        return key in self.section.values

    def integer(self, key: str, default: int | None = None) -> int:
        if key not in self.section.values:
            if default is None:
                raise self.fail(
                    f"no `{key}=` in this section; the file may be cut off here, add `{key}=NUMBER`"
                )
            return default
        text = self.section.values[key][0]
        try:
            return int(text)
        except ValueError:
            raise self.fail(f"{text!r} is not a whole number; write `{key}=NUMBER`", key) from None

    def positive(self, key: str, default: int | None = None) -> int:
        value = self.integer(key, default)
        if value <= 0:
            raise self.fail(f"{value} is too small; write at least 1", key)
        if value > MOST:
            raise self.fail(f"{value} is too large; write at most {MOST}", key)
        return value

    def padding(self, size: int, default: int = 0) -> int:
        """Return the padding of each side: half the kernel under `pad=1`, else `padding`."""
        value = size // 2 if self.integer("pad", 0) else self.integer("padding", default)
        if not 0 <= value <= MOST:
            raise self.fail(f"{value} is no padding; write 0 to {MOST}", "padding")
        return value

    def integers(self, key: str) -> list[int]:
        """Return numbers between commas; one more comma at the end is none."""
        if key not in self.section.values:
            raise self.fail(f"no `{key}=` in this section; the file may be cut off here, add `{key}=NUMBERS`")
        text = self.section.values[key][0]
        try:
            found = [int(part) for part in text.split(",") if part.strip()]
        except ValueError:
            raise self.fail(f"{text!r} is not a list of whole numbers; write `{key}=-1,8`", key) from None
        if not found:
            raise self.fail(f"{text!r} names no layer; write `{key}=-1,8`", key)
        return found

    def text(self, key: str, default: str) -> str:
        return self.section.values.get(key, (default, 0))[0]

    def activation(self, default: str) -> str:
        name = self.text("activation", default)
        if name not in ACTIVATIONS:
            close = get_close_matches(name, ACTIVATIONS, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(ACTIVATIONS[:12])}"
            raise self.fail(f"{name!r} is no activation; {advice}", "activation")
        return name


def read_sections(path: Path) -> list[Section]:
    """Return the sections of a file. Raises ConfigError with the line of the first fault."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of a Darknet .cfg file", file=path) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            "cannot be read as text; write the path of a Darknet .cfg file", file=path
        ) from None
    sections: list[Section] = []
    for number, raw in enumerate(lines, 1):
        line = raw.split("#")[0].split(";")[0].strip()
        if not line:
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise ConfigError(f"found {line!r}; write a section as [name]", file=path, line=number)
            sections.append(_section(line[1:-1].strip(), path, number))
            continue
        key, equals, value = line.partition("=")
        if not equals or not sections:
            raise ConfigError(f"found {line!r}; write [section] or key=value", file=path, line=number)
        _check_key(sections[-1], key.strip(), path, number)
        sections[-1].add(key.strip(), value.strip(), number)
    if not sections or sections[0].kind != "net":
        raise ConfigError(
            "does not start with [net]; write the path of a Darknet .cfg file", file=path, line=1
        )
    return sections


def _section(written: str, path: Path, line: int) -> Section:
    kind = ALIASES.get(written, written)
    if kind not in KEYS:
        close = get_close_matches(written, [*KEYS, *ALIASES], 1)
        advice = f"did you mean [{close[0]}]?" if close else f"write one of {', '.join(KEYS)}"
        raise ConfigError(f"unknown section; {advice}", file=path, line=line, key=f"[{written}]")
    return Section(kind, written, line)


def _check_key(section: Section, key: str, path: Path, line: int) -> None:
    known = (*KEYS[section.kind], *EVERY)
    if key not in known:
        close = get_close_matches(key, known, 1)
        advice = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(known[:12])}"
        message = f"unknown key; {advice}"
        raise ConfigError(message, file=path, line=line, key=f"[{section.written}] {key}")
