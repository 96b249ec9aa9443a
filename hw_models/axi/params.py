"""A master outside of the simulator, such as a user's RTL, as a config names it."""

from typing import Any, Literal

from pydantic import Field, model_validator

from hw_models.axi.names import BURSTS, WIDTHS_BIT, Bus
from hw_models.units import Block, Hertz, quantity

Bits: Any = quantity("bus width", {"bit": 1, "bits": 1})
LONGEST_REQUEST = 4096  # bytes: no burst crosses a block of that size (AMBA AXI, IHI 0022, A3.4.1)


class External(Block):
    """`{kind: external, bus: axi4, width: 64 bit, ids: 4, clock: 1 GHz}`: who asks stands outside."""

    kind: Literal["external"]
    bus: Bus = Field(Bus.AXI4, description="protocol of its port")
    clock_hz: Hertz = Field(10**9, alias="clock", gt=0)
    below: str | None = Field(None, description="what its port is wired to; interconnect if absent")
    width_bits: Bits = Field(64, alias="width", description="of the data channels")
    ids: int = Field(16, gt=0, le=16, description="streams that its transaction ids are folded onto")
    outstanding: int = Field(64, gt=0, le=BURSTS, description="read bursts in flight, and as many writes")

    @model_validator(mode="after")
    def width_is_one_of_the_bus(self) -> "External":
        if self.width_bits not in WIDTHS_BIT:
            widths = ", ".join(map(str, WIDTHS_BIT))
            raise ValueError(f"width {self.width_bits} bit is none of the bus; write one of {widths} bit")
        if self.bus == Bus.AXI4_LITE and self.width_bits > 64:
            raise ValueError(f"width {self.width_bits} bit is none of axi4_lite; write 32 bit or 64 bit")
        return self

    @property
    def port_bytes(self) -> int:
        return self.width_bits // 8

    @property
    def request_bytes(self) -> int:
        """Return the longest request of its port."""
        return LONGEST_REQUEST
