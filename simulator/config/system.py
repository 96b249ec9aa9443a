"""The chip of a config: its masters, and what lies between them and memory."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, StringConstraints, Tag

from hw_models.axi.params import External
from hw_models.cache.params import Cache
from hw_models.cpu.params import Core
from hw_models.dram.params import Dram
from hw_models.energy.params import Energy
from hw_models.flash.params import Flash
from hw_models.ideal.params import IdealMemory, Sram
from hw_models.interconnect.params import Interconnect
from hw_models.nvdla.params import Nvdla
from hw_models.replay.params import Replay
from hw_models.roofline.params import Roofline
from hw_models.systolic.params import Systolic
from hw_models.units import Block

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


def _memory_kind(value: Any) -> str:
    """Return which kind of memory the keys speak of."""
    if isinstance(value, Mapping):
        return "Dram" if "standard" in value else "Sram"
    return type(value).__name__


def _accelerator_kind(value: Any) -> str:
    """Return which kind of accelerator is meant: an NVDLA unless `kind` says otherwise."""
    if isinstance(value, Nvdla | Systolic | Replay):
        return type(value).__name__
    return str(value.get("kind", "nvdla") if isinstance(value, Mapping) else "nvdla").capitalize()


Kinds = (
    Annotated[Nvdla, Tag("Nvdla")] | Annotated[Systolic, Tag("Systolic")] | Annotated[Replay, Tag("Replay")]
)
Accelerator = Annotated[Kinds, Discriminator(_accelerator_kind)]
Memory = Annotated[Annotated[Dram, Tag("Dram")] | Annotated[Sram, Tag("Sram")], Discriminator(_memory_kind)]


class System(Block):
    """The chip: who asks for memory, and what lies between them and it."""

    accelerators: dict[Name, Accelerator] = Field(default_factory=dict, description="accelerators by name")
    cores: dict[Name, Core] = Field(default_factory=dict, description="cores by name")
    backends: dict[Name, Roofline] = Field(
        default_factory=dict, description="processors known by their roofline, which run language models"
    )
    masters: dict[Name, External] = Field(
        default_factory=dict, description="masters that stand outside, such as RTL: for `dlasim cosim`"
    )
    interconnect: Interconnect | None = Field(None, description="what joins the masters to the LLC or memory")
    llc: Cache | None = Field(None, description="last-level cache; null or absent: none")
    dram: Dram | None = Field(None, description="DRAM; or `memory`")
    memory: IdealMemory | None = Field(
        None, description="memory of fixed latency and bandwidth, in place of `dram`"
    )
    flash: Flash | None = Field(None, description="flash storage")
    energy: Energy | None = Field(None, description="tell of energy and area, of a chip of this technology")
    interconnects: dict[Name, Interconnect] = Field(
        default_factory=dict, description="more of them by name; `below` says what takes their requests"
    )
    caches: dict[Name, Cache] = Field(default_factory=dict, description="caches besides the LLC, by name")
    memories: dict[Name, Memory] = Field(
        default_factory=dict, description="memories besides `dram` or `memory`, by name"
    )

    def shares_memory(self, backend: str) -> bool:
        """Tell whether a backend works in the system's memory, not in one of its own."""
        written, system = self.backends[backend].memory, self.dram or self.memory or self.memories
        return written == "shared" or (written is None and bool(system))
