"""PagedAttention beside three ways to set room aside (arXiv 2309.06180, figures 2 and 13): OPT-13B on 40 GB.

More requests wait than fit: what the cache holds then depends on allocation alone, not on how long a step is.
Lengths are drawn with the paper's means and exponential tails (assumed), at most 2048 tokens together.
"""

from collections.abc import Iterator

import numpy as np

from simulator.serving.chunks import Reserve
from simulator.serving.engine import Server
from simulator.serving.limits import Engine
from simulator.serving.requests import Request
from simulator.serving.step import Batch
from simulator.validate.figure import Figure

SLOTS = 15_700  # tokens of the cache (table 1)
LONGEST = 2048
PROMPT, OUTPUT = 161.31, 337.99  # mean tokens of ShareGPT as the paper has it
REQUESTS, FILLED = 600, 30  # drawn; steps until the cache is full
POLICIES: dict[str, Reserve | None] = {
    "Orca (Max)": "max",
    "Orca (Pow2)": "pow2",
    "Orca (Oracle)": "oracle",
    "vLLM": None,
}


class Unhurried:
    """Every step takes as long."""

    token_bytes = 0

    def seconds(self, batch: Batch) -> float:
        del batch
        return 1.0


def figures(published: dict[str, float]) -> Iterator[Figure]:
    """Compare tokens held and requests at once. ``published``: by the quantity's name."""
    for name, reserve in POLICIES.items():
        share, batch = saturated(reserve)
        shown = {"system": "PagedAttention", "allocator": name}
        yield Figure(shown, "tokens, % of the cache", published[f"{name}: token_states_percent"], share)
        reference = published[f"{name}: batched requests, ShareGPT 2 req/s"]
        yield Figure(shown, "requests at once", reference, batch)


def saturated(reserve: Reserve | None) -> tuple[float, float]:
    """Return the tokens held [% of the cache] and the requests that run, means while others wait."""
    engine = Engine(
        SLOTS, token_budget=2560, max_sequences=256, prefix_cache=False, reserve=reserve, longest=LONGEST
    )
    server = Server(engine, Unhurried(), drawn())
    server.run()
    full = [moment for moment in server.moments if moment.waiting][FILLED:]
    held = np.mean([moment.held_tokens for moment in full])
    return 100 * float(held) / SLOTS, float(np.mean([moment.running for moment in full]))


def lost_to_pages(rows: list[dict[str, str]]) -> Iterator[Figure]:
    """vAttention: of each layer's keys, and of its values, a request leaves half a page empty on average."""
    for row in rows:
        if row["model"] != "Yi-6B":
            continue
        page = int(row["tokens_per_page"])
        engine = Engine(10**8, token_budget=10**7, max_sequences=10**4, block_tokens=page, prefix_cache=False)
        server = Server(engine, Unhurried(), long_requests())
        server.run()
        lost = sum(moment.used_blocks * page - moment.held_tokens for moment in server.moments)
        ours = lost / sum(moment.running for moment in server.moments)
        shown = {"system": "vAttention", "model": row["model"], "page": row["page_bytes"]}
        yield Figure(shown, "empty tokens a request", page / 2, ours)


def long_requests() -> list[Request]:
    """Return requests much longer than any page, all at once."""
    random = np.random.Generator(np.random.PCG64(3))
    return [Request(0.0, int(tokens), 40) for tokens in random.integers(20_000, 60_000, 800)]


def drawn() -> list[Request]:
    random = np.random.Generator(np.random.PCG64(1))
    lengths = np.maximum(1, np.rint(random.exponential((PROMPT, OUTPUT), (REQUESTS, 2)))).astype(int)
    return [Request(0.0, int(p), int(o)) for p, o in lengths[lengths.sum(axis=1) <= LONGEST]]
