"""Memory layers: a table of rows of which every token looks up a few, in some layers, wherever it lies.

A lookup compares a head's query with product keys (two lists of as many as the root of the rows, half a key
each, read once a step) and reads the rows that it picks. Rows are picked by a power law: that of rank r with
weight r^-skew. Sources: arXiv 1907.05242 (product keys), 2412.09764 (memory layers at scale).
"""

from math import isqrt
from typing import Literal

import numpy as np
from pydantic import Field

from hw_models.units import Block
from workloads.llm.kv_rules import Picked, choose

Gather = Literal["copy", "staged", "zero_copy", "zero_copy_shifted"]
GATHERS: dict[Gather, str] = {
    "copy": "as bytes over the link",
    "staged": "its cores collect them in a buffer, which is copied: its memory moves them three times",
    "zero_copy": "threads load them, 128 bytes together, each from the row's beginning on",
    "zero_copy_shifted": "the same, shifted so that no load crosses a line of 128 bytes",
}


class Table(Block):
    """A table that layers look things up in."""

    rows: int = Field(ge=1, description="of the table; all layers have one in common")
    picks: int = Field(32, ge=1, description="rows that a head looks up for a token")
    heads: int = Field(1, ge=1, description="lookups of a token in a layer")
    width: int | None = Field(None, ge=1, description="values of a row; absent: the model's width")
    key_width: int = Field(256, ge=0, description="values of a key and its partner; 0: no keys are compared")
    layers: Picked = Field("0", description="that look up: 0, 8-15, [0, 4], every 4")
    home: Literal["dram", "flash", "host"] = Field("dram", description="where the table lies")
    gather: Gather = Field(
        "copy", description="rows from the host: " + "; ".join(f"{k}: {v}" for k, v in GATHERS.items())
    )
    skew: float = Field(0.0, ge=0, lt=1, description="0: all rows alike; larger: a few do most of the work")

    def row_values(self, model_width: int) -> int:
        return self.width or model_width

    @property
    def key_values(self) -> int:
        """Return the values of all product keys of a layer that one step reads."""
        return self.heads * (isqrt(self.rows - 1) + 1) * self.key_width if self.rows > 1 else 0

    def at(self, layers: int) -> set[int]:
        """Return the layers that look up. Raises ValueError for one that is not there."""
        return set(choose(self.layers, layers))


class Lookups:
    """The rows that successive lookups pick."""

    def __init__(self, table: Table, seed: int):
        self.table = table
        self.random = np.random.Generator(np.random.PCG64([seed, 13]))

    def rows(self, tokens: int) -> np.ndarray:
        """Return the different rows that ``tokens`` tokens look up in a layer, ascending, int64."""
        table = self.table
        chance = self.random.random(tokens * table.heads * table.picks)
        return np.unique((table.rows * chance ** (1 / (1 - table.skew))).astype(np.int64))
