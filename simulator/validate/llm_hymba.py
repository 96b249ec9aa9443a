"""Hymba's cache and tokens/s beside six models of its size on one A100, 8,000 tokens, the batch that fits.

Two constants of the software (`a100_80gb.eager`), its share of bandwidth and the least time of a block, are
fitted to the five models that are neither Hymba nor Llama-3.2-3B, which are shown and not counted.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hw_models.roofline.params import Roofline
from hw_models.units import FS
from simulator.validate.figure import Figure
from simulator.validate.llm_published import preset
from simulator.validate.llm_tables import rows_of
from workloads.llm.compute import Compute
from workloads.llm.kv import kv_bytes
from workloads.llm.model import Transformer, load_model, transformer
from workloads.llm.params import LlmJob
from workloads.llm.plan import Plan, plan_of

TOKENS, BATCH, META = 8000, 128, 128
CACHE, FASTER = 11.67, 3.49  # times smaller, times faster than Llama-3.2-3B (abstract)
LLAMA = {"model_type": "llama", "tie_word_embeddings": True}
MODELS: dict[str, dict[str, Any]] = {  # config values on Hugging Face
    "Llama-3.2-1B": LLAMA
    | {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32}
    | {"num_key_value_heads": 8, "vocab_size": 128256},
    "Phi-1.5": {"model_type": "phi", "hidden_size": 2048, "intermediate_size": 8192, "vocab_size": 51200}
    | {"num_hidden_layers": 24, "num_attention_heads": 32},
    "SmolLM2-1.7B": LLAMA
    | {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24, "num_attention_heads": 32}
    | {"num_key_value_heads": 32, "vocab_size": 49152},
    "danube2-1.8B": LLAMA
    | {"hidden_size": 2560, "intermediate_size": 6912, "num_hidden_layers": 24, "num_attention_heads": 32}
    | {"num_key_value_heads": 8, "vocab_size": 32000, "tie_word_embeddings": False},
    "Qwen2.5-1.5B": {"model_type": "qwen2", "tie_word_embeddings": True, "vocab_size": 151936}
    | {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12}
    | {"num_key_value_heads": 2},
}
BUILT_IN = {"Hymba-1.5B": "hymba-1.5b", "Llama-3.2-3B": "llama-3.2-3b"}


def figures() -> Iterator[Figure]:
    """Compare cache and tokens/s."""
    machine = preset("hymba").machine
    shown = {"system": "Hymba", "model": "Hymba-1.5B"}
    caches = [kv_bytes(plan) for plan in (_plan("Llama-3.2-3B", 1), _plan("Hymba-1.5B", 1))]
    yield Figure(shown, "times smaller cache", CACHE, caches[0] / caches[1])
    measured = {row["model"]: float(row["tokens_per_s"]) for row in rows_of("hymba_throughput.csv")}
    ours = {name: tokens_per_s(name, machine) for name in measured}
    for name, reference in measured.items():
        counted = name in BUILT_IN
        yield Figure({"system": "Hymba", "model": name}, "tokens/s", reference, ours[name], counted=counted)
    yield Figure(shown, "times faster", FASTER, ours["Hymba-1.5B"] / ours["Llama-3.2-3B"])


def tokens_per_s(name: str, machine: Roofline) -> float:
    """Return the tokens/s of the largest batch that fits: 128, halved until it does."""
    batch = BATCH
    plan = _plan(name, batch)
    while plan.dram.model + kv_bytes(plan) > (machine.capacity_bytes or 0):
        batch //= 2
        plan = _plan(name, batch)
    compute, context = Compute(plan, machine), plan.job.context
    layers = range(plan.model.shape.layers)
    attention = [work.fs for layer in layers for _, work in compute.attention(layer, 1, context)]
    ffn = [compute.ffn(layer, 1, None).fs for layer in layers]
    return batch / (FS * float(np.sum([*attention, *ffn, compute.head(1).fs])))


def _model(name: str) -> Transformer:
    if name in BUILT_IN:
        return load_model(BUILT_IN[name])
    return transformer(name, {**MODELS[name], "max_position_embeddings": TOKENS})


def _plan(name: str, batch: int) -> Plan:
    meta = META if name == "Hymba-1.5B" else 0
    keys = {"model": "opt-125m", "on": "gpu0", "prompt": TOKENS + meta - 1, "tokens": 1, "batch": batch}
    return plan_of(LlmJob.model_validate(keys), _model(name))
