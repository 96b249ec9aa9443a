"""From an LLC's parameters to its state."""

import numpy as np

from hw_models.blame import Cause
from hw_models.cache.names import Order, PartialWrites, ReadLookup
from hw_models.cache.params import Cache
from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE, GRANULES
from hw_models.errors import ConfigError
from hw_models.port import FIFO_ROWS


def build_cache(
    params: Cache,
    masters: list[str],
    seed: int = 1,
    channels: int = 1,
    channel_bytes: int = 64,
    key: str = "system.llc",
) -> tuple[np.ndarray, np.ndarray]:
    """Return an empty cache: state (1,) CACHE and tags (sets,) SET.

    ``masters``: names by master index. Memory channels below take turns every ``channel_bytes``, which
    must be whole lines if there are several. ``key``: where the config speaks of it. Raises ConfigError for
    names that do not exist.
    """
    if channels > 1 and channel_bytes % params.line_bytes:
        raise ConfigError(
            f"lines of {params.line_bytes} B do not divide the {channel_bytes} B of a memory channel",
            key=f"{key}.line",
        )
    state = np.zeros(1, CACHE)
    row = state[0]
    granule = params.line_bytes
    if params.partial_writes == PartialWrites.MASK:
        granule = max(1, params.line_bytes // GRANULES)
    plain = {
        "masters": len(masters),
        "line_bytes": params.line_bytes,
        "line_shift": params.line_bytes.bit_length() - 1,
        "set_mask": params.sets - 1,
        "granule": granule,
        "whole": (1 << params.line_bytes // granule) - 1,
        "banks": params.banks,
        "ports": params.ports,
        "channels": channels,
        "channel_shift": channel_bytes.bit_length() - 1,
        "reads_astray": params.lookup_of_reads == ReadLookup.AT_WAITING_WRITE,
        "entry_latency": params.entry_latency_cycles,
        "hit_latency": params.hit_latency_cycles,
        "fill_latency": params.fill_latency_cycles,
        "miss_latency": params.miss_latency_cycles,
        "overhead": params.access_overhead_cycles,
        "width_shift": params.data_width_bytes.bit_length() - 1,
        "queue": params.queue,
        "split": params.order == Order.SPLIT,
        "mshr_count": params.mshrs,
        "target_limit": params.targets,
        "conflict": params.conflict.code,
        "hit_when_full": params.hit_when_full,
        "writeback_limit": params.writebacks,
        "mask_writes": params.partial_writes == PartialWrites.MASK,
        "placement": params.placement.code,
        "probe": params.probe_cycles,
        "prefetch": params.prefetch.code,
        "degree": params.prefetch_degree,
        "fastest_fill": 2**62,
    }
    for name, value in plain.items():
        row[name] = value
    row["policy"]["kind"] = params.replacement.code
    row["policy"]["ways"] = params.ways
    row["policy"]["lfsr"] = seed % 0xFFFF + 1
    row["victim_line"] = row["victim_by"] = row["shut"] = -1
    row["bank"]["rings"]["cause"] = Cause.BANK_BUSY
    _set_masters(row, params, masters, key)
    tags = np.zeros(params.sets, SET)
    tags["line"] = tags["owner"] = -1
    return state, tags


def down_limit(params: Cache, queue: int) -> int:
    """Return the rows of a FIFO to memory: ``queue`` at its far end and what is on the way."""
    return min(FIFO_ROWS, queue + params.miss_latency_cycles)


def _set_masters(row: np.void, params: Cache, masters: list[str], key: str) -> None:
    row["allowed"] = (1 << params.ways) - 1
    for where, table in (
        ("partition", params.partition),
        ("bypass", params.bypass),
        ("discard", params.discard),
    ):
        for name, numbers in table.items():
            if name not in masters:
                known = ", ".join(masters)
                raise ConfigError(f"{name!r} is not a master; there are {known}", key=f"{key}.{where}")
            if where == "partition":
                row["allowed"][masters.index(name)] = sum(1 << way for way in set(numbers))
            else:
                row[where][masters.index(name), numbers] = 1
