"""1000 requests at once to vLLM 0.2.6 behind one system prompt, which is read by each or once for all.

Two constants of that software, what it adds to a step and for each sequence, are fitted to Llama-2-7B on the
A100: its rows are shown and not counted. Another model and another card follow (RelayAttention, 2402.14808).
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import workloads.llm
from hw_models.roofline.gpus import GPUS
from simulator.serving.engine import Server
from simulator.serving.limits import Engine
from simulator.serving.requests import Request
from simulator.serving.step import StepTime
from simulator.validate.figure import Figure
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import load_model

TABLE = Path(workloads.llm.__file__).parent / "reference" / "serving" / "relayattention_offline.csv"
REQUESTS, SEQUENCES, BUDGET = 1000, 256, 4096  # the benchmark's; vLLM's defaults
MEMORY_SHARE = 0.9
STEP_S, SEQUENCE_S = 3e-3, 48e-6  # of vLLM 0.2.6; fitted
CARDS = {"A100": "a100_80gb", "A40": "a40"}
FITTED = ("A100", "llama-2-7b")


def figures() -> Iterator[Figure]:
    """Compare requests a second."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        shown = {"gpu": row["gpu"], "model": row["model"], "prefix": row["prefix_tokens"]}
        what = "requests/s, prefix " + ("once" if row["backend"] == "vllm+" else "by each")
        counted = (row["gpu"], row["model"]) != FITTED
        yield Figure(shown, what, float(row["requests_per_s"]), requests_per_s(row), counted=counted)


def requests_per_s(row: dict[str, str]) -> float:
    """Return the rate at which all requests of a row are served."""
    model, gpu = load_model(row["model"]), GPUS[CARDS[row["gpu"]]]
    own, output, prefix = (int(row[f"{name}_tokens"]) for name in ("context", "output", "prefix"))
    once = row["backend"] == "vllm+"
    room = MEMORY_SHARE * gpu.memory_bytes - bytes_of(model.parameters, "fp16")
    engine = Engine(
        kv_tokens=int(room) // bytes_of(model.kv_values_per_token(), "fp16"),
        token_budget=BUDGET,
        max_sequences=SEQUENCES,
        prefix_cache=once,
        prefix_once=once,
        prompts_alone=True,
    )
    keys, key_tokens = ((1,), prefix) if once else ((), 0)
    requests = [Request(0.0, prefix + own, output, keys, key_tokens)] * REQUESTS
    server = Server(engine, StepTime(model, gpu, STEP_S, sequence_s=SEQUENCE_S), requests)
    server.run()
    return REQUESTS / server.now_s
