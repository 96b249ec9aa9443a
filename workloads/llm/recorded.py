"""Recorded activity: a text file of the neurons that each token needs in each layer.

Columns `token,layer,neurons`; `neurons` are indices separated by spaces, ascending. Tokens count up from 0
and every token has every layer, in order. A name that ends in `.gz` is read as such.
"""

import csv
from pathlib import Path

import numpy as np

from hw_models.errors import ConfigError
from hw_models.unpacked import text_of

HEADER = ["token", "layer", "neurons"]


def read_recorded(path: Path, layers: int, neurons: int) -> list[list[np.ndarray]]:
    """Return flagged[token][layer], arrays of neurons. Raises ConfigError with the first fault's line."""
    try:
        with text_of(path, newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ConfigError(f"cannot be read ({reason}); write an activity file", file=path) from None
    if not rows or rows[0] != HEADER:
        found = ",".join(rows[0]) if rows else "nothing"
        raise ConfigError(f"first line is {found!r}; write {','.join(HEADER)}", file=path, line=1)
    flagged: list[list[np.ndarray]] = []
    for line, row in enumerate(rows[1:], 2):
        token, layer = divmod(line - 2, layers)
        if row[:2] != [str(token), str(layer)] or len(row) != len(HEADER):
            message = f"found {','.join(row[:2])}; write token {token}, layer {layer} of {layers}"
            raise ConfigError(message, file=path, line=line)
        if layer == 0:
            flagged.append([])
        flagged[token].append(_neurons(row[2], neurons, path, line))
    if not flagged or len(flagged[-1]) != layers:
        have = len(flagged[-1]) if flagged else 0
        message = f"ends after {have} of {layers} layers; write every layer of every token"
        raise ConfigError(message, file=path, line=len(rows))
    return flagged


def _neurons(text: str, neurons: int, path: Path, line: int) -> np.ndarray:
    try:
        found = np.array([int(word) for word in text.split()], np.int64)
    except (ValueError, OverflowError):
        raise ConfigError("neurons are not whole numbers; write indices", file=path, line=line) from None
    if found.size and (found[0] < 0 or found[-1] >= neurons or (np.diff(found) <= 0).any()):
        message = f"neurons are not ascending within 0 to {neurons - 1}; write each index once, in order"
        raise ConfigError(message, file=path, line=line)
    return found


class RecordedTrace:
    """Flagged neurons of successive tokens, from a file; it starts over at its end."""

    def __init__(self, path: Path, layers: int, neurons: int):
        self.flagged = read_recorded(path, layers, neurons)
        self.token = [0] * layers

    def step(self, layer: int) -> tuple[np.ndarray, int]:
        """Return the neurons of the layer's next token; how many are truly active is not recorded: 0."""
        found = self.flagged[self.token[layer] % len(self.flagged)][layer]
        self.token[layer] += 1
        return found, 0

    def snapshot(self, layer: int) -> int:
        return self.token[layer]

    def restore(self, layer: int, state: int) -> None:
        self.token[layer] = state
