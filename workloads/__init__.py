"""Workloads: what runs on the modelled hardware. `lower(job, preset)` makes a program of a network."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workloads.lowering.homes import Homes
    from workloads.params import NetworkJob
    from workloads.program import Program


def lower(
    job: "NetworkJob", preset: Any, base_address: int = 0, simd: int = 1, homes: "Homes | None" = None
) -> "Program":
    """Return the program of one frame of ``job``.

    ``preset``: a preset's name or an accelerator's parameters. Memory from ``base_address`` on is used,
    ``program.memory.span_bytes`` of it. ``simd``: of the core that does the rest.
    ``homes``: other memories for weights or feature maps.

    Raises ConfigError for what the user can put right.
    """
    from workloads.lowering.job import lower_job

    return lower_job(job, preset, base_address, simd, homes)


def load_network(job: "NetworkJob") -> Any:
    """Return the graph of ``job``'s network. Raises ConfigError."""
    from workloads.importers.load import load_network as load

    return load(job)
