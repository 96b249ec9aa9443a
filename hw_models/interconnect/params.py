"""The interconnect as a config names it. Every quantity with its unit."""

from collections.abc import Iterator

from pydantic import Field, model_validator

from hw_models.interconnect.names import IDS, LANE_ROWS, TDM_SLOTS, TRACKERS, Arbitration, Channels
from hw_models.units import (
    FS_PER_MS,
    FS_PER_S,
    FS_PER_US,
    Block,
    Bytes,
    BytesPerSecond,
    Cycles,
    Femtoseconds,
    Hertz,
)


class FifoFixer(Block):
    """Order by serialisation: an id's next request waits for the first beat of the answer to its last one.

    rocket-chip puts a TLFIFOFixer in front of masters that want their answers in order (50bb13d,
    tilelink/BusWrapper.scala:136), and its hub answers out of order (tilelink/Broadcast.scala:46): every id
    is down to one transaction, reads and writes together. They come through one channel, so that what waits
    for its id holds up those behind it.
    """

    release_cycles: Cycles = Field(
        1, alias="release", gt=0, description="memory's first beat until the id's next request may go"
    )


class MasterPort(Block):
    """How one master is connected, and what it is allowed. `outstanding` counts pieces of at most `burst`."""

    outstanding: int = Field(64, gt=0, le=512, description="reads in flight, and as many writes")
    ids: int = Field(IDS, gt=0, le=IDS, description="transaction ids; streams share them modulo this")
    outstanding_per_id: int = Field(
        64, gt=0, le=512, description="reads in flight with one id, as many writes"
    )
    fifo: FifoFixer | None = Field(
        None, description="one transaction an id at a time; absent: as many as allowed"
    )
    caching: bool = Field(
        False,
        description="a cache behind the hub: it is probed, and its writes are releases, without a tracker; "
        "releases and the answers to probes share a channel",
    )
    entry_cycles: Cycles = Field(0, alias="entry", ge=0, description="of a request, before it may be granted")
    latency_cycles: Cycles | None = Field(
        None, alias="latency", ge=1, description="as the interconnect's if absent"
    )
    write_latency_cycles: Cycles | None = Field(
        None, alias="write_latency", ge=1, description="as `latency` if absent"
    )
    response_latency_cycles: Cycles | None = Field(
        None, alias="response_latency", ge=0, description="as the interconnect's if absent"
    )
    priority: int = Field(0, ge=0, description="priority arbitration: the higher wins, equals take turns")
    weight: int = Field(1, gt=0, le=255, description="weighted arbitration: grants in a round")
    budget_bytes_per_s: BytesPerSecond | None = Field(None, alias="budget", description="none: not regulated")
    reclaim: bool = Field(
        False, description="give what the last period left unused to the others, and take theirs"
    )


class Group(Block):
    """Masters that share a budget, reads and writes (write-backs) apart."""

    masters: list[str] = Field(min_length=1)
    read_budget_bytes_per_s: BytesPerSecond | None = Field(None, alias="read_budget")
    write_budget_bytes_per_s: BytesPerSecond | None = Field(None, alias="write_budget")
    period_fs: Femtoseconds = Field(FS_PER_US, alias="period", gt=0, description="fine-grained: 1 us")


class CoherenceHub(Block):
    """A snooping hub at each memory port: one transaction a line, each with a tracker from accept to answer.

    rocket-chip's TLBroadcast has 4 trackers and probes one cache a cycle before it takes the next request
    (tilelink/Broadcast.scala); the time for the probes to come back is part of `latency`.
    """

    trackers: int = Field(4, gt=0, le=TRACKERS, description="transactions in flight, reads and writes")
    line_bytes: Bytes = Field(64, alias="line", gt=0)
    accept_interval_cycles: Cycles = Field(1, alias="accept_interval", gt=0)
    release_cycles: Cycles = Field(
        0, alias="release", ge=0, description="memory's last beat until the tracker is free"
    )
    probe_cycles: Cycles = Field(
        0, alias="probe", ge=0, description="grant of a request until its probe is at the last of the caches"
    )
    grant_blocks_cycles: Cycles = Field(
        0, alias="grant_blocks", ge=0, description="nor from the first beat of a line that it gets on"
    )

    probe_answer_cycles: Cycles = Field(
        1,
        alias="probe_answer",
        gt=0,
        description="of a cache for a probe; then its answer is at the hub",
    )
    write_lead_cycles: Cycles | None = Field(
        None,
        alias="write_lead",
        ge=0,
        description="with caches: a write holds the way to memory until so long before it is acknowledged, "
        "as data that memory does not take yet stand in it; absent: for its beats",
    )

    @model_validator(mode="after")
    def line_is_a_power_of_two(self) -> "CoherenceHub":
        if self.line_bytes & (self.line_bytes - 1):
            raise ValueError(f"line {self.line_bytes} B is not a power of two")
        return self


