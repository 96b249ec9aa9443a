"""A made-up result with everything a run can hold: reports are tested on it without simulating."""

import numpy as np

from simulator.results.result import SCHEMA_VERSION, Result

LAYERS = 24


def synthetic_result(*, corunner: bool = True, latency_s: float = 0.12) -> Result:
    rng = np.random.default_rng(7)
    ops = synthetic_ops(rng, latency_s)
    masters = {
        name: synthetic_master(i + 1) for i, name in enumerate(["nvdla0", "core0", "core1"][: 2 + corunner])
    }
    delays = {v: {c: {"delay_s": 0.0} for c in [*masters, "refresh"]} for v in masters}
    delays["nvdla0"]["nvdla0"]["delay_s"] = 0.003
    if corunner:
        delays["nvdla0"]["core1"] = {"delay_s": 0.021, "causes": {"queue_full": 0.015, "bus_busy": 0.006}}
        delays["core1"]["nvdla0"]["delay_s"] = 0.004
    return Result(
        summary={
            "schema_version": SCHEMA_VERSION,
            "name": "a <made-up> network",
            "simulation": {
                "simulated_s": latency_s,
                "wall_s": 1.5,
                "events": 10_000_000,
                "requests": 6_000_000,
                "requests_per_wall_s": 4_000_000.0,
                "seed": 1,
                "version": "0.1.0",
                "config_sha256": "ab" * 32,
            },
            "workloads": {"detect": synthetic_job(latency_s)},
            "masters": masters,
            "llc": {"hits": 900, "misses": 100, "hit_rate": 0.9, "writebacks": 50},
            "dram": {"channel0": synthetic_channel()},
            "interference": delays,
        },
        ops=ops,
        config={"name": "made up", "workloads": {"detect": {"on": "nvdla0"}}},
        timeline=[{"name": "conv_0", "ph": "X", "ts": 0.0, "dur": 5.0, "pid": 1, "tid": 1}],
        bandwidth={
            "time_s": np.linspace(0, latency_s, 200),
            **{name: rng.uniform(0, 3e9, 200) for name in masters},
        },
        queues={
            "time_s": np.linspace(0, latency_s, 100).tolist(),
            "dram.0 queue": (np.arange(100) % 17).tolist(),
            "llc MSHRs": (np.arange(100) % 5).tolist(),
        },
        frames=synthetic_frames(latency_s),
        latency={
            "master": ["nvdla0"] * 50 + ["core0"] * 50,
            "at_least_s": [*np.geomspace(2e-8, 9e-7, 50).tolist(), *np.geomspace(1e-8, 5e-7, 50).tolist()],
            "reads": [*range(1, 51), *range(50, 0, -1)],
        },
        warnings=["layer 'roi_3' runs on core0: the accelerator has no RoiAlign"],
    )


def synthetic_frames(latency_s: float) -> dict:
    """Return four frames, of which the third is late."""
    latencies = [latency_s * share for share in (0.98, 1.0, 1.3, 0.95)]
    release = [i * 1.5 * latency_s for i in range(4)]
    return {
        "job": ["detect"] * 4,
        "frame": list(range(4)),
        "release_s": release,
        "end_s": [r + t for r, t in zip(release, latencies)],
        "latency_s": latencies,
        "deadline_s": [1.1 * latency_s] * 4,
    }


def synthetic_ops(rng: np.random.Generator, latency_s: float) -> dict:
    share = rng.uniform(0.2, 1.0, LAYERS)
    end = np.cumsum(share / share.sum()) * latency_s
    start = np.concatenate([[0.0], end[:-1]])
    cycles = np.round((end - start) * 3.2e9).astype(np.int64)
    core = np.arange(LAYERS) % 8 == 7
    macs = np.where(core, 0, (cycles * 2048 * rng.uniform(0.05, 0.9, LAYERS)).astype(np.int64))
    return {
        "unit": ["core0" if c else "conv" for c in core],
        "op": np.arange(LAYERS),
        "layer": [f"upsample_{i}" if c else f"conv_{i}" for i, c in enumerate(core)],
        "kind": ["upsample" if c else "conv" for c in core],
        "start_s": start,
        "end_s": end,
        "cycles": cycles,
        "macs": macs,
        "mac_utilization": macs / (cycles * 2048),
        "read_bytes": (cycles * rng.uniform(0.1, 2, LAYERS)).astype(np.int64),
        "write_bytes": (cycles * rng.uniform(0.05, 0.5, LAYERS)).astype(np.int64),
        "stall_weight_fetch_cycles": (cycles * rng.uniform(0, 0.3, LAYERS)).astype(np.int64),
        "stall_data_fetch_cycles": (cycles * rng.uniform(0, 0.2, LAYERS)).astype(np.int64),
        "stall_output_cycles": (cycles * rng.uniform(0, 0.1, LAYERS)).astype(np.int64),
    }


def synthetic_job(latency_s: float) -> dict:
    return {
        "latency_s": latency_s,
        "frames": 4,
        "deadline": {
            "limit_s": 1.1 * latency_s,
            "met": False,
            "misses": 1,
            "worst_frame": 2,
            "worst_slack_s": -0.2 * latency_s,
        },
        "frames_per_s": 1 / latency_s,
        "phases": {"accelerator_s": latency_s * 0.7, "cpu_s": latency_s * 0.3, "io_s": 0.0},
        "macs": 32_000_000_000,
        "mac_utilization": 0.081,
        "read_bytes": 154_000_000,
        "write_bytes": 57_600_000,
    }


def synthetic_master(scale: int) -> dict:
    return {
        "reads": 100_000 * scale,
        "writes": 40_000 * scale,
        "read_bytes": 6_400_000 * scale,
        "write_bytes": 2_560_000 * scale,
        "bandwidth_bytes_per_s": 1.2e9 * scale,
        "read_latency_s": {"mean": 1.1e-7, "p50": 1e-7, "p95": 2e-7, "p99": 3e-7, "max": 9e-7},
    }


def synthetic_channel() -> dict:
    return {
        "reads": 1_000_000,
        "writes": 300_000,
        "activates": 90_000,
        "precharges": 89_000,
        "refreshes": 15_000,
        "row_hits": 1_210_000,
        "row_misses": 20_000,
        "row_conflicts": 70_000,
        "bandwidth_bytes_per_s": 3.1e9,
        "utilization": 0.31,
        "energy_j": 0.021,
        "energy_by_cause_j": {"activate": 0.004, "read": 0.012, "write": 0.005},
    }
