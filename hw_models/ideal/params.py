"""Memory with a fixed latency and a fixed bandwidth, as a config sees it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from hw_models.units import Block, Bytes, BytesPerCycle, Cycles, Hertz


class IdealMemory(Block):
    """`memory: {latency: 50 cycles, bandwidth: 8 B/cycle}`, reads and writes apart where they differ.

    Latencies run from the address handshake to the first beat of data, and from the last beat of a write
    to its response. A beat is the width of the master's port, or `bandwidth` where that is smaller.
    """

    latency_cycles: Annotated[Cycles, Field(alias="latency", ge=1)] = 50
    bandwidth_bytes_per_cycle: Annotated[BytesPerCycle | None, Field(alias="bandwidth")] = None
    read_latency_cycles: Annotated[Cycles | None, Field(alias="read_latency", ge=1)] = None
    write_latency_cycles: Annotated[Cycles | None, Field(alias="write_latency", ge=1)] = None
    read_beat_interval_cycles: Annotated[Cycles | None, Field(alias="read_beat_interval", ge=1)] = None
    write_beat_interval_cycles: Annotated[Cycles | None, Field(alias="write_beat_interval", ge=1)] = None
    shared_bus_interval_cycles: Annotated[Cycles, Field(alias="shared_bus_interval", ge=0)] = 0

    @model_validator(mode="after")
    def _bandwidth_is_given_once(self) -> Self:
        if self.bandwidth_bytes_per_cycle is not None:
            if self.bandwidth_bytes_per_cycle < 1:
                raise ValueError("bandwidth must be at least 1 B/cycle")
            if self.read_beat_interval_cycles or self.write_beat_interval_cycles:
                raise ValueError("give either bandwidth or the beat intervals, not both")
        return self

    def timings(self, beat_bytes: int) -> dict[str, int]:
        """Return the fields of a MEMORY record for a port of ``beat_bytes``."""
        interval = 1
        if self.bandwidth_bytes_per_cycle is not None:
            interval = -(-beat_bytes // self.bandwidth_bytes_per_cycle)
        return {
            "beat_bytes": beat_bytes,
            "read_latency": self.read_latency_cycles or self.latency_cycles,
            "write_latency": self.write_latency_cycles or self.latency_cycles,
            "read_interval": self.read_beat_interval_cycles or interval,
            "write_interval": self.write_beat_interval_cycles or interval,
            "shared_interval": self.shared_bus_interval_cycles,
        }


class Sram(IdealMemory):
    """On-chip memory: `{size: 512 KiB, at: 1 TiB, latency: 4 cycles, bandwidth: 32 B/cycle}`."""

    size_bytes: Annotated[Bytes, Field(alias="size", gt=0)]
    clock_hz: Annotated[
        Hertz | None, Field(alias="clock", gt=0, description="as what is above if absent")
    ] = None
    base_address: Annotated[
        Bytes | None, Field(alias="at", description="its first address; absent: all that no other memory has")
    ] = None

    @property
    def capacity_bytes(self) -> int:
        return self.size_bytes
