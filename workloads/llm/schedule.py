"""Two ways to put I/O, memory management and compute of the layers in time: in turn, and overlapped."""

from collections.abc import Sequence
from typing import NamedTuple

from workloads.llm.phases import Phase

BUFFERS = 2  # layers whose weights are in flight or in use at once when overlapped


class Stage(NamedTuple):
    """One layer of a pass, in femtoseconds."""

    before: int  # attention and predictor: what the FFN's reads wait for
    io: int
    manage: int
    after: int  # FFN


def stages_of(
    phases: Sequence[Phase], spans: Sequence[int], *, streamed: bool
) -> tuple[list[Stage], int, int]:
    """Return the stages of a pass whose phases took ``spans`` [fs], and what comes before and after them.

    ``streamed``: a layer's reads bring its attention too, which then waits for them. What the output
    projection reads is a stage of its own.
    """
    rows: dict[int, list[int]] = {}
    first = last = 0
    for phase, span in zip(phases, spans):
        if phase.kind == "compute" and phase.layer < 0:
            first, last = (first + span, last) if phase.op == "draft" else (first, last + span)
            continue
        before = phase.op in ("attention", "predictor") and not streamed
        part = {"io": 1, "management": 2, "compute": 0 if before else 3}[phase.kind]
        rows.setdefault(phase.layer, [0, 0, 0, 0])[part] += span
    return [Stage(*row) for row in rows.values()], first, last


def summed_fs(stages: Sequence[Stage], head: int) -> int:
    """Return the length of a pass that does everything in turn, as the paper does."""
    return sum(sum(stage) for stage in stages) + head


def overlapped_fs(stages: Sequence[Stage], head: int, *, known: bool) -> int:
    """Return the length of a pass in which a layer's reads overlap the layers before it.

    One flash device, one processor, `BUFFERS` buffers. If the reads are ``known`` beforehand (whole layers)
    they start as soon as a buffer is free; otherwise they are predicted from the layer before and wait for
    its attention. Layer 0 waits for its own.
    """
    io_free, cpu_free = 0, 0
    predicted = 0 if known or not stages else stages[0].before
    consumed: list[int] = []
    for layer, stage in enumerate(stages):
        buffer_free = consumed[layer - BUFFERS] if layer >= BUFFERS else 0
        io_free = max(io_free, buffer_free, 0 if known else predicted) + stage.io
        attention_done = cpu_free + stage.before
        predicted = attention_done
        cpu_free = max(attention_done, io_free) + stage.manage + stage.after
        consumed.append(cpu_free)
    return cpu_free + head
