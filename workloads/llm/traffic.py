"""What a language model's prompt and tokens do to the memory system: phases of DRAM traffic and flash reads.

For runs in which the model shares DRAM and flash with others: the traffic in its order, as tasks of a core
(`hw_models.cpu.task.TASK`) and as reads from flash that land in DRAM. Time is not decided here.
"""

from dataclasses import dataclass, field
from typing import cast

import numpy as np

from hw_models.cpu.task import TASK, Pattern
from hw_models.flash.params import Flash
from hw_models.roofline.params import Roofline
from workloads.llm.flash import FlashDevice
from workloads.llm.plan import Plan
from workloads.llm.tokens import LlmRun
from workloads.program import TRANSFER

PAGE_BYTES = 4096

PHASE = np.dtype(  # flash reads, or a task
    [
        ("first_read", np.int64),
        ("reads", np.int64),
        ("threads", np.int64),  # so many reads are under way
        ("task", np.int64),  # row of `tasks`, -1: none
        ("layer", np.int64),  # -1: the output projection
    ]
)


@dataclass(frozen=True)
class TokenTraffic:
    """The prompt, or one token. The phases run one after another."""

    phases: np.ndarray  # (n,) PHASE
    tasks: np.ndarray  # (m,) TASK
    reads: np.ndarray  # (k,) TRANSFER
    tokens: int  # that it makes: none in the prompt, more than one with speculative decoding


@dataclass
class _Recorder:
    """Stands in for `FlashDevice`: keeps what is asked and by how many threads, and takes a picosecond."""

    threads: int
    stream_chunk: int
    stream_depth: int
    asked: list[tuple[np.ndarray, np.ndarray, int]] = field(default_factory=list)
    requests: int = 0

    def read(self, addresses: np.ndarray, sizes: np.ndarray, start_fs: int) -> int:
        self.asked.append((addresses, sizes, self.threads))
        return start_fs + 1000

    def stream(self, address: int, size: int, start_fs: int) -> int:
        offsets = np.arange(0, size, self.stream_chunk, dtype=np.int64)
        sizes = np.minimum(self.stream_chunk, size - offsets)
        self.asked.append((address + offsets, sizes, self.stream_depth))
        return start_fs + 1000


