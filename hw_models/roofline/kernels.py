"""How long a kernel takes on a graphics card: linear layers, attention, and what only moves data. Seconds.

A linear layer takes ((bytes / bandwidth)^q + (flop / peak)^q)^(1/q) and a launch: near the ridge neither
limit hides the other. Attention over a prompt works in tiles of 64 queries of one head (FlashAttention-2: one
tile a block), each for as long as it has keys; the next goes to the processor that is free first: long tiles
at the end leave others idle. Beside a prompt, who decodes takes a whole tile for one query.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from hw_models.roofline.gpus import Gpu
from hw_models.roofline.tiles import makespan

TILE_QUERIES = 64
TILE_KEYS = 128  # a tile's beginning and end take as long as so many keys; fitted to prompts, two cards
EMPTY_TILE_S = 0.4e-6  # a tile that finds nothing to do; fitted to prompts beside decoding, two cards
ATTENTION_LAUNCH_S = 13e-6  # two kernels: parts of the context, and their sum; fitted as in `gpus`
PREFILL_LAUNCH_S = 4e-6
PREFIX_SHARE = 0.97  # of attention's bandwidth, where a prefix is read once for all sequences; fitted
PREFIX_LAUNCH_S = 4e-6  # fitted
MERGE_S = 0.6e-6  # of the two parts of a sequence with 52 heads of 128; fitted
MERGED_VALUES = 52 * 128
POINTWISE_LAUNCH_S = 1.9e-6  # shortest measured norm or activation


class Heads(NamedTuple):
    """Heads of one layer's attention."""

    queries: int
    keys: int  # heads that have keys and values of their own
    width: float
    token_bytes: float  # of the keys and values of a token


def linear_s(gpu: Gpu, moved_bytes: float, flop: float) -> float:
    """Return the time of a matrix product that moves ``moved_bytes`` and does ``flop``."""
    memory = moved_bytes / (gpu.bandwidth_bytes_per_s * gpu.bandwidth_share)
    arithmetic = flop / (gpu.peak_flop_per_s * gpu.arithmetic_share)
    larger = max(memory, arithmetic)
    if larger == 0:
        return 0.0
    blended = ((memory / larger) ** gpu.blend + (arithmetic / larger) ** gpu.blend) ** (1 / gpu.blend)
    return larger * blended + gpu.launch_s


def decode_attention_s(gpu: Gpu, kv_bytes: float) -> float:
    """Return the time of one layer's attention of all decoding sequences, which read ``kv_bytes``."""
    if kv_bytes == 0:
        return 0.0
    return kv_bytes / (gpu.bandwidth_bytes_per_s * gpu.attention_bandwidth_share) + ATTENTION_LAUNCH_S


def prefix_attention_s(
    gpu: Gpu, heads: int, head_width: float, kv_bytes: float, prefix_bytes: float, sequences: int
) -> float:
    """Return the time of `decode_attention_s` if ``prefix_bytes`` are read once for all.

    ``kv_bytes``: what the ``sequences`` have for themselves. The two parts of each are merged
    (RelayAttention, arXiv 2402.14808; ChunkAttention, arXiv 2402.15220).
    """
    if prefix_bytes == 0:
        return decode_attention_s(gpu, kv_bytes)
    rate = gpu.bandwidth_bytes_per_s * gpu.attention_bandwidth_share
    merge = sequences * MERGE_S * heads * head_width / MERGED_VALUES
    own = kv_bytes / rate + ATTENTION_LAUNCH_S
    return own + prefix_bytes / (rate * PREFIX_SHARE) + PREFIX_LAUNCH_S + merge


def attention_s(
    gpu: Gpu,
    heads: Heads,
    decoding: tuple[int, float],
    prompts: list[tuple[int, int]],
) -> float:
    """Return the time of one layer's attention of a step.

    ``decoding``: how many sequences decode, and the keys that each reads. ``prompts``: (new tokens, tokens
    before them) of the others, which see all that is before them.
    """
    return tiled_attention_s(gpu, heads, decoding, [tile_keys(new, past) for new, past in prompts])


def tile_keys(new: int, past: int) -> np.ndarray:
    """Return the keys that each tile of a prompt's queries reads, if each sees all before it: (tiles,)."""
    return past + np.minimum(TILE_QUERIES * np.arange(1, ceil(new / TILE_QUERIES) + 1), new)


def tiled_attention_s(
    gpu: Gpu, heads: Heads, decoding: tuple[int, float], prompts: list[np.ndarray]
) -> float:
    """Return `attention_s` by how many keys each tile of each prompt reads.

    With any prompt one kernel does all. A sequence that decodes takes a tile of a head for its one query, and
    as many more as the longest prompt has, which find nothing to do. Heads come one behind the other; within
    one, who decodes comes first.
    """
    sequences, keys = decoding
    if not prompts:
        return decode_attention_s(gpu, sequences * keys * heads.token_bytes)
    rate = gpu.peak_flop_per_s * gpu.attention_arithmetic_share / gpu.processors
    key_s = 4 * TILE_QUERIES * heads.width / rate
    empty_s = (max(map(len, prompts)) - 1) * EMPTY_TILE_S
    decode_s = np.full(sequences, (keys + TILE_KEYS) * key_s + empty_s)
    prompts_s = [(tiles + TILE_KEYS) * key_s for tiles in prompts]
    computed = makespan(np.concatenate([decode_s, *prompts_s]), heads.queries, gpu.processors)
    read = sequences * keys * heads.token_bytes * reads_of_a_key(gpu, heads, sequences, keys)
    return (
        max(computed, read / (gpu.bandwidth_bytes_per_s * gpu.attention_bandwidth_share)) + PREFILL_LAUNCH_S
    )


def reads_of_a_key(gpu: Gpu, heads: Heads, sequences: int, keys: float) -> float:
    """Return how often a card's memory is read for a key of those that decode beside a prompt.

    Each query head of a group reads its keys. Once, where the cache holds one group's of all sequences. Else
    only heads that run at once share what they read: those of one wave of tiles.
    """
    group, tiles = heads.queries // heads.keys, sequences * heads.queries
    if group == 1 or sequences * keys * heads.token_bytes / heads.keys <= gpu.cache_bytes:
        return 1.0
    whole, read = sequences * group, 0  # tiles of a group of heads
    for first in range(0, tiles, gpu.processors):
        end = min(first + gpu.processors, tiles)
        for start in range(first // whole * whole, end, whole):
            read += min(sequences, min(end, start + whole) - max(first, start))
    return read / (sequences * heads.keys)


def pointwise_s(gpu: Gpu, moved_bytes: float) -> float:
    """Return the time of a norm, an activation or a rotation."""
    return moved_bytes / (gpu.bandwidth_bytes_per_s * gpu.bandwidth_share) + POINTWISE_LAUNCH_S
