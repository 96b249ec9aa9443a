"""Paging with succinct predictions (arXiv 2210.02775): one bit a request, in three kinds of cache.

With bits that are all right the policy is as good as the best that knows all requests (Belady): counted, of
experts, of blocks of keys and values, and of a cache's lines where bits say which streams never return. With
nine of ten bits right it lies between the least recently used and that: shown, not counted.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from hw_models.cache.build import build_cache
from hw_models.cache.names import Replacement
from hw_models.cache.params import Cache
from hw_models.cache.standalone import build_wiring, run
from hw_models.port import REQUEST
from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.validate.figure import Figure
from workloads.llm.experts import Router, RouterTrace
from workloads.llm.kv import kv_plan
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.replacement import Replacement as Policy
from workloads.llm.replacement import UnitCache
from workloads.llm.unit_reads import BlockReads

LAYERS, EXPERTS, PER_TOKEN, SLOTS, TOKENS = 48, 128, 8, 2000, 64  # Qwen3-30B-A3B, a third of its experts
BLOCKS = 300  # of 48 layers' keys and values
LINE, WAYS, LLC_BYTES, REQUESTS, STREAM = 64, 4, 16 << 10, 2000, 4096  # lines from STREAM on come once
ACCURACY = 0.9


def figures() -> Iterator[Figure]:
    caches = {"experts": (SLOTS, _experts()), "keys and values": (BLOCKS, _blocks())}
    for name, (slots, asked) in caches.items():
        best, lru = (_hits(slots, policy, asked) for policy in ("belady", "lru"))
        right, mostly = (_hits(slots, "predicted", asked, accuracy) for accuracy in (1.0, ACCURACY))
        yield _row(name, "hits, bits all right", best, right)
        yield _row(name, "hits, 9 of 10 right", best, mostly, counted=False)
        yield _row(name, "hits, LRU", best, lru, counted=False)
    best, right, lru = llc_hits()
    yield _row("lines of an LLC", "hits, bits all right", best, right)
    yield _row("lines of an LLC", "hits, LRU", best, lru, counted=False)


def _row(cache: str, quantity: str, reference: float, ours: float, *, counted: bool = True) -> Figure:
    return Figure({"system": "Predictions", "model": cache}, quantity, reference, ours, counted=counted)


def _hits(slots: int, policy: Policy, asked: Sequence[np.ndarray], accuracy: float = 1.0) -> int:
    cache = UnitCache(slots, policy, asked, accuracy=accuracy)
    for units in asked:
        cache.ask(units)
    return cache.hits


def _experts() -> list[np.ndarray]:
    return RouterTrace(Router(), LAYERS, EXPERTS, PER_TOKEN, seed=1).units(TOKENS)


def _blocks() -> list[np.ndarray]:
    """Return the blocks that steps of `memory3` retrieve, popular ones more often."""
    values = {"workloads.chat.hold.0.router": {"skew": 1.0, "repeat": 0.3}, "workloads.chat.tokens": 24}
    job = load(CONFIGS / "llm" / "memory3.yaml", values=values).workloads["chat"]
    assert isinstance(job, LlmJob)
    plan = make_plan(job)
    reads = BlockReads(plan, kv_plan(plan), seed=1)
    return [layer * reads.count + picks for (layer, _), picks in reads.picks.items()]


def llc_hits() -> tuple[int, int, int]:
    """Return the hits of the best policy, of predictions and of LRU: a stream beside lines that return."""
    number, sets = np.arange(REQUESTS), LLC_BYTES // LINE // WAYS
    again = np.random.Generator(np.random.PCG64(5)).integers(0, (WAYS - 1) * sets, REQUESTS)
    lines = np.where(number % 5 < 3, STREAM + number, again)
    asked = [[np.array([line]) for line in lines[lines % sets == index]] for index in range(sets)]
    best = sum(_hits(WAYS, "belady", of_set) for of_set in asked)
    streams = (lines >= STREAM).astype(int)
    return best, _llc(lines, streams, Replacement.PREDICTED), _llc(lines, streams, Replacement.LRU)


def _llc(lines: np.ndarray, streams: np.ndarray, kind: Replacement) -> int:
    discard = {"a": [1]} if kind == Replacement.PREDICTED else {}
    keys = {"size": f"{LLC_BYTES} B", "ways": WAYS, "replacement": kind, "discard": discard}
    cache = Cache.model_validate(keys)
    state, tags = build_cache(cache, ["a"])
    rows = np.zeros(lines.size, REQUEST)
    rows["time"], rows["tag"], rows["bytes"] = 50 * np.arange(lines.size), np.arange(lines.size), LINE
    rows["address"], rows["stream"] = LINE * lines, streams
    accepted, done = np.zeros((2, lines.size), np.int64)
    run(state[0], tags, build_wiring()[0], rows, 40, accepted, done)
    return int(state["hits"].sum())
