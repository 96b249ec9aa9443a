"""What a server's requests waited and took: a row a request, and the statistics over them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.serving.engine import Server
from simulator.serving.sequence import Served

STATISTICS = ("ttft_s", "tpot_s", "latency_s")
COLUMNS = (
    "request", "prompt", "output", "arrival_s", "queue_s", *STATISTICS, "hit_tokens", "host_hit_tokens",
    "preemptions", "priority", "conversation",
)  # fmt: skip


def request_row(served: Served) -> dict[str, Any]:
    """Return the row of requests.csv: waits from arrival on; time per token behind the first."""
    request = served.request
    tokens = max(request.output - 1, 1)
    return {
        "request": served.number,
        "prompt": request.prompt,
        "output": request.output,
        "arrival_s": served.arrival_s,
        "queue_s": served.scheduled_s - served.arrival_s,
        "ttft_s": served.first_token_s - served.arrival_s,
        "tpot_s": (served.done_s - served.first_token_s) / tokens,
        "latency_s": served.done_s - served.arrival_s,
        "hit_tokens": served.hit_tokens,
        "host_hit_tokens": served.host_hit_tokens,
        "preemptions": served.preemptions,
        "priority": request.priority,
        "conversation": request.conversation,
    }


def request_table(sequences: Sequence[Served]) -> dict[str, list[Any]]:
    """Return the columns of requests.csv."""
    rows = [request_row(served) for served in sequences]
    return {name: [row[name] for row in rows] for name in COLUMNS}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return mean and percentiles, linear between values."""
    found = np.asarray(values)
    names = {"p50_s": 50, "p90_s": 90, "p95_s": 95, "p99_s": 99}
    return {"mean_s": float(found.mean())} | {k: float(np.percentile(found, q)) for k, q in names.items()}


def serving_summary(server: Server, slo: dict[str, float] | None = None) -> dict[str, Any]:
    """Return the summary of a run. ``slo``: most of `ttft_s`, `tpot_s` that a request may take to count."""
    table = request_table(server.sequences)
    good = [
        all(table[name][i] <= most for name, most in (slo or {}).items())
        for i in range(len(server.sequences))
    ]
    blocks, adapters = max(server.blocks.count, 1), server.adapters
    return {
        "latency_s": float(np.mean(table["latency_s"])),
        "requests": len(server.sequences),
        "duration_s": server.now_s,
        "requests_per_s": len(server.sequences) / server.now_s,
        "goodput_per_s": sum(good) / server.now_s,
        "output_tokens_per_s": sum(table["output"]) / server.now_s,
        **{name.removesuffix("_s"): spread(table[name]) for name in ("queue_s", *STATISTICS)},
        "preemptions": server.preemptions,
        "steps": len(server.moments),
        "swaps": server.swaps,
        "prefix_hit_share": sum(table["hit_tokens"]) / sum(table["prompt"]),
        "host_hit_share": sum(table["host_hit_tokens"]) / sum(table["prompt"]),
        **(
            {
                "adapters": {
                    "hit_rate": adapters.hits / (adapters.hits + adapters.misses),
                    "bytes_of_one": adapters.stored_bytes,
                    "on_card": len(adapters.held),
                }
            }
            if adapters is not None
            else {}
        ),
        "kv_used_share": {
            "mean": _over_time(server, "used_blocks") / blocks,
            "max": max(moment.used_blocks for moment in server.moments) / blocks,
        },
        "kv_token_share": _over_time(server, "held_tokens") / server.engine.kv_tokens,
        "running": {"mean": _over_time(server, "running"), "max": max(m.running for m in server.moments)},
    }


def _over_time(server: Server, name: str) -> float:
    """Return the mean of a figure of the engine's moments, weighted by how long each step took."""
    times = np.array([0.0, *(moment.time_s for moment in server.moments)])
    return float(np.average([getattr(moment, name) for moment in server.moments], weights=np.diff(times)))
