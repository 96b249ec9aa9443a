"""Small SoCs with tiny workloads, of every shape that a config can draw; random keys are laid on them."""

from pathlib import Path
from random import Random
from typing import Any

from hw_models.dram.standards import STANDARDS
from hw_models.flash.tables.presets import PRESETS as FLASH
from hw_models.nvdla.presets import PRESETS as NVDLA
from hw_models.roofline.presets import PRESETS as BACKENDS
from simulator.fuzz import hubs

Data = dict[str, Any]
LONGEST = "20 ms"  # simulated time of a case; tiny workloads end well before
MODEL = Path(__file__).parent / "tiny_decoder.json"  # a transformer that a random SoC generates tokens with
FIRST_FREE = "512 GiB"  # addresses of memories with their own begin behind those of all jobs


def draw_soc(rng: Random) -> Data:
    """Return a config of a random shape, most often the usual tree: masters, interconnect, LLC, memory."""
    build = rng.choices(list(SHAPES), weights=list(SHAPES.values()))[0]
    return build(rng)


def usual(rng: Random) -> Data:
    """Return several masters above an interconnect, an LLC or none, DRAM or ideal memory."""
    accelerators = {f"nvdla{i}": _accelerator(rng) for i in range(rng.randint(1, 3))}
    cores = {f"core{i}": _core(rng) for i in range(rng.randint(0, 3))}
    system = {"accelerators": accelerators, "cores": cores, "interconnect": _interconnect(rng)}
    if rng.random() < 0.5:
        system["llc"] = _cache(rng)
    _memory(rng, system)
    jobs = {f"j{i}": _job(rng, list(accelerators), list(cores)) for i in range(rng.randint(1, 2))}
    return _config(rng, system, jobs, list(cores)[1:])


def alone(rng: Random) -> Data:
    """Return one accelerator straight above memory, or above a cache of its own."""
    system: Data = {"accelerators": {"nvdla0": _accelerator(rng)}}
    if rng.random() < 0.2:
        system["llc"] = _cache(rng)
    _memory(rng, system, channels=[1])
    return _config(rng, system, {"j0": _job(rng, ["nvdla0"], [])}, [])


def crowd(rng: Random) -> Data:
    """Return cores that only make traffic, for a time."""
    system: Data = {"cores": {f"core{i}": _core(rng) for i in range(rng.randint(1, 5))}}
    if len(system["cores"]) > 1 or rng.random() < 0.5:
        system["interconnect"] = _interconnect(rng)
    if rng.random() < 0.5:
        system["llc"] = _cache(rng)
    _memory(rng, system, channels=[1, 1, 2] if "interconnect" in system else [1])
    data = _config(rng, system, {}, list(system["cores"]))
    data["corunners"] = data["corunners"] or [_corunner(rng, "core0")]
    data["simulation"]["until"] = rng.choice(["100 ns", "5 us", "40 us", "200 us"])
    return data


def clusters(rng: Random) -> Data:
    """Return masters behind interconnects of their own, in front of the usual one, some with an L2."""
    data = usual(rng)
    system = data["system"]
    system["interconnects"], system["caches"] = {}, {}
    for name in ("a", "b")[: rng.randint(1, 2)]:
        bus = system["interconnects"][f"bus_{name}"] = _interconnect(rng) | {"below": "interconnect"}
        if rng.random() < 0.5:
            bus["below"] = f"l2_{name}"
            system["caches"][f"l2_{name}"] = _cache(rng) | {"below": "interconnect"}
        for part in (*system["accelerators"].values(), *system["cores"].values()):
            if rng.random() < 0.5:
                part["below"] = f"bus_{name}"
    return data


def groups(rng: Random) -> Data:
    """Return several memories in turn, each behind a cache of its own or bare."""
    data = usual(rng)
    system = data["system"]
    for key in ("llc", "dram", "memory"):
        system.pop(key, None)
    count = rng.choice([2, 2, 4])
    system["memories"], system["caches"] = {}, {}
    cached = rng.random() < 0.7
    kind = rng.random() < 0.5
    for i in range(count):
        ideal = {"size": "1 GiB", "latency": "20 cycles", "bandwidth": "8 B/cycle"}
        system["memories"][f"m{i}"] = dict(ideal) if kind else {"standard": rng.choice(sorted(STANDARDS))}
        if cached:
            system["caches"][f"c{i}"] = _cache(rng) | {"below": f"m{i}"}
    below = list(system["caches"] if cached else system["memories"])
    system["interconnect"] |= {"below": below, "interleave": rng.choice(["256 B", "4 KiB"])}
    return data


