"""A language model as a program of the shared SoC: its tokens' traffic, phase by phase, on a port of its own.

Beside a network on an accelerator, the model's backend is a master of the interconnect. Each phase writes
what its threads have read from flash into DRAM, no faster than the flash device delivers it, and then
reads and computes as `simulator.llm_traffic` says. Everything in order, as the paper schedules it.
"""

from typing import Any

import numpy as np

from hw_models.cpu.params import Core
from hw_models.cpu.task import TASK, Pattern
from simulator.llm import prepare
from simulator.llm_flash import FlashDevice
from simulator.llm_traffic import TrafficSource
from workloads.llm.params import LlmJob
from workloads.program import STEP, Layer, MemoryPlan, On, Program

# A wide DMA-like port: many lines in flight, stores past the cache. Assumed; the rates are the backend's own.
BACKEND_PORT = Core.model_validate(
    {
        "clock": "1 GHz",
        "l1": "4 KiB",
        "outstanding": 64,
        "writebacks": 64,
        "cycles_per_line": 1,
        "write_allocate": False,
    }
)
FS_PER_CYCLE = 10**6


def llm_program(name: str, job: LlmJob, system: Any, seed: int, base: int) -> tuple[Program, dict[str, Any]]:
    """Return the program of all of ``job``'s tokens and the flash device's counters. Raises ConfigError."""
    plan, machine, flash = prepare(name, job, system)
    source = TrafficSource(plan, machine, seed, clock_hz=BACKEND_PORT.clock_hz, base=base)
    tasks: list[np.ndarray] = []
    made, now_fs = 0, 0
    while made < job.tokens:
        token = source.next_token()
        made += token.tokens
        for first, count, task, _ in token.phases:
            reads = token.reads[first : first + count]
            if count and flash is not None:
                landing, now_fs = _landing(flash, reads, now_fs)
                tasks.append(landing)
            if task >= 0:
                tasks.append(token.tasks[task : task + 1].copy())
    table = np.concatenate(tasks)
    names = ["output", *(f"layer_{i}" for i in range(int(table["layer"].max()) + 1))]
    table["layer"] += 1
    memory = MemoryPlan(source.end_address - base, 0, 0, "none")
    program = Program(
        name=name,
        layers=[Layer(name, "llm") for name in names],
        ops=np.zeros(0),
        tasks=table,
        steps=_chain(len(table)),
        deps=np.arange(max(0, len(table) - 1), dtype=np.int64),
        memory=memory,
    )
    return program, flash.counters() if flash is not None else {}


def _landing(flash: FlashDevice, reads: np.ndarray, now_fs: int) -> tuple[np.ndarray, int]:
    """Return the task that writes ``reads`` into DRAM while the flash device delivers them, and its end."""
    end_fs = flash.read(reads["address"].copy(), reads["bytes"].copy(), now_fs)
    task = np.zeros(1, TASK)
    task["pattern"] = int(Pattern.STREAM)
    task["write_address"], task["write_bytes"] = reads["dram_address"].min(), reads["bytes"].sum()
    task["compute_cycles"] = (end_fs - now_fs) // FS_PER_CYCLE
    task["passes"] = 1
    task["layer"] = -1
    return task, end_fs


def _chain(count: int) -> np.ndarray:
    """Return ``count`` core steps, each after the one before."""
    steps = np.zeros(count, STEP)
    steps["on"] = int(On.CORE)
    steps["index"] = np.arange(count)
    steps["first_dep"] = np.maximum(np.arange(count) - 1, 0)
    steps["dep_count"] = np.minimum(np.arange(count), 1)
    return steps