class Interconnect(Block):
    """A shared bus or crossbar between masters and the memory side."""

    clock_hz: Hertz = Field(10**9, alias="clock", gt=0)
    below: str | list[str] | None = Field(
        None, description="what takes its requests: a name, or several, by address; llc or memory if absent"
    )
    interleave_bytes: Bytes | None = Field(
        None, alias="interleave", gt=0, description="those below take turns after so many bytes"
    )
    width_bytes: Bytes = Field(
        16, alias="width", gt=0, le=1024, description="data moved in a cycle, each way"
    )
    latency_cycles: Cycles = Field(4, alias="latency", ge=1, description="a request's way to memory")
    response_latency_cycles: Cycles | None = Field(
        None, alias="response_latency", ge=0, description="a response's way back; as `latency` if absent"
    )
    burst_bytes: Bytes = Field(
        64, alias="burst", gt=0, description="longer requests are split at its multiples"
    )
    arbitration: Arbitration = Arbitration.ROUND_ROBIN
    channels: Channels = Field(
        Channels.SHARED, description="write data shares the request channel (TileLink), or has its own (AXI)"
    )
    cut_through: bool = Field(
        False, description="a write is at the port with its first beat, not with its last"
    )
    queue: int = Field(
        4, gt=0, le=LANE_ROWS, description="requests that wait at a port, reads and writes apart"
    )
    reads_in_flight: int = Field(512, gt=0, description="most reads under way at one memory port")
    writes_in_flight: int = Field(512, gt=0)
    hub: CoherenceHub | None = Field(None, description="coherence hub in front of memory; absent: none")
    tdm: list[str] = Field(
        [], max_length=TDM_SLOTS, description="the master that owns each slot of the frame"
    )
    tdm_slot_cycles: Cycles = Field(16, alias="tdm_slot", gt=0)
    period_fs: Femtoseconds = Field(
        FS_PER_MS, alias="period", gt=0, description="of the masters' budgets: 1 ms"
    )
    masters: dict[str, MasterPort] = Field({})
    groups: dict[str, Group] = Field({})

    @model_validator(mode="after")
    def tdm_needs_a_frame(self) -> "Interconnect":
        if (self.arbitration == Arbitration.TDM) != bool(self.tdm):
            raise ValueError("arbitration tdm and a list tdm of the slots' owners go together")
        for name, value in (("width", self.width_bytes), ("burst", self.burst_bytes)):
            if value & (value - 1):
                raise ValueError(f"{name} {value} B is not a power of two")
        return self

    def piece_bytes(self, ports: int, interleave_bytes: int, line_bytes: int | None) -> int:
        """Return the longest piece of a request: one crosses neither a line below, nor a port's turn."""
        bounds = [self.burst_bytes]
        bounds += [line_bytes] if line_bytes else []
        bounds += [interleave_bytes] if ports > 1 else []
        bounds += [self.hub.line_bytes] if self.hub is not None else []
        return min(bounds)

    def budgets(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield the keys of each budget, and its bytes a period."""
        for name, port in self.masters.items():
            if port.budget_bytes_per_s is not None:
                yield ("masters", name, "budget"), port.budget_bytes_per_s * self.period_fs // FS_PER_S
        for name, group in self.groups.items():
            for way in ("read", "write"):
                rate = getattr(group, f"{way}_budget_bytes_per_s")
                if rate is not None:
                    yield ("groups", name, f"{way}_budget"), rate * group.period_fs // FS_PER_S

    @model_validator(mode="after")
    def a_transfer_fits_a_slot(self) -> "Interconnect":
        beats = -(-self.burst_bytes // self.width_bytes)
        if self.arbitration == Arbitration.TDM and beats > self.tdm_slot_cycles:
            raise ValueError(
                f"tdm_slot {self.tdm_slot_cycles} cycles is shorter than a burst of {beats} cycles"
            )
        return self