def beside(rng: Random) -> Data:
    """Return the usual tree and a memory with addresses of its own, NVDLA's second port on it or not."""
    data = usual(rng)
    system = data["system"]
    system["memories"] = {"sram": {"at": FIRST_FREE} | _side_memory(rng)}
    usually = next(key for key in ("llc", "dram", "memory") if key in system)
    system["interconnect"]["below"] = [usually, "sram"]
    second = rng.random() < 0.5
    for name, accelerator in system["accelerators"].items():
        if second and accelerator.get("kind") != "systolic" and "standard" not in system["memories"]["sram"]:
            accelerator["cvsram"] = "sram"
            system["interconnect"].pop("below")
            for other in system["accelerators"]:
                if other != name:
                    system["accelerators"][other].pop("cvsram", None)
            break
    for job in data["workloads"].values():
        job["place"] = {key: "sram" for key in ("weights", "features") if rng.random() < 0.7}
    for corunner in data["corunners"]:
        if rng.random() < 0.4 and "below" in system["interconnect"]:
            corunner["memory"] = "sram"
    return data


def storage(rng: Random) -> Data:
    """Return the usual tree with flash, from which frames read their weights, or to which they record."""
    data = usual(rng)
    data["system"]["flash"] = _flash(rng)
    for job in data["workloads"].values():
        job["storage"] = {
            "weights": rng.choice(["flash", "flash", "dram"]),
            "record": rng.choice(["0 B", "0 B", "1 B", "5000 B"]),
        }
        if job["storage"]["record"] != "0 B":
            data["system"]["flash"]["writable"] = True
    return data


def chat(rng: Random) -> Data:
    """Return a tiny language model, alone in a memory of its own or beside networks in the system's."""
    job: Data = {"model": str(MODEL), "on": "gpu0", "prompt": rng.choice([1, 3, 17]), "tokens": 2}
    data = usual(rng)
    if rng.random() < 0.5:
        data = {"system": {}, "workloads": {}, "corunners": [], "simulation": {"seed": rng.randint(1, 99)}}
    system = data["system"]
    system["backends"] = {"gpu0": {"preset": rng.choice(sorted(BACKENDS))}}
    if rng.random() < 0.8:
        system["flash"] = _flash(rng)
        policy = rng.choice(["naive", "hybrid", "resident", "window", "window_bundled", "predictor"])
        activity = {"active": [0.1], "context_rate": 0.4, "persistence": 0.1}
        job["offload"] = {"policy": policy, "activity": activity}
    data["workloads"]["chat"] = job
    return data


def coherent(rng: Random) -> Data:
    """Return cores that write, and accelerators or none, above a coherence hub; most often on one clock."""
    accelerators = {f"nvdla{i}": _accelerator(rng) for i in range(rng.choice([0, 1, 1, 2]))}
    cores = {f"core{i}": _core(rng) | hubs.draw_l1(rng) for i in range(rng.randint(1, 4))}
    bus = _interconnect(rng) | hubs.draw_hub(rng, list(accelerators), list(cores))
    system = {"accelerators": accelerators, "cores": cores, "interconnect": bus}
    if rng.random() < 0.6:
        system["llc"] = _cache(rng)
    if rng.random() < 0.6:
        hubs.draw_memory(rng, system)
    else:
        _memory(rng, system, channels=[1])
    if rng.random() < 0.7:
        hubs.on_one_clock(system, _clock(rng))
    jobs = {"j0": _job(rng, list(accelerators), list(cores))} if accelerators else {}
    data = _config(rng, system, jobs, [])
    data["corunners"] = hubs.draw_writers(rng, list(cores))
    if not jobs:
        data["simulation"]["until"] = rng.choice(["5 us", "40 us", "200 us"])
    return data


SHAPES = {
    usual: 10,
    alone: 4,
    crowd: 3,
    clusters: 4,
    groups: 2,
    beside: 3,
    storage: 2,
    chat: 2,
    coherent: 5,
}


