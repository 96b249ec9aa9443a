"""Decoding with llama.cpp (2024) on cards and Macs that a data sheet describes, beside measured tokens/s.

Software has one set of constants a kind, fitted to an RTX 3090 (CUDA) and an M2 Ultra (Metal), whose rows are
not counted: the others differ in bandwidth and peak alone. Cards with HBM are shown and not counted: this
software's products of a vector reach half to two thirds of their memory, however much faster it is.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import workloads.llm
from hw_models.roofline.params import Roofline
from hw_models.roofline.presets import LLAMACPP_CUDA, LLAMACPP_METAL
from simulator.validate.figure import Figure
from simulator.validate.llm_published import last_token_s
from workloads.llm.model import Transformer, load_model, transformer
from workloads.llm.params import LlmJob
from workloads.llm.plan import plan_of

TABLE = Path(workloads.llm.__file__).parent / "reference" / "kernels" / "llamacpp_decode.csv"
SOFTWARE = {"cuda": LLAMACPP_CUDA, "metal": LLAMACPP_METAL}
CONTEXT = 512  # of the middle of 1024 tokens
LLAMA_70B = {"model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672, "vocab_size": 128256}
LLAMA_70B |= {"num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8}
FORMATS: dict[str, dict[str, str]] = {
    "f16": {},
    "q4_k_m": {"attention": "q4_k", "ffn": "q4_k_m", "head": "q6_k"},
}


def figures() -> Iterator[Figure]:
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            peak = f"{row['peak_fp32_TFLOPS']} TFLOPS"
            keys = {"memory_bandwidth": f"{row['bandwidth_GBps']} GB/s", "peak": {"fp32": peak, "fp16": peak}}
            machine = Roofline.model_validate(keys | SOFTWARE[row["software"]])
            size = row["model"].rpartition("-")[2].upper()
            shown = {"gpu": row["machine"], "kernel": f"decode, {size}", "rows": row["format"]}
            ours = 1 / token_s(_model(row["model"]), row["format"], machine)
            counted = row["use"] == "counted"
            yield Figure(shown, "tokens/s", float(row["tokens_per_s"]), ours, counted=counted)


def token_s(model: Transformer, packed: str, machine: Roofline) -> float:
    """Return the time of a token; ``packed``: one of FORMATS."""
    keys = {
        "model": "opt-125m",
        "on": "gpu0",
        "prompt": CONTEXT - 1,
        "tokens": 1,
        "quantize": FORMATS[packed],
    }
    return last_token_s(plan_of(LlmJob.model_validate(keys), model), machine)


def _model(name: str) -> Transformer:
    return load_model("llama-3.1-8b") if name == "llama-3-8b" else transformer(name, LLAMA_70B)
