"""Value change dumps (IEEE 1800, clause 21.7): the changes of chosen signals, one pass of a pattern.

Of a vector only its low 63 bits are kept; x and z count as 0, as a receiver that waits for 1 sees them.
"""

import re
import zlib
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hw_models.errors import ConfigError
from hw_models.unpacked import bytes_of

_DECLARATION = re.compile(
    rb"\$scope\s+\S+\s+(\S+)\s+\$end|(\$upscope)\s+\$end|\$var\s+\S+\s+(\d+)\s+(\S+)\s+(\S+?)(?:\s*\[[^\]]*\])?\s+\$end"
)
KNOWN = bytes.maketrans(b"xXzZuUwW-?lLhH", b"0" * 12 + b"11")  # what counts as a 0, and as a 1
_BITS = 63


class Changes(NamedTuple):
    """A signal's changes in the order of time."""

    times: np.ndarray  # int64, in the file's own unit
    values: np.ndarray  # int64

    def before(self, times: np.ndarray) -> np.ndarray:
        """Return the values just before given times; 0 before the first change."""
        index = np.searchsorted(self.times, times, "left") - 1
        return np.where(index >= 0, self.values[np.maximum(index, 0)], 0)


class Signal(NamedTuple):
    code: bytes  # what the dump calls it
    bits: int


class Dump:
    """A dump's signals by path, such as top.dut.m_axi_arvalid. Raises ConfigError for what is none."""

    def __init__(self, path: Path):
        self.path = path
        try:
            data = bytes_of(path)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"not a readable dump ({reason}); write a .vcd", file=path) from None
        end = data.find(b"$enddefinitions")
        if end < 0:
            raise ConfigError("no $enddefinitions; write a value change dump", file=path)
        self.body = memoryview(data)[end:]
        self.signals = _signals(data[:end])

    def changes(self, names: Iterable[str]) -> dict[str, Changes]:
        """Return the changes of signals, by path."""
        wanted = {name: self.signals[name].code for name in names}
        codes = b"|".join(re.escape(code) for code in sorted(set(wanted.values())))
        line = re.compile(
            rb"^(?:#(\d+)|([01xXzZuUwWlLhH-])(" + codes + rb")|[bB](\S+)\s+(" + codes + rb"))\s*?$", re.M
        )
        times = {code: array("q") for code in wanted.values()}
        values = {code: array("q") for code in wanted.values()}
        now = 0
        for match in line.finditer(self.body):
            time, bit, of_bit, vector, of_vector = match.groups()
            if time is not None:
                now = int(time)
            elif bit is not None:
                times[of_bit].append(now)
                values[of_bit].append(bit in b"1hH")
            else:
                times[of_vector].append(now)
                values[of_vector].append(int(vector.translate(KNOWN)[-_BITS:], 2))
        return {
            name: Changes(np.array(times[code], np.int64), np.array(values[code], np.int64))
            for name, code in wanted.items()
        }


def _signals(header: bytes) -> dict[str, Signal]:
    """Return each signal by its path."""
    scopes: list[str] = []
    signals: dict[str, Signal] = {}
    for match in _DECLARATION.finditer(header):
        scope, up, bits, code, name = match.groups()
        if scope is not None:
            scopes.append(scope.decode(errors="replace"))
        elif up is not None:
            del scopes[-1:]
        else:
            signals[".".join([*scopes, name.decode(errors="replace")])] = Signal(code, int(bits))
    return signals
