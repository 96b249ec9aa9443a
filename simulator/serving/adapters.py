"""Adapters of tenants: low-rank factors beside a model that all share (LoRA, arXiv 2106.09685).

Those that lie on the card are kept least recently used last; another comes over the link before its step.
A step reads the factors of each tenant that has a token in it once.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer

ADAPTED = ("attention", "ffn")  # roles: matrices of the layers


def factor_bytes(model: Transformer, rank: int) -> int:
    """Return the bytes of factors of ``rank`` beside each matrix of attention and FFN, in 16 bits."""
    sizes = (sum(t.shape) for t in model.tensors if t.role in ADAPTED and t.layer >= 0 and len(t.shape) == 2)
    return bytes_of(rank * sum(sizes), "bf16")


@dataclass
class Adapters:
    """Adapters on the card."""

    read_bytes: int  # of one, by a step
    stored_bytes: int  # of one, on the card or at the host: less where tenants share parts
    slots: int  # that the card has room for
    held: OrderedDict[int, None] = field(default_factory=OrderedDict)  # tenants
    hits: int = 0
    misses: int = 0

    def step(self, tenants: Iterable[int]) -> tuple[int, int]:
        """Return bytes that a step with ``tenants`` reads, and those that come over the link before it."""
        wanted = sorted(set(tenants))
        there = [tenant for tenant in wanted if tenant in self.held]
        missing = [tenant for tenant in wanted if tenant not in self.held]
        for tenant in there:
            self.held.move_to_end(tenant)
        for tenant in missing:
            while len(self.held) >= max(self.slots, 1):
                self.held.popitem(last=False)
            self.held[tenant] = None
        self.hits += len(there)
        self.misses += len(missing)
        return len(wanted) * self.read_bytes, len(missing) * self.stored_bytes