class TrafficSource:
    """One job as traffic of a core with the given clock: `prompt` once, then tokens. DRAM from ``base`` on.

    ``flash``: the device that it reads from, which says how streams are read; None if it does not.
    """

    def __init__(
        self, plan: Plan, machine: Roofline, seed: int, *, flash: Flash | None, clock_hz: int, base: int
    ):
        self.plan, self.machine, self.clock_hz = plan, machine, clock_hz
        stream = (flash.sequential_chunk_bytes, flash.sequential_depth) if flash is not None else (1, 1)
        self.recorder = _Recorder(plan.job.offload.threads, *stream)
        self.run = LlmRun(plan, machine, cast(FlashDevice, self.recorder), seed)
        self.next_address = base
        self.regions: dict[tuple[str, int], int] = {}

    @property
    def end_address(self) -> int:
        """Return the first DRAM address behind all that the tokens so far have touched."""
        return self.next_address

    def prompt(self) -> TokenTraffic:
        """Return the prompt's traffic: for each layer its weights from flash, and an equal share of the work.

        All layers use one buffer in turn.
        """
        self.run.prefill()
        layers = self.plan.model.shape.layers
        *reading, computing = self.run.ops.rows
        reads = {row[2]: row for row in reading}
        rows: list[tuple] = []
        for layer in range(layers):
            if layer in reads:
                rows.append(reads[layer])
            shares = (_share(total, layer, layers) for total in computing[6:9])
            rows.append((*computing[:2], layer, *computing[3:6], *shares, *computing[9:]))
        return self._traffic(rows, 0)

    def next_token(self) -> TokenTraffic:
        """Return the traffic of the next token, or round of tokens."""
        self.recorder.asked.clear()
        self.run.ops.rows.clear()
        result = self.run.decode(self.run.plan.job.tokens)
        return self._traffic(self.run.ops.rows, result.tokens)

    def _traffic(self, rows: list[tuple], tokens: int) -> TokenTraffic:
        """Return the traffic of operations (`Ops.COLUMNS`), whose reads are in the recorder in this order."""
        asked = iter(self.recorder.asked)
        phases: list[tuple] = []
        tasks: list[tuple] = []
        reads: list[np.ndarray] = []
        first = 0
        for unit, op, layer, _, _, _, macs, read_bytes, write_bytes, _ in rows:
            if unit == "flash":
                addresses, sizes, threads = next(asked)
                reads.append(self._reads(addresses, sizes, op, layer))
                phases.append((first, addresses.size, threads, -1, layer))
                first += addresses.size
            else:
                phases.append((first, 0, 0, len(tasks), layer))
                tasks.append(self._task(op, layer, macs, read_bytes, write_bytes))
        return TokenTraffic(
            phases=np.array(phases, PHASE),
            tasks=np.array(tasks, TASK),
            reads=np.concatenate(reads) if reads else np.zeros(0, TRANSFER),
            tokens=tokens,
        )

    def _region(self, op: str, layer: int) -> int:
        """Return where in DRAM the data of ``op`` lies; rows and neurons are the FFN's."""
        key = ("ffn" if op in ("rows", "neurons") else op, -1 if op == "prefill" else layer)
        if key not in self.regions:
            self.regions[key] = self.next_address
            self.next_address += -(-self._largest(*key) // PAGE_BYTES) * PAGE_BYTES
        return self.regions[key]

    def _largest(self, op: str, layer: int) -> int:
        plan = self.plan
        if op == "ffn":
            return int(plan.dram.ffn[layer])
        if op in ("attention", "kv"):
            context = plan.job.prompt + plan.job.tokens
            return int(plan.dram.dense[layer]) + context * self.run.compute.kv_bytes
        if op == "prefill":
            share = -(-plan.dram.per_token // plan.model.shape.layers)
            return max(share, int((plan.flash.dense + plan.flash.ffn).max()))
        if op == "predictor":
            return int(plan.predictor[layer])
        if op == "head":
            return plan.dram.head + plan.dram.ends
        return int(plan.dram.dense[layer] + plan.dram.ffn[layer]) if layer >= 0 else plan.dram.model

    def _reads(self, addresses: np.ndarray, sizes: np.ndarray, op: str, layer: int) -> np.ndarray:
        reads = np.zeros(addresses.size, TRANSFER)
        reads["address"], reads["bytes"] = addresses, sizes
        reads["dram_address"] = self._region(op, layer) + np.cumsum(sizes) - sizes
        return reads

    def _task(self, op: str, layer: int, macs: int, read_bytes: int, write_bytes: int) -> tuple:
        peak = self.machine.peak_flop_per_s[self.plan.job.precision] / 2 * self.machine.efficiency.gemm
        task = np.zeros(1, TASK)[0]
        task["pattern"] = int(Pattern.STREAM)
        task["read_address"] = task["write_address"] = self._region(op, layer)
        task["read_bytes"], task["write_bytes"] = read_bytes, write_bytes
        task["compute_cycles"] = round(macs / peak * self.clock_hz)
        task["passes"] = 1
        task["rate_bytes_per_s"] = self._rate(op)
        task["layer"] = layer
        return tuple(task.tolist())

    def _rate(self, op: str) -> int:
        """Return the bytes/s that the backend reaches when it has the memory to itself."""
        if op == "rows":
            return 2 * self.machine.copy_bandwidth_bytes_per_s
        share = self.machine.efficiency.gemv * (self.machine.efficiency.sparse_ffn if op == "ffn" else 1)
        return round(self.machine.memory_bandwidth_bytes_per_s * share)


def _share(total: int, part: int, parts: int) -> int:
    """Return one of ``parts`` shares of ``total``, as equal as whole numbers can be."""
    return total * (part + 1) // parts - total * part // parts
