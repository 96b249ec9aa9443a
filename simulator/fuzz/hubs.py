"""What random SoCs have about a coherence hub: ways to it, L1s that it probes, slow memory, writers."""

from random import Random
from typing import Any

from simulator.config.shipped import CONFIGS
from simulator.config.yaml_lines import parse_text

Data = dict[str, Any]
FASED = CONFIGS / "dram" / "firesim_fased.yaml"  # a DRAM with a FIFO in front, which takes writes when it can
POSTED = {"mshrs": 8, "writebacks": 0, "data_width": "8 B", "order": "split", "conflict": "stall_set"}


def draw_hub(rng: Random, accelerators: list[str], cores: list[str]) -> Data:
    """Return the keys of an interconnect that is a hub: it probes most of the cores, no accelerator."""
    hub = {
        "trackers": rng.choice([1, 2, 3, 4, 4, 6, 8]),
        "line": rng.choice(["64 B", "64 B", "64 B", "32 B", "128 B"]),
        "accept_interval": _cycles(rng, 1, 8),
        "release": _cycles(rng, 0, 3),
        "probe": _cycles(rng, 0, 8),
        "grant_blocks": _cycles(rng, 0, 19),
        "probe_answer": _cycles(rng, 1, 4),
    }
    if rng.random() < 0.8:
        hub["write_lead"] = _cycles(rng, 0, 2)
    masters = {name: _fixed(rng) for name in accelerators}
    for name in cores:
        masters[name] = _cache(rng) if rng.random() < 0.8 else {"latency": _cycles(rng, 10, 14)}
    return {
        "hub": hub,
        "latency": _cycles(rng, 8, 19),
        "response_latency": _cycles(rng, 0, 7),
        "queue": rng.randint(1, 8),
        "cut_through": rng.random() < 0.7,
        "masters": masters,
    }


def draw_l1(rng: Random) -> Data:
    """Return the keys of a core whose L1 soon throws out what the core writes."""
    return {
        "l1": rng.choice(["1 KiB", "2 KiB", "16 KiB"]),
        "release_first": rng.random() < 0.6,
        "replay": _cycles(rng, 0, 4),
        "outstanding": rng.randint(1, 4),
    }


def draw_memory(rng: Random, system: Data) -> None:
    """Give an SoC FASED's memory, often below a cache as FASED's."""
    fased = parse_text(FASED.read_text(encoding="utf-8"), FASED.name).data["system"]["dram"]
    system["dram"] = {key: value for key, value in fased.items() if key != "clock"}
    if "llc" in system:
        system["llc"] |= POSTED | {"queue": rng.randint(1, 4), "entry_latency": _cycles(rng, 0, 2)}


def draw_writers(rng: Random, cores: list[str]) -> list[Data]:
    """Return co-runners, at least one, most of which write: steadily, at a rate, in phases."""
    return [_writer(rng, core) for core in rng.sample(cores, rng.randint(1, len(cores)))]


def on_one_clock(system: Data, clock: str) -> None:
    """Let all parts of an SoC have the same clock: then the event loop saves most calls."""
    for kind in ("accelerators", "cores"):
        for part in system[kind].values():
            part["clock"] = clock
    for key in {"interconnect", "llc", "dram"} & system.keys():
        system[key]["clock"] = clock


def _fixed(rng: Random) -> Data:
    """Return how an accelerator is connected: behind a FIFO fixer, or as the bus has it."""
    port = {"ids": rng.choice([4, 8]), "outstanding_per_id": 8, "entry": _cycles(rng, 0, 3)}
    return port | {"fifo": {"release": _cycles(rng, 1, 6)}} if rng.random() < 0.8 else {}


def _cache(rng: Random) -> Data:
    """Return how a cache is connected, whose releases take another way than its misses."""
    port = {
        "caching": True,
        "latency": _cycles(rng, 9, 13),
        "write_latency": _cycles(rng, 1, 4),
        "response_latency": _cycles(rng, 0, 4),
    }
    return port | ({"entry": _cycles(rng, 0, 3)} if rng.random() < 0.2 else {})


def _writer(rng: Random, core: str) -> Data:
    walk: Data = {
        "on": core,
        "kind": rng.choice(["bandwidth_write", "bandwidth_write", "bandwidth_read"]),
        "footprint": rng.choice(["8 KiB", "64 KiB", "1 MiB"]),
    }
    pace: Data = rng.choice([
        {}, {"rate": f"{rng.randint(1, 7)}00 MB/s"}, {"jitter": _cycles(rng, 1, 200)},
        {"busy": f"{rng.randint(1, 8)}00 ns", "idle": f"{rng.randint(5, 59)}00 ns"},
    ])  # fmt: skip
    return walk | pace


def _cycles(rng: Random, least: int, most: int) -> str:
    return f"{rng.randint(least, most)} cycles"
