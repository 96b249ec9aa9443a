"""Weights as stacks of residual blocks, of which DRAM has as many as a budget allows (arXiv 2410.23918).

A block of an m x n matrix is a sign for each weight and factors of rank k in 16 bits: m n + 16 k (m + n)
bits. Blocks are brought one by one for all matrices in turn, so that budgets count to a block.
"""

from pydantic import Field, model_validator

from hw_models.units import Block, Bytes
from workloads.llm.shape import Tensor

FACTOR_BITS = 16
STACKED = ("attention", "ffn")  # roles: matrices of the layers


class Change(Block):
    """Another budget from a token on."""

    at: int = Field(ge=1, description="tokens that were generated before")
    dram_bytes: Bytes = Field(alias="dram", gt=0, description="DRAM for blocks from then on")


class Stack(Block):
    """Matrices of the layers as residual blocks."""

    rank: int = Field(16, ge=1, description="of a block's factors")
    blocks: int = Field(16, ge=1, le=64, description="of each matrix on flash")
    dram_bytes: Bytes = Field(alias="dram", gt=0, description="DRAM for blocks, at most")
    changes: list[Change] = Field(default_factory=list, description="other budgets, in order")

    @model_validator(mode="after")
    def changes_are_in_order(self) -> "Stack":
        places = [change.at for change in self.changes]
        if places != sorted(set(places)):
            raise ValueError(f"changes at {places}; write them in order, each place once")
        largest = max((change.dram_bytes for change in self.changes), default=0)
        if largest > self.dram_bytes:
            raise ValueError(f"a change to {largest} B, more than dram; write the largest budget as dram")
        return self


def block_bits(tensor: Tensor, rank: int) -> int:
    """Return the bits of a block of a matrix."""
    rows, columns = tensor.shape
    return rows * columns + FACTOR_BITS * rank * (rows + columns)


def is_stacked(tensor: Tensor) -> bool:
    return tensor.layer >= 0 and tensor.role in STACKED and len(tensor.shape) == 2


def stacked_bytes(tensors: list[Tensor], stack: Stack, budget: int | None) -> list[int]:
    """Return the bytes of each matrix in blocks: as ``budget`` allows, None: all.

    First one block of each matrix, in order, then the second of each, while they last.
    """
    sizes = [-(-block_bits(tensor, stack.rank) // 8) for tensor in tensors]
    if budget is None:
        return [stack.blocks * size for size in sizes]
    levels = min(budget // max(sum(sizes), 1), stack.blocks)
    left = budget - levels * sum(sizes) if levels < stack.blocks else 0
    found = []
    for size in sizes:
        more = size if size <= left else 0
        left = left - size if more else -1  # the first that does not fit ends it
        found.append(levels * size + more)
    return found
