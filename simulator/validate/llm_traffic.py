"""What a memory sees, on the event loop: shared keys with and without a cache, rows of a table.

Layers that share keys and values store them once and read them each: only a cache between makes reads fewer.
Rows of 4 KiB from all over a table reach at least nine tenths of the memory's peak (memory layers at scale:
3 of 3.35 TB/s on an H100, arXiv 2412.09764).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import simulator
from simulator.validate.figure import Figure

LAYERS, WIDTH, PROMPT, SEQUENCES = 4, 256, 256, 4
MODEL = {"model_type": "llama", "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 4}
MODEL |= {"intermediate_size": 512, "vocab_size": 64, "max_position_embeddings": 2048}
SYSTEM = {
    "backends": {"gpu0": {"preset": "m1_max_metal"}},
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
    "dram": {"standard": "LPDDR4-3200", "channels": 2},
}
CACHE = {"size": "4 MiB", "ways": 16, "line": "64 B", "mshrs": 32}
BURST = 64
ROW_VALUES, ROWS_READ, PEAK = 2048, 1024, 25.6e9  # values of 16 bits; rows of a step; bytes/s
TABLE = {"rows": 2**18, "picks": 64, "key_width": 0, "width": ROW_VALUES, "layers": [0]}
OF_PEAK = 100 * 3 / 3.35  # another memory's: not counted


def figures() -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(MODEL))
        yield from shared_layers(folder)
        yield table_rows(folder)


def shared_layers(folder: str) -> Iterator[Figure]:
    """Compare the reads of four layers that share one cell with those of four that do not."""
    of_one_layer = SEQUENCES * (PROMPT + 1) * 2 * WIDTH * 2
    for name, more in (("no cache", {}), ("LLC of 4 MiB", {"llc": CACHE})):
        read = [read_bytes(folder, rules, more) for rules in ([], [{"share": {"layers": LAYERS}}])]
        saved = 0 if not more else (LAYERS - 1) * of_one_layer
        shown = {"system": "Shared layers", "model": name}
        yield Figure(shown, "DRAM reads, KiB", (read[0] - saved) / 1024, read[1] / 1024)


def read_bytes(folder: str, rules: list[dict[str, Any]], more: dict[str, Any]) -> int:
    """Return the bytes that DRAM reads for a prompt and a token."""
    chat = {"model": folder, "on": "gpu0", "prompt": PROMPT, "tokens": 1, "batch": SEQUENCES}
    job = chat | {"kv_cache": {"rules": rules}}
    result = simulator.run({"system": SYSTEM | more, "workloads": {"chat": job}})
    return BURST * sum(channel["reads"] for channel in result.summary["dram"].values())


def table_rows(folder: str) -> Figure:
    """Compare the rate of a step's rows with the peak of DDR4-3200."""
    system = {
        "backends": {"gpu0": {"memory_bandwidth": "400 GB/s", "peak": {"fp16": "100 TFLOPS"}}},
        "interconnect": {"clock": "2 GHz", "width": "64 B", "latency": "5 cycles"},
        "dram": {"standard": "DDR4-3200", "channels": 1},
    }
    batch = ROWS_READ // int(TABLE["picks"])  # type: ignore[call-overload]
    chat = {"model": folder, "on": "gpu0", "prompt": 1, "tokens": 1, "batch": batch, "table": TABLE}
    ops = simulator.run({"system": system, "workloads": {"chat": chat}}).ops
    last = [row for row, kind in enumerate(ops["kind"]) if kind == "table"][-1]
    rate = ops["read_bytes"][last] / (ops["end_s"][last] - ops["start_s"][last])
    shown = {"system": "Memory layers", "model": "rows of 4 KiB, DDR4-3200"}
    return Figure(shown, "% of peak", OF_PEAK, 100 * rate / PEAK, counted=False)
