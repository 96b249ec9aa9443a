"""Where data of a kind lie, and what of them stays in DRAM: a line for neurons, experts, blocks or rows.

`offload.policy` names the usual ways to hold weights; a line here says each choice by itself.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from hw_models.units import Block, Bytes
from workloads.llm.budget import DramBudget
from workloads.llm.experts import Router
from workloads.llm.kv_rules import Share
from workloads.llm.replacement import REPLACEMENTS, Replacement, UnitCache

Home = Literal["flash", "host"]
What = Literal["ffn", "experts", "kv", "table"]
Unit = Literal["vector", "neuron", "pair"]
Via = Literal["direct", "page_cache"]

UNITS: dict[Unit, str] = {
    "vector": "the vectors of a neuron lie in their matrices: a read each",
    "neuron": "side by side: one read",
    "pair": "side by side with those of the closest friend",
}
HOMES = {"kv": "kv_cache.home", "table": "table.home"}


class LookAhead(Block):
    """Reads that begin a layer early: of what the next layer is expected to ask for."""

    found: Share = Field(description="of what the next layer lacks, known a layer before")
    waste: float = Field(0.0, ge=0, le=16, description="units read in vain for each that is of use")


class Hold(Block):
    """How one kind of data is held."""

    what: What = Field(description="ffn: neurons; experts; kv: blocks of keys and values; table: its rows")
    home: Home | None = Field(None, description="where all of it is: flash, or the backend's `host`; flash")
    dram: DramBudget | None = Field(
        None, description="DRAM for it: a share of it, or a size; absent: for all of it"
    )
    replace: Replacement = Field(
        "lru", description="what stays: " + "; ".join(f"{k}: {v}" for k, v in REPLACEMENTS.items())
    )
    window: int = Field(4, ge=1, description="tokens of `window`")
    accuracy: float = Field(1.0, ge=0, le=1, description="chance that a bit of `predicted` is right")
    unit: Unit = Field(
        "neuron", description="of ffn: " + "; ".join(f"{name}: {text}" for name, text in UNITS.items())
    )
    via: Via = Field(
        "direct",
        description="page_cache: through pages of the operating system, which share the DRAM with all else",
    )
    ahead: LookAhead | None = Field(None, description="of experts: reads a layer early; absent: none")
    router: Router = Field(
        Router(), description="which experts tokens are sent to, which blocks they look up"
    )
    threads: int = Field(32, ge=1, le=1024, description="threads that read")
    chunk_bytes: Bytes | None = Field(
        None, alias="chunk", gt=0, description="size of a read; absent: a unit, of an expert 1 MiB"
    )

    def cache(self, slots: int, asked: Sequence[np.ndarray]) -> UnitCache:
        """Return a cache of ``slots`` units, of all that will be asked for."""
        return UnitCache(slots, self.replace, asked, window=self.window, accuracy=self.accuracy)

    @model_validator(mode="after")
    def fits_its_kind(self) -> "Hold":
        written, only = self.model_fields_set, {"unit": "ffn", "ahead": "experts"}
        for key, what in only.items():
            if key in written and self.what != what:
                raise ValueError(f"{key} of {self.what}; only {what} has it")
        if self.via == "page_cache" and self.what != "experts":
            raise ValueError(f"via page_cache of {self.what}; write direct, or hold experts")
        if self.what in ("kv", "table") and self.home is not None:
            raise ValueError(f"home of {self.what}; write it as {HOMES[self.what]}")
        if self.unit == "pair" and self.replace != "window":
            raise ValueError(f"unit pair and replace {self.replace}; pairs are held by a window")
        return self


def one_of_each(holds: list[Hold]) -> list[Hold]:
    """Return ``holds`` if each kind has one line. Raises ValueError."""
    kinds: list[Any] = [hold.what for hold in holds]
    twice = [kind for kind in kinds if kinds.count(kind) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is held twice; write one line for it")
    return holds
