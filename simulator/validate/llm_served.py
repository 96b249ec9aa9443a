"""Serving systems whose papers give a gain and not all lengths: what is assumed stands here; not counted."""

from collections.abc import Iterator
from typing import Any

from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.serving.run import simulate_serving
from simulator.validate.figure import Figure

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
STATELESS = {  # vLLM as of 2023: prompts have steps of their own, where Pensieve works on both at once
    "workloads.serve.engine.prompts": "alone",
    "workloads.serve.engine.prefix_cache": False,
    "workloads.serve.engine.host": "0 B",
    "workloads.serve.engine.preempt": "recompute",
}
BATCH_GAIN = 1.55  # middle of 1.1 to 2 (arXiv 2412.03594, abstract); lengths and groups are the preset's
AS_THEY_COME = {"workloads.serve.engine.order": "first_come", "workloads.serve.engine.prefix_once": False}
HIPPO_GAIN = 9.5  # middle of 6 to 13 (arXiv 2405.14831, abstract)
HIPPO_STEPS, HIPPO_FOUND = 4, 1500  # of a chain that retrieves, and tokens of what each finds: assumed


def figures() -> Iterator[Figure]:
    yield pensieve()
    yield batch_llm()
    yield hippo_rag()


def pensieve() -> Figure:
    """Conversations: earlier turns kept on the card and at the host, against turns computed anew."""
    kept, anew = (_served("pensieve", PENSIEVE_LOAD | more)["requests_per_s"] for more in ({}, STATELESS))
    return Figure(
        {"system": "Pensieve", "model": "OPT-13B"}, "times the requests", PENSIEVE_GAIN, kept / anew, False
    )


def batch_llm() -> Figure:
    """Requests in groups that begin alike, the beginning read once, against requests as they come."""
    grouped, plain = (_served("batch_llm", values)["requests_per_s"] for values in ({}, AS_THEY_COME))
    shown = {"system": "BatchLLM", "model": "Llama-3-8B"}
    return Figure(shown, "times the requests", BATCH_GAIN, grouped / plain, False)


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
