"""Which flash reads bring a set of neurons or experts: addresses and sizes, by layout and chunk."""

import numpy as np

from workloads.llm.plan import Plan


def neuron_reads(plan: Plan, layer: int, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return addresses and sizes in bytes of the reads that bring ``neurons``, int64, in the order asked."""
    base, size = int(plan.ffn_at[layer]), plan.flash.neuron
    hold = plan.job.held("ffn")
    assert hold is not None
    if hold.unit == "pair":
        return chunked(base + 2 * size * neurons, 2 * size, hold.chunk_bytes)
    if hold.unit == "neuron":
        return chunked(base + size * neurons, size, hold.chunk_bytes)
    vector, matrices = plan.flash.vector, plan.model.neuron_vectors
    matrix = vector * plan.model.shape.ffn
    starts = (base + matrix * np.arange(matrices)[None, :] + vector * neurons[:, None]).reshape(-1)
    return chunked(starts, vector, hold.chunk_bytes)


def chunked(starts: np.ndarray, size: int, chunk: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the reads of records of ``size`` bytes when every read is at most, and at least, ``chunk``.

    A smaller chunk splits records; a larger one reads whole aligned chunks, each once: fewer reads.
    """
    if chunk is None or chunk == size:
        return starts, np.full(starts.size, size, np.int64)
    if chunk < size:
        offsets = np.arange(0, size, chunk)
        sizes = np.minimum(chunk, size - offsets)
        return (starts[:, None] + offsets[None, :]).reshape(-1), np.tile(sizes, starts.size)
    first, last = starts // chunk, (starts + size - 1) // chunk
    blocks = np.unique(np.concatenate([first, last]))
    return blocks * chunk, np.full(blocks.size, chunk, np.int64)
