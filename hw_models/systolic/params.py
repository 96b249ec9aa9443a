"""A weight-stationary systolic array as a config names it.

Sources
  [G] Gemmini, src/main/scala/gemmini/Configs.scala, defaultConfig (Genc et al., DAC 2021)
  [A] assumed: Gemmini's 128 KiB scratchpad, half of it for inputs and half for weights
"""

from typing import Literal

from pydantic import Field, model_validator

from hw_models.cpu.params import Driver
from hw_models.units import Block, Bytes, Hertz

ACCUMULATOR_BYTES = 4  # of a partial sum: accType [G]


class Systolic(Block):
    """`{kind: systolic, rows: 16, columns: 16, clock: 1 GHz}`: INT8 operands, 32-bit partial sums."""

    kind: Literal["systolic"]
    clock_hz: Hertz = Field(10**9, alias="clock", gt=0)
    below: str | None = Field(None, description="what its port is wired to; interconnect if absent")
    driver: Driver = Field(default_factory=Driver, description="the software that feeds it")
    rows: int = Field(16, gt=0, le=1024, description="inputs of a dot product at work at once")  # [G]
    columns: int = Field(16, gt=0, le=1024, description="output channels at work at once")  # [G]
    input_bytes: Bytes = Field(64 * 1024, alias="inputs", gt=0, description="input scratchpad, both halves")
    weight_bytes: Bytes = Field(
        64 * 1024, alias="weights", gt=0, description="weight scratchpad, both halves"
    )
    accumulator_bytes: Bytes = Field(
        128 * 1024, alias="accumulators", gt=0, description="partial sums, both halves"
    )  # [G]
    port_bytes: Bytes = Field(16, alias="port", gt=0, description="width of the memory port")  # [G]
    burst_bytes: Bytes = Field(64, alias="burst", gt=0, description="longest request of the DMA")  # [G]
    outstanding_reads: int = Field(64, gt=0, le=256, description="read bursts in flight")  # [G]
    outstanding_writes: int = Field(64, gt=0, le=256, description="write bursts in flight")  # [G]

    @model_validator(mode="after")
    def sizes_fit_each_other(self) -> "Systolic":
        for name in ("port", "burst"):
            value = getattr(self, f"{name}_bytes")
            if value & (value - 1):
                raise ValueError(f"{name} {value} B is not a power of two")
        if self.burst_bytes < self.port_bytes:
            raise ValueError(f"burst {self.burst_bytes} B is less than port {self.port_bytes} B")
        for name, (found, least) in self.scratchpads().items():
            if found < least:
                raise ValueError(f"{name} {found} B hold no two tiles of the array; write {least} B or more")
        return self

    @property
    def request_bytes(self) -> int:
        """Return the longest request of its port."""
        return self.burst_bytes

    def scratchpads(self) -> dict[str, tuple[int, int]]:
        """Return the size of each, and the least: two halves, each with a tile of the array."""
        return {
            "inputs": (self.input_bytes, 2 * self.rows),
            "weights": (self.weight_bytes, 2 * self.rows * self.columns),
            "accumulators": (self.accumulator_bytes, 2 * self.columns * ACCUMULATOR_BYTES),
        }
