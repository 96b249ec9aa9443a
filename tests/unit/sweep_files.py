"""A small language model on one GPU, and a sweep of nine points over it."""

BASE = {
    "name": "tiny",
    "system": {"backends": {"gpu": {"preset": "m1_max_metal"}}},
    "workloads": {"chat": {"model": "phi-2", "on": "gpu", "prompt": 8, "tokens": 2}},
}
SWEEP = {
    "name": "tokens and bandwidth",
    "base": BASE,
    "axes": {
        "workloads.chat.tokens": [1, 2, 3],
        "system.backends.gpu.memory_bandwidth": {"from": "200 GB/s", "to": "800 GB/s", "factor": 2},
    },
    "objectives": {"workloads.chat.latency_s": "minimize", "workloads.chat.tokens": "maximize"},
    "metrics": ["workloads.chat.s_per_token"],
}
