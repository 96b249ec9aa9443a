"""The last-level cache as a config names it. Every quantity with its unit."""

from pydantic import Field, model_validator

from hw_models.cache.names import (
    BANKS,
    MOST_SETS,
    MSHRS,
    QUEUE,
    STREAMS,
    TARGETS,
    WAYS,
    Conflict,
    Order,
    PartialWrites,
    Placement,
    Prefetch,
    ReadLookup,
    Replacement,
)
from hw_models.units import Block, Bytes, Cycles, Hertz


class Cache(Block):
    """A set-associative, write-back, write-allocate cache. The defaults are a pipelined one of no maker."""

    size_bytes: Bytes = Field(alias="size", gt=0)
    ways: int = Field(8, gt=0, le=WAYS)
    line_bytes: Bytes = Field(64, alias="line", ge=8, le=1024)
    clock_hz: Hertz | None = Field(None, alias="clock", gt=0, description="as the interconnect's if absent")
    below: str | None = Field(None, description="what takes its misses; memory if absent")
    banks: int = Field(1, gt=0, le=BANKS, description="lines take turns over the banks")
    ports: int = Field(1, gt=0, le=BANKS, description="to the interconnect; banks take turns over the ports")
    # timing
    hit_latency_cycles: Cycles = Field(4, alias="hit_latency", ge=1, description="look-up to first data")
    entry_latency_cycles: Cycles = Field(
        0, alias="entry_latency", ge=0, description="arrival to the first look-up"
    )
    fill_latency_cycles: Cycles = Field(1, alias="fill_latency", ge=0, description="fill to first data")
    miss_latency_cycles: Cycles = Field(
        2, alias="miss_latency", ge=1, description="look-up to memory request"
    )
    access_overhead_cycles: Cycles = Field(
        0,
        alias="access_overhead",
        ge=0,
        description="cycles of a bank per access besides its data; 0: pipelined",
    )
    data_width_bytes: Bytes = Field(16, alias="data_width", gt=0, description="data array, a bank and cycle")
    queue: int = Field(4, gt=0, le=QUEUE, description="requests waiting at a bank, reads and writes apart")
    order: Order = Field(
        Order.SPLIT, description="reads go before waiting writes, or all in order of arrival"
    )
    # misses
    mshrs: int = Field(8, gt=0, le=MSHRS)
    targets: int = Field(TARGETS, gt=0, le=TARGETS, description="reads that may wait for one fill")
    conflict: Conflict = Field(
        Conflict.MERGE,
        description="a request whose line is on its way merges, or waits; or its whole set waits",
    )
    hit_when_full: bool = Field(True, description="hits are served while every MSHR is taken")
    writebacks: int = Field(
        8, ge=0, le=MSHRS, description="write-back buffer; 0: a write-back keeps its MSHR"
    )
    lookup_of_reads: ReadLookup = Field(
        ReadLookup.OWN,
        description="at_waiting_write: a read that goes while a write could go as well is looked up, and "
        "fetched, at the write's address (a flaw of FASED's model); split order, one bank",
    )
    partial_writes: PartialWrites = Field(
        PartialWrites.FILL,
        description="a write of less than a missing line fetches it, or marks the bytes that are valid",
    )
    # policy
    replacement: Replacement = Replacement.LRU
    partition: dict[str, list[int]] = Field({}, description="master: the ways that its misses may take")
    bypass: dict[str, list[int]] = Field({}, description="master: streams whose misses are not allocated")
    discard: dict[str, list[int]] = Field(
        {}, description="master: streams predicted not to be used again (replacement predicted)"
    )
    placement: Placement = Placement.MEMORY_SIDE
    probe_cycles: Cycles = Field(
        0, alias="probe", ge=0, description="inclusive: time to recall an evicted line from the caches above"
    )
    prefetch: Prefetch = Prefetch.NONE
    prefetch_degree: int = Field(1, gt=0, le=8)

    @property
    def sets(self) -> int:
        return self.size_bytes // (self.ways * self.line_bytes)

    @model_validator(mode="after")
    def it_divides_up(self) -> "Cache":
        whole = self.ways * self.line_bytes
        if self.size_bytes % whole or self.sets & (self.sets - 1):
            raise ValueError(
                f"size {self.size_bytes} B is not a power of two of sets "
                f"with ways={self.ways} and line={self.line_bytes} B"
            )
        if self.sets > MOST_SETS:
            raise ValueError(f"{self.sets} sets are too many; write a size of at most {MOST_SETS * whole} B")
        for name, value in (("line", self.line_bytes), ("data_width", self.data_width_bytes)):
            if value & (value - 1):
                raise ValueError(f"{name} {value} B is not a power of two")
        if self.ports & (self.ports - 1):
            raise ValueError(f"ports={self.ports} is not a power of two")
        if self.sets % self.banks:
            raise ValueError(f"{self.sets} sets do not divide into banks={self.banks}")
        if self.banks % self.ports:
            raise ValueError(f"banks={self.banks} do not divide into ports={self.ports}")
        return self

    @model_validator(mode="after")
    def policies_fit(self) -> "Cache":
        if self.replacement == Replacement.PLRU and self.ways & (self.ways - 1):
            raise ValueError(f"replacement plru needs a power of two of ways, not {self.ways}")
        if self.lookup_of_reads != ReadLookup.OWN and (self.order != Order.SPLIT or self.banks > 1):
            raise ValueError("lookup_of_reads at_waiting_write is a matter of one bank and order split")
        for master, ways in self.partition.items():
            if not ways or max(ways) >= self.ways or min(ways) < 0:
                raise ValueError(f"partition of {master} needs ways from 0 to {self.ways - 1}, not {ways}")
        for name, table in (("bypass", self.bypass), ("discard", self.discard)):
            for master, streams in table.items():
                if any(not 0 <= stream < STREAMS for stream in streams):
                    raise ValueError(
                        f"{name} of {master} needs streams from 0 to {STREAMS - 1}, not {streams}"
                    )
        return self
