"""What a config may say about a recorded bus trace. No numba here: `--help` reads this."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from hw_models.units import Block, Femtoseconds
from workloads.params import MOST_FRAMES

TABLES, WAVES = (".csv", ".csv.gz"), (".vcd", ".vcd.gz", ".fst")


class TraceJob(Block):
    """A bus trace on an accelerator of kind replay: a table of transactions, or waves of an AXI port."""

    trace: str = Field(description="a .csv of transactions, or a .vcd of a simulation")
    on: str
    port: str | None = Field(
        None, description="waves: what the port's signals begin with, such as top.dut.m_axi_"
    )
    clock: str | None = Field(None, description="waves: the port's clock; absent: clk or aclk beside it")
    dependencies: Literal["recorded", "inferred"] = Field(
        "recorded",
        description="inferred: from the times, even where the table has dependencies",
    )
    lead_in: bool = Field(
        False, description="begin with cycle 0 of the recording; else with its first transaction"
    )
    frames: Annotated[int, Field(gt=0, le=MOST_FRAMES)] = 1
    period_fs: Femtoseconds | None = Field(None, alias="period", description="a frame starts every so often")
    jitter_fs: Femtoseconds = Field(
        0, alias="jitter", ge=0, description="a frame starts at random up to this much after its time"
    )
    deadline_fs: Femtoseconds | None = Field(
        None, alias="deadline", gt=0, description="a frame must be done by then"
    )

    @field_validator("trace")
    @classmethod
    def a_kind_of_file(cls, trace: str) -> str:
        if not trace.lower().endswith(TABLES + WAVES):
            raise ValueError(f"{trace!r} is no bus trace; write a file {', '.join(TABLES + WAVES)}")
        return trace
