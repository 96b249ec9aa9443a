"""Runs of a model on a machine without a config file around them: for comparisons and curves."""

from dataclasses import dataclass
from typing import Any

from simulator.config.model import load
from simulator.results.llm_summary import llm_summary
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

SEED = 1


@dataclass(frozen=True)
class Outcome:
    """Means per token, and shares of the FFN neurons that the predicted layers have."""

    io_ms: float
    mem_ms: float
    compute_ms: float
    overlapped_ms: float
    flash_bytes: float
    dram_bytes: float
    active: float
    predicted: float
    window: float
    new: float

    @property
    def total_ms(self) -> float:
        return self.io_ms + self.mem_ms + self.compute_ms


def run_tokens(
    job: dict[str, Any], backend: dict[str, Any], flash: dict[str, Any], tokens: int, seed: int = SEED
) -> Outcome:
    """Generate ``tokens`` tokens after a prompt and return what one cost."""
    chat = {"on": "backend", "tokens": tokens, **job}
    system = {"backends": {"backend": backend}, "flash": flash}
    machine = build_machine(
        load({"system": system, "workloads": {"chat": chat}, "simulation": {"seed": seed}})
    )
    run_machine(machine)
    told = llm_summary(machine, machine.plans[0])
    neurons = told.get("neurons", {"active": 0.0, "predicted": 0.0, "resident": 0.0, "new": 0.0})
    return Outcome(
        io_ms=1e3 * told["per_token"]["io_s"],
        mem_ms=1e3 * told["per_token"]["memory_management_s"],
        compute_ms=1e3 * told["per_token"]["compute_s"],
        overlapped_ms=1e3 * told["overlapped"]["s_per_token"],
        flash_bytes=told["flash_bytes_per_token"],
        dram_bytes=told["dram_bytes"]["weights"],
        active=neurons["active"],
        predicted=neurons["predicted"],
        window=neurons["resident"],
        new=neurons["new"],
    )
