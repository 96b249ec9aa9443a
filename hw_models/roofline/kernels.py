"""How long a kernel takes on a graphics card: linear layers, attention, and what only moves data. Seconds.

A linear layer takes ((bytes / bandwidth)^q + (flop / peak)^q)^(1/q) and a launch: near the ridge neither
limit hides the other. Attention over a prompt works in tiles of 64 queries of one head; a wave of tiles fills
the processors, and the last wave counts in full (FlashAttention-2: one tile a block).
"""

from math import ceil

from hw_models.roofline.gpus import Gpu

TILE_QUERIES = 64
ATTENTION_LAUNCH_S = 13e-6  # two kernels: parts of the context, and their sum; fitted as in `gpus`
PREFILL_LAUNCH_S = 8e-6
PREFIX_SHARE = 0.97  # of attention's bandwidth, where a prefix is read once for all sequences; fitted
PREFIX_LAUNCH_S = 4e-6  # fitted
MERGE_S = 0.6e-6  # of the two parts of a sequence with 52 heads of 128; fitted
MERGED_VALUES = 52 * 128
POINTWISE_LAUNCH_S = 1.9e-6  # shortest measured norm or activation


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
    gpu: Gpu, heads: int, head_width: int, kv_bytes: float, prompts: list[tuple[int, int]]
) -> float:
    """Return the time of one layer's attention of a step.

    ``kv_bytes``: read by the sequences that decode. ``prompts``: (new tokens, tokens before them) of the
    others, which see all that is before them.
    """
    seen = [(chunk, past + (chunk + TILE_QUERIES) / 2) for chunk, past in prompts]
    return tiled_attention_s(gpu, heads, head_width, kv_bytes, seen)


def tiled_attention_s(
    gpu: Gpu, heads: int, head_width: float, kv_bytes: float, prompts: list[tuple[int, float]]
) -> float:
    """Return `attention_s` by how many keys a tile of each prompt reads: (new tokens, keys).

    With any prompt one kernel does all, in tiles that suit a prompt and not those that decode.
    """
    if not prompts:
        return decode_attention_s(gpu, kv_bytes)
    decode = kv_bytes / (gpu.bandwidth_bytes_per_s * gpu.attention_bandwidth_share)
    tiles = sum(ceil(chunk / TILE_QUERIES) for chunk, _ in prompts)
    keys = sum(ceil(chunk / TILE_QUERIES) * seen for chunk, seen in prompts)
    waves = ceil(heads * tiles / gpu.processors)
    flop = 4 * TILE_QUERIES * keys / tiles * head_width  # of a tile, on average
    rate = gpu.peak_flop_per_s * gpu.attention_arithmetic_share / gpu.processors
    return gpu.beside_prompt * decode + waves * flop / rate + PREFILL_LAUNCH_S


def pointwise_s(gpu: Gpu, moved_bytes: float) -> float:
    """Return the time of a norm, an activation or a rotation."""
    return moved_bytes / (gpu.bandwidth_bytes_per_s * gpu.bandwidth_share) + POINTWISE_LAUNCH_S
