"""300 requests to vLLM on two graphics cards, measured one by one, beside the engine of `simulator/serving`.

Arrivals, lengths and the blocks that prompts share are the measured run's. Card constants are fitted to
kernels; one constant, the software's 1.3 ms a step, to the run on the RTX 4090: its rows are shown and not
counted. What is counted is the other card, of which the engine knows kernels, memory and limits alone.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import workloads.llm
from hw_models.roofline.gpus import GPUS
from simulator.serving.engine import Server
from simulator.serving.limits import Engine
from simulator.serving.report import STATISTICS, request_table, spread
from simulator.serving.requests import Request
from simulator.serving.step import StepTime
from simulator.validate import llm_offline, llm_prefixes
from simulator.validate.figure import Figure
from workloads.llm.model import load_model

REFERENCE = Path(workloads.llm.__file__).parent / "reference" / "serving"
HOST_S = 1.3e-3  # of vLLM 0.19 in a step; calibrated on the mean time per token of the RTX 4090


class Run(NamedTuple):
    card: str
    log: str
    engine: Engine
    counted: bool


RUNS = (
    # the cache of the 4090 holds 41,408 tokens: vLLM's own figure at its start
    Run("rtx_4090", "vllm_rtx4090.jsonl.gz", Engine(kv_tokens=41_408), counted=False),
    # more than is ever used; 128 sequences are the limit that the log shows
    Run(
        "rtx_pro_6000", "vllm_rtxpro6000.jsonl.gz", Engine(kv_tokens=500_000, token_budget=8192), counted=True
    ),
)


def figures(table: Path | None = None) -> Iterator[Figure]:
    """Compare mean and percentiles of time to first token, time per token and latency."""
    del table
    for run in RUNS:
        log = _read(run.log)
        ours = request_table(served(run, log).sequences)
        for name in STATISTICS:
            measured = spread([_measured(row)[name] for row in log])
            modelled = spread(ours[name])
            for statistic, value in measured.items():
                shown = {"gpu": run.card, "requests": str(len(log)), "what": name}
                yield Figure(shown, statistic, value, modelled[statistic], counted=run.counted)
    yield from llm_offline.figures()
    yield from llm_prefixes.figures()


def served(run: Run, log: list[dict[str, Any]]) -> Server:
    """Return the server after it has served the requests of a measured run."""
    prompts = _read("sharegpt_llama_blocks.jsonl.gz")
    first = min(row["arrival_time"] for row in log)
    requests = [
        Request(
            row["arrival_time"] - first,
            row["input_toks"],
            row["output_toks"],
            tuple(p["prefix_blocks_16"]),
            16,
        )
        for row, p in zip(log, prompts, strict=True)
    ]
    server = Server(run.engine, StepTime(load_model("llama-3.1-8b"), GPUS[run.card], HOST_S), requests)
    server.run()
    return server


def _measured(row: dict[str, Any]) -> dict[str, float]:
    """Return a request's times as vLLM measured them: from when it was queued."""
    first, last, queued = row["first_token_ts"], row["last_token_ts"], row["queued_ts"]
    tokens = max(row["output_toks"] - 1, 1)
    return {"ttft_s": first - queued, "tpot_s": (last - first) / tokens, "latency_s": last - queued}


def _read(name: str) -> list[dict[str, Any]]:
    with gzip.open(REFERENCE / name, "rt") as file:
        return [json.loads(line) for line in file]
