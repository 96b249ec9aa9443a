"""Sampled runs beside whole ones, of models small enough to be simulated in full.

The interval that a sampled run tells is one of 95 %: of twenty rows one may lie outside.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from simulator.config.model import load
from simulator.simulate import simulate
from simulator.validate.figure import Figure

Values = Mapping[str, Any]


class Model(NamedTuple):
    """A decoder of Llama's kind: of the public config's values those that count."""

    hidden_size: int
    num_hidden_layers: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int

    def write(self, folder: Path) -> Path:
        """Write its config.json; return its path."""
        path = folder / "config.json"
        values = {"model_type": "llama", "max_position_embeddings": 4096, **self._asdict()}
        path.write_text(json.dumps(values), encoding="utf-8")
        return path


MODELS = {
    "6 layers of 256": Model(256, 6, 1024, 4, 2, 4096),
    "24 layers of 256": Model(256, 24, 1024, 4, 2, 4096),
    "8 layers of 512": Model(512, 8, 2048, 8, 2, 16384),
    "4 layers of 1024": Model(1024, 4, 4096, 16, 4, 32000),
    "1 layer of 4096": Model(4096, 1, 12288, 32, 8, 32000),
}
SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_large", "clock": "1 GHz"}},
    "cores": {"core0": {"clock": "2 GHz"}},
    "interconnect": {"clock": "1 GHz", "width": "32 B", "latency": "8 cycles"},
    "llc": {"clock": "1 GHz", "size": "128 KiB", "ways": 8, "line": "64 B", "mshrs": 16},
    "dram": {"standard": "LPDDR4-3200", "channels": 2},
}
JOB = {"input": "1x1", "context": 127, "on": "nvdla0", "fallback": "core0", "strategy": "traffic"}


def beside(**corunner: str) -> Values:
    """Return a core with a co-runner."""
    hog = {"on": "core1", "footprint": "4 MiB", **corunner}
    return {"system.cores.core1": {"clock": "2 GHz"}, "corunners": [hog]}


CASES: dict[str, Values] = {  # what is laid on the system and the job
    "as written": {},
    "no LLC": {"system.llc": None},
    "LLC of 512 KiB": {"system.llc.size": "512 KiB"},
    "DDR4": {"system.dram": {"standard": "DDR4-2400"}},
    "HBM2": {"system.dram": {"standard": "HBM2-2000"}},
    "strategy nvidia": {"workloads.token.strategy": "nvidia"},
    "16 tokens": {"workloads.token.input": "16x1"},
    "beside writes": beside(kind="bandwidth_write"),
    "beside random reads": beside(kind="random"),
    "beside slow reads": beside(kind="bandwidth_read", rate="500 MB/s"),
}
ALL_CASES = ("6 layers of 256", "8 layers of 512")  # models that all cases are run with


def figures(table: Path | None = None) -> Iterator[Figure]:
    for model in MODELS:
        yield from rows(model, list(CASES) if model in ALL_CASES else ["as written"])


def rows(model: str, cases: Sequence[str]) -> Iterator[Figure]:
    """Compare a model's token: its time, what it moved, and what was measured of the whole system."""
    with TemporaryDirectory() as folder:
        path = MODELS[model].write(Path(folder))
        for case in cases:
            config: dict[str, Any] = {"system": SYSTEM, "workloads": {"token": JOB | {"network": str(path)}}}
            whole = simulate(load(load(config), values=CASES[case])).summary
            sample = {"simulation.sample": {"layers": 3}}
            ours = simulate(load(load(config), values={**CASES[case], **sample})).summary
            sampling = ours["sampling"]
            shown = {"model": model, "case": case, "simulated %": f"{100 * sampling['simulated_share']:.2f}"}
            shown["± %"] = f"{100 * sampling['latency_error']:.3f}"
            token, of_whole = (told["workloads"]["token"] for told in (ours, whole))
            yield Figure(shown, "latency_s", of_whole["latency_s"], token["latency_s"])
            for name in ("read_bytes", "write_bytes"):
                yield Figure(shown, f"the token's {name}", of_whole[name], token[name])
            for name, value in measured(whole).items():
                yield Figure(shown, name, value, measured(ours)[name], counted=False)


def measured(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return figures of the whole system that have no interval."""
    channels = [channel for name, channel in summary["dram"].items() if name.isdigit()]
    commands = ("reads", "writes", "activates")
    found = {f"DRAM {name}": sum(each[name] for each in channels) for name in commands}
    waits = summary["interference"]["nvdla0"].values()
    return found | {"waits of nvdla0": sum(row["delay_s"] for row in waits)}


def closing_notes(all_figures: Sequence[Figure]) -> Iterator[str]:
    """Yield how many of the times lie within the interval that was told."""
    times = [figure for figure in all_figures if figure.quantity == "latency_s"]
    within = sum(abs(figure.error_percent) <= float(figure.row["± %"]) for figure in times)
    yield f"{within} of {len(times)} times lie within the interval of 95 % that was told"
