"""ChunkAttention's kernel beside the one it is compared with (arXiv 2402.15220, table 3 and figures 3 and 4).

One layer of 32 heads of 128, FP16, an A100 80 GB; `own`: tokens of each sequence's own, on average while it
decodes. Four constants, each fitted to one row, which is not counted: what the two kernels reach of the
bandwidth where nothing is shared, how fast a chunk's tile computes (all shared), and what the host needs to
launch a kernel and to see its end: figures 3 and 4 were timed call by call (microsoft/chunk-attention at
dde08ce, tests/benchmark_vllm.py), the table over a hundred calls in a row.
"""

from collections.abc import Iterator

from hw_models.roofline.gpus import GPUS
from hw_models.roofline.kernels import decode_attention_s
from simulator.validate.figure import Figure
from simulator.validate.llm_tables import rows_of

CARD = GPUS["a100_80gb"]
HEADS, WIDTH = 32, 128
TOKEN_BYTES = 2 * 2 * HEADS * WIDTH  # keys and values
SHARES = {"paged": 0.759, "chunked": 0.817}  # of the bandwidth
CHUNK_FLOP_PER_S = 14.0e12  # scores, softmax, partial results and their sums, of a chunk for all sequences
HOST_S = 10e-6


def figures() -> Iterator[Figure]:
    for row in rows_of("chunk_attention.csv"):
        shared, own, sequences = (int(row[name]) for name in ("shared", "own", "sequences"))
        seconds = kernel_s(row["kernel"], shared, own, sequences)
        if row["quantity"] == "us":
            ours = 1e6 * seconds
        elif row["quantity"] == "tokens/s":
            ours = sequences / (seconds + HOST_S)
        else:
            ours = (kernel_s("paged", shared, own, sequences) + HOST_S) / (seconds + HOST_S)
        model = f"{row['kernel']} {shared} + {own}"
        shown = {"system": "ChunkAttention", "model": model, "batch": row["sequences"]}
        counted = row["use"] == "counted"
        yield Figure(shown, row["quantity"], float(row["value"]), ours, counted=counted)


def kernel_s(kernel: str, shared: int, own: int, sequences: int) -> float:
    """Return the time of a call: ``shared`` tokens are read by each sequence (paged), or once (chunked).

    Tiles of chunks load their keys and values, then compute: nothing else runs on a processor meanwhile.
    """
    gpu = CARD._replace(attention_bandwidth_share=SHARES[kernel])
    if kernel == "paged":
        return decode_attention_s(gpu, sequences * (shared + own) * TOKEN_BYTES)
    flop = 4 * HEADS * WIDTH * shared * sequences
    return decode_attention_s(gpu, (shared + sequences * own) * TOKEN_BYTES) + flop / CHUNK_FLOP_PER_S
