"""What a config says of the chip's technology."""

from typing import Any

from pydantic import Field

from hw_models.units import Block, quantity

Nanometres: Any = quantity("technology node", {"nm": 1}, Field(ge=7, le=65))


class Energy(Block):
    """`{node: 28 nm}`: energy, leakage and area to first order are told of (`docs/energy.md`)."""

    node_nm: Nanometres = Field(alias="node", description="technology of the chip, 7 nm to 65 nm")
