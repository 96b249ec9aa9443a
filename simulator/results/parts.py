"""The caches and memories of a summary: those of the usual tree and the named ones alike."""

from collections.abc import Iterator, Mapping
from typing import Any

Summary = Mapping[str, Any]


def caches(summary: Summary) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (name, counters) of every cache, the LLC last."""
    yield from summary.get("caches", {}).items()
    if summary.get("llc"):
        yield "llc", summary["llc"]


def channels(summary: Summary) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (memory.channel, counters) of every DRAM channel."""
    drams = {"dram": summary.get("dram", {}), **summary.get("memories", {})}
    for name, memory in drams.items():
        for channel, counters in memory.items():
            if isinstance(counters, Mapping):
                yield f"{name}.{channel}", counters


def ideal_memories(summary: Summary) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (name, counters) of every memory of fixed latency: on-chip SRAM."""
    memories = {"memory": summary.get("memory", {}), **summary.get("memories", {})}
    yield from ((name, memory) for name, memory in memories.items() if "read_bytes" in memory)
