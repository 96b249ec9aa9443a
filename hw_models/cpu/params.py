"""Cores, co-runners and the accelerator's driver, as a user writes them."""

from enum import auto

from pydantic import Field, model_validator

from hw_models.choice import Choice
from hw_models.cpu.task import FRAME_SHIFT, Pattern
from hw_models.units import FS_PER_S, Block, Bytes, BytesPerSecond, Cycles, Femtoseconds, Hertz

L1_LINES = 1024  # most lines that a core's state holds


class Core(Block):
    """An in-order core with a private, write-back, write-allocate L1 data cache.

    Defaults are the Rocket tile of the FireSim SoC: 16 KiB 4-way 64 B L1, one miss at a time.
    """

    clock_hz: Hertz = Field(alias="clock")
    below: str | None = Field(None, description="what takes its misses; interconnect if absent")
    l1_bytes: Bytes = Field(16 * 1024, alias="l1")
    l1_ways: int = Field(4, gt=0)
    line_bytes: Bytes = Field(64, alias="line", ge=8, le=1024)
    outstanding: int = Field(1, gt=0, le=64, description="misses in flight; 1 is a blocking cache")
    writebacks: int = Field(2, gt=0, le=64, description="evicted dirty lines on their way to memory")
    write_allocate: bool = Field(True, description="false: stores go past the L1, whole lines at a time")
    release_first: bool = Field(
        False, description="a dirty victim is acknowledged before the miss that evicts it goes out"
    )
    replay_cycles: Cycles = Field(
        0, alias="replay", ge=0, description="release_first: from the acknowledgement to the miss"
    )
    cycles_per_line: int = Field(8, gt=0, description="instructions' time to walk one line that hits")
    simd: int = Field(
        1, gt=0, le=1024, description="fp32 values that one instruction works on: layers on a core"
    )

    @model_validator(mode="after")
    def geometry_is_whole(self) -> "Core":
        lines = self.l1_bytes // self.line_bytes
        if lines * self.line_bytes != self.l1_bytes or lines % self.l1_ways or not 0 < lines <= L1_LINES:
            raise ValueError(
                f"l1 {self.l1_bytes} B is not {self.l1_ways} ways of whole {self.line_bytes} B lines, "
                f"at most {L1_LINES} lines"
            )
        if (lines // self.l1_ways) & (lines // self.l1_ways - 1):
            raise ValueError(f"l1 has {lines // self.l1_ways} sets; the number of sets is a power of two")
        return self


# The port of what moves long streams, as a DMA does: 64 lines in flight, stores past the cache. Assumed.
WIDE_PORT = Core.model_validate(
    {
        "clock": "1 GHz",
        "l1": "4 KiB",
        "outstanding": 64,
        "writebacks": 64,
        "cycles_per_line": 1,
        "write_allocate": False,
    }
)


class Driver(Block):
    """Software between two operations of an accelerator: time per register write and per interrupt.

    All zero: an ideal sequencer. The kernel driver programs the operation after next before it enables
    the next one (nvdla/sw kmd), so both costs stand between dependent operations.
    """

    register_write_fs: Femtoseconds = Field(0, alias="register_write", ge=0, le=FS_PER_S)
    interrupt_fs: Femtoseconds = Field(0, alias="interrupt", ge=0, description="interrupt pin to driver code")
    submit_fs: Femtoseconds = Field(0, alias="submit", ge=0, description="one call of the user's runtime")


class Kind(Choice):
    """Of a co-runner."""

    BANDWIDTH_READ = auto()
    BANDWIDTH_WRITE = auto()
    LATENCY = auto()
    RANDOM = auto()


KINDS = {  # pattern, share of the footprint's lines that is written
    Kind.BANDWIDTH_READ: (Pattern.STREAM, 0),
    Kind.BANDWIDTH_WRITE: (Pattern.STREAM, 1),
    Kind.LATENCY: (Pattern.CHASE, 0),
    Kind.RANDOM: (Pattern.RANDOM, 0),
}


class Corunner(Block):
    """Traffic on a core beside the workloads: IsolBench's bandwidth and latency programs and their kin."""

    on: str
    kind: Kind = Kind.BANDWIDTH_WRITE
    footprint_bytes: Bytes = Field(alias="footprint", gt=0)
    memory: str | None = Field(None, description="memory with addresses of its own; absent: the usual one")
    rate_bytes_per_s: BytesPerSecond | None = Field(
        None, alias="rate", description="upper limit; absent: none"
    )
    jitter_cycles: Cycles = Field(
        0,
        alias="jitter",
        ge=0,
        description="a line takes at random up to so much more, and the walk starts at a random line",
    )
    frames_bytes: Bytes | None = Field(
        None,
        alias="frames",
        gt=0,
        le=1 << 32,
        description="memory in which its 4 KiB page frames lie at random; absent: one after the other",
    )
    busy_fs: Femtoseconds | None = Field(None, alias="busy", description="with idle: phases of a duty cycle")
    idle_fs: Femtoseconds | None = Field(None, alias="idle")

    @property
    def span_bytes(self) -> int:
        """Addresses from its first to its last."""
        return self.frames_bytes or self.footprint_bytes

    @model_validator(mode="after")
    def frames_hold_the_footprint(self) -> "Corunner":
        if self.frames_bytes is None:
            return self
        frames = self.frames_bytes >> FRAME_SHIFT
        if frames < 2 or frames & (frames - 1) or self.frames_bytes != frames << FRAME_SHIFT:
            raise ValueError(f"frames {self.frames_bytes} B is no power of two of 4 KiB frames, at least two")
        if self.frames_bytes < self.footprint_bytes:
            raise ValueError(f"footprint {self.footprint_bytes} B does not fit frames {self.frames_bytes} B")
        return self

    @model_validator(mode="after")
    def phases_come_in_pairs(self) -> "Corunner":
        if (self.busy_fs is None) != (self.idle_fs is None):
            raise ValueError("busy and idle go together: give both or neither")
        return self
