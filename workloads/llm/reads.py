"""Which flash reads bring a set of neurons or experts: addresses and sizes, by layout and chunk."""

import numpy as np

from workloads.llm.experts import ExpertCache, RouterTrace
from workloads.llm.plan import Plan


def neuron_reads(plan: Plan, layer: int, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return addresses and sizes in bytes of the reads that bring ``neurons``, int64, in the order asked."""
    base, size = int(plan.ffn_at[layer]), plan.flash.neuron
    policy = plan.job.offload.policy
    if policy == "window_coactivation":
        return chunked(base + 2 * size * neurons, 2 * size, plan.job.offload.chunk_bytes)
    if policy == "window_bundled":
        return chunked(base + size * neurons, size, plan.job.offload.chunk_bytes)
    vector, matrices = plan.flash.vector, plan.model.neuron_vectors
    matrix = vector * plan.model.shape.ffn
    starts = (base + matrix * np.arange(matrices)[None, :] + vector * neurons[:, None]).reshape(-1)
    return chunked(starts, vector, plan.job.offload.chunk_bytes)


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


LARGEST_READ = 1 << 20  # of an expert, unless `chunk` says otherwise: it is split, and its parts read at once


class ExpertReads:
    """What each layer of the prompt, then of each token, reads of its experts: those that the cache lacks."""

    def __init__(self, plan: Plan, seed: int):
        experts = plan.model.shape.experts
        assert experts is not None
        self.plan, self.count = plan, experts.count
        self.chunk = min(plan.job.offload.chunk_bytes or LARGEST_READ, plan.flash.expert)
        shape, router = plan.model.shape, plan.job.offload.router
        layers = [layer for layer, has in enumerate(shape.expert_layers) if has]
        trace = RouterTrace(router, shape.layers, self.count, experts.per_token, seed)
        prompt = [[trace.step(layer) for layer in layers] for _ in range(plan.job.prompt)]
        asked = [np.unique(np.concatenate([token[i] for token in prompt])) for i in range(len(layers))]
        asked += [trace.step(layer) for _ in range(plan.job.tokens) for layer in layers]
        units = [(layers[i % len(layers)] * self.count + picks).tolist() for i, picks in enumerate(asked)]
        self.asked = iter(units)
        offload = plan.job.offload
        self.cache = ExpertCache(plan.expert_slots, offload.replace, units, accuracy=offload.accuracy)

    def next(self, layer: int) -> tuple[int, np.ndarray]:
        """Return how many experts the next layer asks for, and the flash addresses of those to be read."""
        units = next(self.asked)
        missing = np.array(self.cache.ask(units), np.int64) - layer * self.count
        return len(units), int(self.plan.ffn_at[layer]) + self.plan.flash.expert * missing
