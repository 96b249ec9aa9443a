"""Layers that read the weights of another layer: stored once, read by each.

Fewer bytes are stored; as many are read, at the owner's address, so that only a cache between makes sharing
save traffic (ALBERT, arXiv 1909.11942; FoldGPT, 2407.00928; FlexiGPT, 2501.14713, which adds to each reader
factors of low rank of its own; head-wise sharing, 2402.11819, where some of a layer's heads read another's).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from hw_models.units import Block
from workloads.llm.kv_rules import Picked, Share, choose

PARTS = ("attention", "ffn")


class SharedWeights(Block):
    """One rule: which layers read whose weights."""

    layers: Picked | None = Field(None, description="0, 8-15, [0, 4], every 4; absent: all")
    part: Literal["attention", "ffn"] | None = Field(None, description="absent: both")
    share: int | None = Field(None, ge=2, description="neighbours among these that read the first's")
    owner: int | None = Field(None, ge=0, description="the layer whose weights these read")
    owners: list[Annotated[int, Field(ge=0)]] | None = Field(None, description="one for each of these layers")
    rank: int = Field(0, ge=0, description="of factors that each reader has of its own for each matrix")
    heads: Share | None = Field(
        None, description="of a reader's attention heads, those that read the owner's matrices; absent: all"
    )

    @model_validator(mode="after")
    def one_way(self) -> "SharedWeights":
        ways = [name for name in ("share", "owner", "owners") if getattr(self, name) is not None]
        if len(ways) != 1:
            found = " and ".join(ways) or "none"
            raise ValueError(f"found {found} of share, owner and owners; write one of them")
        if self.heads is not None and self.part != "attention":
            raise ValueError(f"heads, and part {self.part or 'absent'}; write part: attention")
        return self


class Owners(NamedTuple):
    """Who owns what each layer reads; by part (attention, ffn) and layer."""

    owner: np.ndarray  # (2, layers)
    rank: np.ndarray  # (2, layers): of the factors that it adds
    heads: list[Fraction]  # of each layer: the share of its attention heads that read the owner's


def weight_owners(rules: Sequence[SharedWeights], layers: int) -> Owners:
    """Return who owns what each layer reads, and how much of it. Raises ValueError."""
    owner, rank = np.tile(np.arange(layers), (2, 1)), np.zeros((2, layers), np.int64)
    heads = [Fraction(1)] * layers
    for number, rule in enumerate(rules):
        at = choose(rule.layers, layers)
        owners = rule.owners
        if rule.owner is not None:
            owners = [rule.owner] * len(at)
        elif rule.share is not None:
            owners = [at[i - i % rule.share] for i in range(len(at))]
        assert owners is not None
        if len(owners) != len(at) or max(owners, default=0) >= layers:
            raise ValueError(
                f"share_weights.{number}: owners {owners} for {len(at)} layers; write one for each, "
                f"from 0 to {layers - 1}"
            )
        for part, name in enumerate(PARTS):
            if rule.part in (None, name):
                owner[part, at] = owners
                rank[part, at] = rule.rank
        if rule.part != "ffn":
            for layer in at:
                heads[layer] = Fraction(1) if rule.heads is None else rule.heads
    for part, name in enumerate(PARTS):
        for layer in np.flatnonzero(owner[part][owner[part]] != owner[part]).tolist():
            raise ValueError(
                f"share_weights: {name} of layer {layer} is that of layer {owner[part, layer]}, which has "
                "none of its own; write a layer that does"
            )
    return Owners(owner, np.where(owner == np.arange(layers), 0, rank), heads)
