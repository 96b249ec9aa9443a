"""Serving systems whose papers give a gain and not all lengths: what is assumed stands here; not counted."""

from collections.abc import Iterator
from typing import Any

from hw_models.roofline.gpus import GPUS
from hw_models.roofline.kernels import decode_attention_s, prefix_attention_s
from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.serving.run import simulate_serving
from simulator.validate.figure import Figure

CHUNK_BATCH, CHUNK_HEADS, CHUNK_WIDTH = 32, 32, 128  # Llama-2-7B's heads, FP16
CHUNK_OWN = 512  # tokens that a sequence has for itself: assumed
CHUNK_GAINS = {1024: 3.2, 4096: 4.8}  # by tokens that all share (arXiv 2402.15220, abstract)
PENSIEVE_GAIN = 1.73  # middle of 1.51 to 1.95 (arXiv 2312.05516, first version, abstract)
PENSIEVE_LOAD = {  # more than either serves; lengths like ShareGPT's, 40 GB of cache: assumed
    "system.backends.gpu0.capacity": "80 GB",
    "workloads.serve.requests.rate": "6000 /min",
    "workloads.serve.requests.count": 600,
    "workloads.serve.requests.prompt": 38,
    "workloads.serve.requests.output": 205,
    "workloads.serve.requests.think": "1 s",
    "workloads.serve.engine.kv_tokens": 48_800,
}
STATELESS = {
    "workloads.serve.engine.prefix_cache": False,
    "workloads.serve.engine.host": "0 B",
    "workloads.serve.engine.preempt": "recompute",
}
HIPPO_GAIN = 9.5  # middle of 6 to 13 (arXiv 2405.14831, abstract)
HIPPO_STEPS, HIPPO_FOUND = 4, 1500  # of a chain that retrieves, and tokens of what each finds: assumed


def figures() -> Iterator[Figure]:
    yield from chunk_attention()
    yield pensieve()
    yield hippo_rag()


def chunk_attention() -> Iterator[Figure]:
    """One layer's attention of a batch that shares a system prompt, read by each and once."""
    gpu, token = GPUS["a100_80gb"], 2 * 2 * CHUNK_HEADS * CHUNK_WIDTH  # bytes: keys and values
    own = CHUNK_BATCH * CHUNK_OWN * token
    for shared, published in CHUNK_GAINS.items():
        each = decode_attention_s(gpu, own + CHUNK_BATCH * shared * token)
        once = prefix_attention_s(gpu, CHUNK_HEADS, CHUNK_WIDTH, own, shared * token, CHUNK_BATCH)
        shown = {"system": "ChunkAttention", "model": f"{shared} tokens shared"}
        yield Figure(shown, "times faster", published, each / once, counted=False)


def pensieve() -> Figure:
    """Conversations: earlier turns kept on the card and at the host, against turns computed anew."""
    kept, anew = (_served("pensieve", PENSIEVE_LOAD | more)["requests_per_s"] for more in ({}, STATELESS))
    return Figure(
        {"system": "Pensieve", "model": "OPT-13B"}, "times the requests", PENSIEVE_GAIN, kept / anew, False
    )


def hippo_rag() -> Figure:
    """One retrieval against a chain of them, each with all before it in its prompt."""
    chain = {
        "workloads.serve.requests.turns": HIPPO_STEPS,
        "workloads.serve.requests.prompt": HIPPO_FOUND,
    }
    once, steps = (_served("hippo_rag", values)["latency_s"] for values in ({}, chain))
    shown = {"system": "HippoRAG", "model": f"against {HIPPO_STEPS} steps"}
    return Figure(shown, "times faster", HIPPO_GAIN, HIPPO_STEPS * steps / once, False)


def _served(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return what a preset's server tells, with ``values`` laid on it."""
    summary = simulate_serving(load(CONFIGS / "llm" / f"{name}.yaml", values=values)).summary
    told: dict[str, Any] = summary["workloads"]["serve"]
    return told
