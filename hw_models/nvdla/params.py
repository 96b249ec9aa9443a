"""An NVDLA as a config names it: a preset, and any of its numbers replaced."""

from typing import Any, Literal

from pydantic import Field, model_validator

from hw_models.cpu.params import Driver
from hw_models.nvdla.presets import PRESETS, Preset
from hw_models.units import Block, Hertz

BURST_HOLDERS = (  # what must have room for a whole burst before it leaves
    "sdp_main_fifo_atoms",
    "sdp_operand_fifo_atoms",
    "pdp_fifo_atoms",
    "cdp_fifo_atoms",
    "outstanding_reads",
    "outstanding_writes",
)

MOST_PARALLEL = 1024  # elements or bytes a cycle
DEEPEST = 2**20  # entries of a buffer


def _of_preset(description: str, **limits: Any) -> Any:
    return Field(0, description=f"{description}; the preset's if absent", **limits)


class Nvdla(Block):
    """`{preset: nv_large, clock: 1 GHz}`; every number of the preset may be given another value."""

    kind: Literal["nvdla"] = "nvdla"
    preset: Preset = "nv_large"
    clock_hz: Hertz = Field(10**9, alias="clock", gt=0)
    below: str | None = Field(None, description="what its port is wired to; interconnect if absent")
    cvsram: str | None = Field(None, description="what its second memory port is wired to; absent: has none")
    driver: Driver = Field(default_factory=Driver, description="the software that feeds it")
    id_limit: int = Field(0, ge=0, le=256, description="reads in flight with one AXI id; 0: no limit")
    atomic_c: int = _of_preset("input channels a MAC cell takes a cycle", gt=0, le=MOST_PARALLEL)
    atomic_k: int = _of_preset("MAC cells: kernels at work at once", gt=0, le=MOST_PARALLEL)
    atom_bytes: int = _of_preset("memory atom", gt=0, le=MOST_PARALLEL)
    dbb_bytes: int = _of_preset("width of the memory port", gt=0, le=MOST_PARALLEL)
    burst_beats: int = _of_preset("longest burst", gt=0, le=16)
    cbuf_banks: int = _of_preset("banks of the convolution buffer", ge=2, le=64)
    cbuf_depth: int = _of_preset("entries of a bank", gt=0, le=DEEPEST)
    cbuf_entry_bytes: int = _of_preset("bytes of an entry", gt=0, le=MOST_PARALLEL)
    sdp_elements: int = _of_preset("elements that SDP takes a cycle", gt=0, le=MOST_PARALLEL)
    sdp_ew_elements: int = _of_preset(
        "elements that SDP's EW unit takes a cycle; 0: absent", ge=0, le=MOST_PARALLEL
    )
    pdp_elements: int = _of_preset("elements that PDP takes a cycle", gt=0, le=MOST_PARALLEL)
    cdp_elements: int = _of_preset("elements that CDP takes a cycle", gt=0, le=MOST_PARALLEL)
    sdp_main_fifo_atoms: int = _of_preset("read credits of SDP's input", gt=0, le=DEEPEST)
    sdp_operand_fifo_atoms: int = _of_preset("read credits of SDP's operands", gt=0, le=DEEPEST)
    pdp_fifo_atoms: int = _of_preset("read credits of PDP", gt=0, le=DEEPEST)
    cdp_fifo_atoms: int = _of_preset("read credits of CDP", gt=0, le=DEEPEST)
    outstanding_reads: int = _of_preset("read beats in flight", gt=0, le=256)
    outstanding_writes: int = _of_preset("write beats in flight", gt=0, le=256)
    retiming: int = _of_preset("1: extra pipeline stages", ge=0, le=1)
    bdma: int = _of_preset("1: has the unit", ge=0, le=1)
    rubik: int = _of_preset("1: has the unit", ge=0, le=1)
    lut: int = _of_preset("1: SDP has look-up tables", ge=0, le=1)
    int16: int = _of_preset("1: computes INT16, too", ge=0, le=1)
    fp16: int = _of_preset("1: computes FP16, too", ge=0, le=1)
    winograd: int = _of_preset("1: convolves in Winograd form", ge=0, le=1)
    batch: int = _of_preset("1: takes several images a launch", ge=0, le=1)
    weight_compression: int = _of_preset("1: reads compressed weights", ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def preset_fills_in(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        table = PRESETS.get(str(data.get("preset", "nv_large")), PRESETS["nv_large"])
        return {name: value for name, value in table.items() if name in cls.model_fields} | data

    @model_validator(mode="after")
    def sizes_fit_each_other(self) -> "Nvdla":
        for name in ("atomic_c", "atomic_k", "dbb_bytes", "cbuf_entry_bytes", "burst_beats"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} {value} is not a power of two")
        if self.atom_bytes != self.atomic_k:
            raise ValueError(
                f"atom_bytes {self.atom_bytes} is not atomic_k {self.atomic_k}; "
                "an atom is a kernel group: change both"
            )
        if self.dbb_bytes < self.atom_bytes or self.cbuf_entry_bytes < self.atom_bytes:
            raise ValueError(
                f"an atom of {self.atom_bytes} B does not fit dbb_bytes {self.dbb_bytes} "
                f"and cbuf_entry_bytes {self.cbuf_entry_bytes}"
            )
        return self

    @model_validator(mode="after")
    def an_atom_takes_a_cycle(self) -> "Nvdla":
        for name in ("sdp_elements", "sdp_ew_elements", "pdp_elements", "cdp_elements"):
            if getattr(self, name) > self.atom_bytes:
                raise ValueError(
                    f"{name} {getattr(self, name)} is more than an atom of {self.atom_bytes} B, which takes "
                    f"at least a cycle; write at most {self.atom_bytes}"
                )
        return self

    @model_validator(mode="after")
    def a_burst_fits(self) -> "Nvdla":
        """A burst leaves when its reader has room for all of it, and within the beats in flight."""
        for name in BURST_HOLDERS:
            room = getattr(self, name)
            if room < self.burst_beats:
                raise ValueError(
                    f"burst_beats {self.burst_beats} is more than {name} {room}, which never has room for a "
                    f"burst; write burst_beats: {1 << room.bit_length() - 1}, or more {name}"
                )
        return self

    @property
    def port_bytes(self) -> int:
        return self.dbb_bytes

    @property
    def request_bytes(self) -> int:
        """Return the longest request of its port."""
        return self.dbb_bytes * self.burst_beats

    def values(self) -> dict[str, int]:
        """Return the fields of the state record: the preset's, with what the config replaces."""
        table = PRESETS[self.preset]
        return {name: int(getattr(self, name, value)) for name, value in table.items()} | {
            "id_limit": self.id_limit,
            "cvsram": int(self.cvsram is not None),
        }
