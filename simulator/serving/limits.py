"""What an operator sets of an engine, and how the engine stands after a step."""

from dataclasses import dataclass
from typing import Literal

from simulator.serving.chunks import Reserve

Order = Literal["first_come", "priority", "prefix"]


@dataclass(frozen=True)
class Engine:
    """What an operator sets."""

    kv_tokens: int  # that the cache holds
    token_budget: int = 2048  # of a step
    max_sequences: int = 128
    block_tokens: int = 16
    prefix_cache: bool = True
    prefix_once: bool = False  # a step reads a block once for all sequences that share it
    order: Order = "first_come"
    swap: bool = False  # who loses its blocks finds them in the host's memory
    host_tokens: int = 0  # that the host's memory holds
    link_bytes_per_s: float = 25e9  # between card and host, each way
    reserve: Reserve | None = None  # room for the whole answer is set aside; None: blocks as they are needed
    longest: int = 2048  # tokens that `reserve: max` sets aside
    prompts_alone: bool = False  # a step has whole prompts, or those that decode: vLLM before chunked prompts


@dataclass(frozen=True)
class Moment:
    """The engine after a step."""

    time_s: float
    running: int
    waiting: int
    tokens: int  # worked on in the step
    used_blocks: int
    held_tokens: int  # whose keys and values are in the cache of the card, each sequence's for itself
    host_blocks: int
