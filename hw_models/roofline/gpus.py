"""Graphics cards and what their kernels reach. Data only.

Four constants a card: share of bandwidth, share of arithmetic, launch, and how softly the two limits blend;
two more for attention. All are fitted to kernels, never to a whole server.

Sources
  [N]   NVIDIA data sheets and architecture white papers: dense BF16 with FP32 accumulation, memory bandwidth
  [C1]  fitted to 608 linear layers of Llama-3.1-8B measured with vLLM (LLMServingSim 2, casys-kaist)
  [C2]  fitted to 45, 98 decode attentions of more than 50 MB, and 62, 178 of prefill above 1 GFLOP (the same)
  [C3]  fitted to 2130 and 777 linear layers of Llama models (Vidur, microsoft)
  [C5]  fitted to 783 linear layers of Llama-2-7B (the same, 7d47513), which are not among the tables here:
        5.9 %; 3,915 layers of five other models 6.5 to 10.5 %
  [C4]  fitted to 63 decode attentions of 52 heads with a context of 128 (RelayAttention, rayleizhu)
  [A]   assumed: as the card that is nearest
"""

from typing import NamedTuple


class Gpu(NamedTuple):
    memory_bytes: int
    bandwidth_bytes_per_s: float  # [N]
    peak_flop_per_s: float  # [N]
    processors: int  # streaming multiprocessors [N]
    bandwidth_share: float
    arithmetic_share: float
    launch_s: float
    blend: float  # exponent of the norm that joins the two limits; large: the larger alone
    attention_bandwidth_share: float
    attention_arithmetic_share: float
    cache_bytes: int  # L2 [N]


GPUS = {
    "rtx_4090": Gpu(
        24 * 10**9, 1008e9, 165.2e12, 128,
        0.945, 0.978, 5.6e-6, 2.21,  # [C1]
        0.90, 0.82, 72 * 10**6,  # [C2], [N]
    ),
    "rtx_pro_6000": Gpu(
        96 * 10**9, 1792e9, 503.8e12, 188,
        0.871, 0.816, 5.3e-6, 1.53,  # [C1]
        0.80, 0.58, 128 * 10**6,  # [C2], [N]
    ),
    "a100_80gb": Gpu(
        80 * 10**9, 2039e9, 312e12, 108,
        0.913, 0.706, 7.0e-6, 1.64,  # [C3]
        0.85, 0.62, 40 * 10**6,  # [A], [N]
    ),
    "a40": Gpu(
        48 * 10**9, 696e9, 149.7e12, 84,
        0.820, 0.770, 6.1e-6, 1.58,  # [C3]
        0.97, 0.62, 6 * 10**6,  # [C4], [A], [N]
    ),
    "h100": Gpu(  # SXM
        80 * 10**9, 3352e9, 989.4e12, 132,
        0.961, 0.772, 5.6e-6, 1.39,  # [C5]
        0.85, 0.62, 50 * 10**6,  # [A], [A], [N]
    ),
}  # fmt: skip
