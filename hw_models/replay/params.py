"""A master that replays a recorded bus trace, as a config names it."""

from typing import Literal

from pydantic import Field, model_validator

from hw_models.cpu.params import Driver
from hw_models.replay.names import IN_FLIGHT
from hw_models.units import Block, Bytes, Hertz

LONGEST_BYTES = 4096  # of a request: AXI bursts stay within 4 KiB (IHI 0022, "Burst length")


class Replay(Block):
    """`{kind: replay, clock: 1 GHz, port: 8 B}`: the port of the block that was recorded."""

    kind: Literal["replay"]
    clock_hz: Hertz = Field(
        alias="clock", description="of the recorded block: a trace's delays are its cycles"
    )
    below: str | None = Field(None, description="what its port is wired to; interconnect if absent")
    driver: Driver = Field(default_factory=Driver, description="the software that starts it")
    port_bytes: Bytes = Field(8, alias="port", gt=0, le=128, description="width of the memory port")
    outstanding_reads: int | None = Field(
        None, gt=0, le=IN_FLIGHT, description="reads in flight; absent: as many as the recording had"
    )
    outstanding_writes: int | None = Field(
        None, gt=0, le=IN_FLIGHT, description="writes in flight; absent: as many as the recording had"
    )

    @model_validator(mode="after")
    def port_is_a_power_of_two(self) -> "Replay":
        if self.port_bytes & (self.port_bytes - 1):
            raise ValueError(f"port {self.port_bytes} B is not a power of two")
        return self

    @property
    def request_bytes(self) -> int:
        """Return the longest request of its port."""
        return LONGEST_BYTES
