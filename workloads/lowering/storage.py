"""What a network moves between DRAM and flash: each operation's weights, the camera's frame."""

import numpy as np

from workloads.lowering.layout import round_up
from workloads.params import NetworkStorage
from workloads.program import STEP, TRANSFER, Batch, On, Program

ALIGN = 4096


def transfers_of(flash_address: int, dram_address: int, size: int, chunk: int) -> np.ndarray:
    """Return ``size`` bytes as requests of ``chunk`` bytes, shape (n,) TRANSFER."""
    offsets = np.arange(0, size, chunk, dtype=np.int64)
    rows = np.zeros(offsets.size, TRANSFER)
    rows["address"], rows["dram_address"] = flash_address + offsets, dram_address + offsets
    rows["bytes"] = np.minimum(chunk, size - offsets)
    return rows


def add_storage(program: Program, storage: NetworkStorage, base: int, flash_base: int) -> int:
    """Put steps on flash before the steps of ``program``. Returns the bytes that it has on flash.

    ``base``: its first address in DRAM. The frame is recorded from a buffer behind its tensors, from the
    frame's start on; weights come in order, each as soon as the ones before it are there.
    """
    end = flash_base
    work: list[tuple[int, int, int, list[int]]] = []  # on, index, submission, steps it waits for
    if storage.record_bytes:
        buffer = round_up(base + program.memory.span_bytes, ALIGN)
        rows = transfers_of(end, buffer, storage.record_bytes, storage.chunk_bytes)
        work.append((int(On.FLASH), len(program.batches), 0, []))
        program.batches.append(Batch(rows, storage.threads, write=True))
        program.memory.span_bytes = buffer + storage.record_bytes - base
        end += round_up(storage.record_bytes, ALIGN)
    fetched: dict[int, int] = {}  # address of weights -> step that fetches them
    place = np.zeros(len(program.steps), np.int64)
    latest: list[int] = []
    for i, step in enumerate(program.steps):
        first = int(step["first_dep"])
        needs = [int(place[d]) for d in program.deps[first : first + int(step["dep_count"])]]
        if step["on"] == On.ACCELERATOR and storage.weights == "flash":
            op = program.ops[step["index"]]
            address, size = int(op["weights"]), int(op["weight_bytes"])
            if size and address not in fetched:
                rows = transfers_of(end, address, size, storage.chunk_bytes)
                fetched[address] = len(work)
                work.append((int(On.FLASH), len(program.batches), int(step["submit"]), latest))
                program.batches.append(Batch(rows, storage.threads, layer=int(op["layer"])))
                latest = [fetched[address]]
                end += round_up(size, ALIGN)
            if size:
                needs.append(fetched[address])
        place[i] = len(work)
        work.append((int(step["on"]), int(step["index"]), int(step["submit"]), needs))
    _replace_steps(program, work)
    return end - flash_base


def _replace_steps(program: Program, work: list[tuple[int, int, int, list[int]]]) -> None:
    program.steps = np.zeros(len(work), STEP)
    deps: list[int] = []
    for step, (on, index, submit, needs) in zip(program.steps, work):
        step["on"], step["index"], step["submit"] = on, index, submit
        step["first_dep"], step["dep_count"] = len(deps), len(needs)
        deps += needs
    program.deps = np.array(deps, np.int64)
