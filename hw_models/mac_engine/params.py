"""The matrix-vector engine as its RTL's parameters name it (rtl/mac_engine.sv)."""

from pydantic import Field

from hw_models.mac_engine.names import MOST_PLACES
from hw_models.units import Block, Hertz


class MacEngine(Block):
    """Eight products of bytes a cycle, 8 B a beat."""

    clock_hz: Hertz = Field(10**9, alias="clock", gt=0)
    places: int = Field(
        4, gt=1, le=MOST_PLACES, description="rows under way, from their read to the answer to their write"
    )
    depth: int = Field(64, gt=1, le=256, description="beats of the vector that it holds")
