"""Prefix hits on a public trace over the size of the cache: Mooncake's conversations, blocks of 512 tokens.

Each request finds the longest beginning that the engine's blocks know, and leaves its own (`Blocks`). Hit
rates were computed over the trace by another least-recently-used cache; the shares of what an endless cache
finds are the paper's (FAST 2025, figure 9 and text).
"""

import csv
import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import workloads.llm
from simulator.serving.blocks import Blocks
from simulator.validate.figure import Figure

REFERENCE = Path(workloads.llm.__file__).parent / "reference" / "serving"
ENDLESS = 10**6  # blocks: more than the trace has


def figures() -> Iterator[Figure]:
    with (REFERENCE / "mooncake_prefix_hits.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            ours = hit_rate(int(row["blocks"]))
            if row["quantity"] == "share of the most":
                ours /= hit_rate(ENDLESS)
            shown = {"system": "prefix cache", "trace": "Mooncake", "blocks": row["blocks"]}
            yield Figure(shown, row["quantity"], float(row["value"]), ours)


@cache
def hit_rate(count: int) -> float:
    """Return the share of the trace's blocks that a cache of ``count`` blocks knows when asked for them."""
    blocks, hits, asked = Blocks(count), 0, 0
    for keys in requests():
        found = blocks.known(keys)
        blocks.share(found)
        new = blocks.take(len(keys) - len(found))
        for block, key in zip(new, keys[len(found) :], strict=True):
            blocks.name(block, key)
        blocks.give_back(found + new)
        hits, asked = hits + len(found), asked + len(keys)
    return hits / asked


@cache
def requests() -> tuple[tuple[int, ...], ...]:
    """Return each request's blocks by name, in order: a line a request, "3" or "3-9"."""
    with gzip.open(REFERENCE / "mooncake_conversation_blocks.txt.gz", "rt") as file:
        return tuple(tuple(_names(line)) for line in file)


def _names(line: str) -> Iterator[int]:
    for run in line.rstrip().split(","):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)