def _config(rng: Random, system: Data, jobs: Data, free: list[str]) -> Data:
    """Return a whole config; ``free``: cores that co-runners may be on."""
    corunners = [_corunner(rng, core) for core in free if rng.random() < 0.6]
    simulation: Data = {"seed": rng.randint(1, 99), "max_time": LONGEST}
    if rng.random() < 0.1:
        simulation["until"] = rng.choice(["1 ns", "300 ns", "10 us", "100 us"])
    return {
        "name": "fuzz",
        "system": system,
        "workloads": jobs,
        "corunners": corunners,
        "simulation": simulation,
    }


def _accelerator(rng: Random) -> Data:
    if rng.random() < 0.2:
        size = {"rows": rng.choice([4, 16]), "columns": rng.choice([4, 16])}
        return {"kind": "systolic", "clock": _clock(rng), **size}
    return {"preset": rng.choice(sorted(NVDLA)), "clock": _clock(rng)}


def _core(rng: Random) -> Data:
    core: Data = {"clock": _clock(rng)}
    if rng.random() < 0.5:
        core["outstanding"] = rng.choice([2, 4, 16])
    return core


def _interconnect(rng: Random) -> Data:
    return {"clock": _clock(rng), "width": rng.choice(["4 B", "8 B", "32 B"])}


def _cache(rng: Random) -> Data:
    size, ways = rng.choice(["16 KiB", "256 KiB"]), rng.choice([1, 4, 8])
    return {"size": size, "ways": ways, "line": "64 B"}


def _memory(rng: Random, system: Data, channels: list[int] | None = None) -> None:
    if rng.random() < 0.2:
        system["memory"] = {"latency": "50 cycles", "bandwidth": "8 B/cycle"}
    else:
        choices = channels or [1, 1, 2]
        system["dram"] = {"standard": rng.choice(sorted(STANDARDS)), "channels": rng.choice(choices)}


def _side_memory(rng: Random) -> Data:
    if rng.random() < 0.3:
        return {"standard": rng.choice(sorted(STANDARDS))}
    return {"size": rng.choice(["4 KiB", "1 MiB"]), "latency": "4 cycles", "bandwidth": "64 B/cycle"}


def _flash(rng: Random) -> Data:
    return {"preset": rng.choice(sorted(FLASH))}


def _clock(rng: Random) -> str:
    return rng.choice(["500 MHz", "1 GHz", "1 GHz", "1600 MHz", "3200 MHz"])


def _corunner(rng: Random, core: str) -> Data:
    kinds = ["bandwidth_read", "bandwidth_write", "latency", "random"]
    return {"on": core, "kind": rng.choice(kinds), "footprint": rng.choice(["4 KiB", "64 KiB", "1 MiB"])}


def _job(rng: Random, accelerators: list[str], cores: list[str]) -> Data:
    """Return a network of one to four layers, most of which an accelerator can run."""
    shape = [rng.randint(1, 20), rng.randint(1, 20), rng.choice([1, 3, 8, 16, 20, 33])]
    first: Data = rng.choice([
        {"conv": {"kernels": rng.choice([1, 4, 8, 24]), "kernel": "1x1"}},
        {"conv": {"kernels": rng.choice([1, 4, 8, 24]), "kernel": "1x1"}},
        {"fc": {"kernels": rng.choice([1, 8, 40])}}, {"pool": {"kernel": "2x2", "padding": 1}},
        {"activation": {"function": "relu"}}, {"lrn": {}},
    ])  # fmt: skip
    (layer,) = first.values()
    layer["input"] = shape
    layers = [first, *(_layer(rng) for _ in range(rng.randint(0, 3)))]
    job: Data = {"on": rng.choice(accelerators), "layers": layers, "frames": rng.choice([1, 1, 2, 3])}
    return job | ({"fallback": cores[0]} if cores else {})


def _layer(rng: Random) -> Data:
    """Return a layer on the one before."""
    return rng.choice([
        {"conv": {"kernels": rng.choice([2, 8, 16]), "kernel": "3x3", "padding": 1}},
        {"conv": {"kernels": 8, "kernel": "3x2", "padding": 1, "stride": rng.choice([1, 2])}},
        {"conv": {"kernels": 8, "kernel": "3x3", "padding": 2, "dilation": 2}},
        {"deconv": {"kernels": 4, "kernel": "2x2", "stride": 2}},
        {"activation": {"function": rng.choice(["relu", "sigmoid", "leaky"])}},
        {"pool": {"kernel": "2x2", "padding": 1}}, {"pool": {"function": "average"}},
        {"upsample": {}}, {"lrn": {}}, {"softmax": {}}, {"fc": {"kernels": 8}},
    ])  # fmt: skip
