"""A language model as a program of the shared SoC: prompt and tokens, phase by phase, on a port of its own.

Beside a network on an accelerator, the model's backend is a master of the interconnect. Each phase reads from
the shared flash device into DRAM, as the SoC does it, and then reads and computes as
`workloads.llm.traffic` says. Everything in order, as the paper schedules it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hw_models.cpu.params import WIDE_PORT
from workloads.llm.check import check
from workloads.llm.params import LlmJob
from workloads.llm.tokens import LlmRun
from workloads.llm.traffic import TokenTraffic, TrafficSource
from workloads.program import STEP, Batch, Layer, MemoryPlan, On, Program


def llm_program(
    name: str, job: LlmJob, system: Any, seed: int, base: int, flash_base: int
) -> tuple[Program, int]:
    """Return the program of ``job``'s prompt and tokens, and its bytes on flash. Raises ConfigError.

    ``base``, ``flash_base``: its first addresses in DRAM and on flash.
    """
    plan, machine, reads_flash = check(name, job, system)
    flash = system.flash if reads_flash else None
    source = TrafficSource(plan, machine, seed, flash=flash, clock_hz=WIDE_PORT.clock_hz, base=base)
    tasks: list[np.ndarray] = []
    batches: list[Batch] = []
    work: list[tuple[On, int]] = []
    prompt_steps = 0
    for part in _parts(source, job.tokens):
        for first, count, threads, task, layer in part.phases:
            if count and reads_flash:
                transfers = part.reads[first : first + count].copy()
                transfers["address"] += flash_base
                work.append((On.FLASH, len(batches)))
                batches.append(Batch(transfers, int(threads), layer=int(layer) + 1))
            if task >= 0:
                work.append((On.CORE, len(tasks)))
                tasks.append(part.tasks[task : task + 1].copy())
        prompt_steps = prompt_steps or len(work)
    table = np.concatenate(tasks)
    names = ["output", *(f"layer_{i}" for i in range(int(table["layer"].max()) + 1))]
    table["layer"] += 1
    memory = MemoryPlan(source.end_address - base, 0, 0, "none")
    program = Program(
        name=name,
        layers=[Layer(name, "llm") for name in names],
        ops=np.zeros(0),
        tasks=table,
        steps=_chain(work),
        deps=np.arange(max(0, len(work) - 1), dtype=np.int64),
        memory=memory,
        batches=batches,
        prompt_steps=prompt_steps,
    )
    return program, LlmRun.flash_end(plan) if reads_flash else 0


def _parts(source: TrafficSource, tokens: int) -> Iterator[TokenTraffic]:
    """Yield the prompt, then rounds until there are ``tokens`` tokens."""
    yield source.prompt()
    while tokens > 0:
        part = source.next_token()
        tokens -= part.tokens
        yield part


def _chain(work: list[tuple[On, int]]) -> np.ndarray:
    """Return a step for each (kind, index), each after the one before."""
    count = len(work)
    steps = np.zeros(count, STEP)
    steps["on"] = [int(on) for on, _ in work]
    steps["index"] = [index for _, index in work]
    steps["first_dep"] = np.maximum(np.arange(count) - 1, 0)
    steps["dep_count"] = np.minimum(np.arange(count), 1)
    return steps
