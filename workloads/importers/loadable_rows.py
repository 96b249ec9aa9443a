"""Lines of a loadable's operation list (`networks/reference/yolov3_loadable_ops.csv` shows the columns)."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hw_models.errors import ConfigError

_TENSOR = re.compile(r"DLA_MEM_(MC|CV|HW):(\d+)x(\d+)x(\d+):(\d+)B:addr(-?\d+):mem(-?\d+):off(\d+)")
_NEEDED = (
    "subgraph",
    "index",
    "op",
    "src_data",
    "dst_data",
    "data_bank",
    "weight_bank",
    "release",
    "x1_data",
)


class Tensor(NamedTuple):
    kind: str
    width: int
    height: int
    channels: int
    bytes: int
    memory: int
    offset: int


@dataclass
class Row:
    """One line of the list, with errors that say which."""

    file: Path
    line: int
    values: dict[str, str]

    def number(self, key: str) -> int:
        text = self.values.get(key) or ""
        try:
            return int(text)
        except ValueError:
            raise ConfigError(
                f"{text!r} is not a whole number", file=self.file, line=self.line, key=key
            ) from None

    def tensor(self, key: str) -> Tensor | None:
        text = self.values.get(key) or ""
        if not text:
            return None
        match = _TENSOR.fullmatch(text)
        if match is None:
            message = f"{text!r} is not a tensor; write MEMORY:WxHxC:BYTESB:addrA:memM:offOFFSET"
            raise ConfigError(message, file=self.file, line=self.line, key=key)
        width, height, channels, size, _, memory, offset = map(int, match.groups()[1:])
        return Tensor(match[1], width, height, channels, size, memory, offset) if width else None

    def given(self, key: str) -> Tensor:
        tensor = self.tensor(key)
        if tensor is None:
            raise ConfigError(
                "no tensor here; the line may be cut off", file=self.file, line=self.line, key=key
            )
        return tensor


def read_rows(path: Path) -> list[Row]:
    """Return the lines of the list. Raises ConfigError with the line of the first fault."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of a loadable's operation list", file=path) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError("cannot be read as text; write the path of an operation list", file=path) from None
    missing = [name for name in _NEEDED if not table or name not in table[0]]
    if missing:
        message = f"no column {missing[0]!r}; an operation list has the columns of yolov3_loadable_ops.csv"
        raise ConfigError(message, file=path, line=1)
    return [Row(path, number, values) for number, values in enumerate(table, 2)]
