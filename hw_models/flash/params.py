"""Parameters of a flash device, as they stand in a config under `system: flash:`."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from hw_models.flash.names import (
    CHANNELS,
    DIES,
    MOST_PAGES,
    PLANES,
    REQUESTS,
    Cell,
    Collection,
    Forward,
    Mapping,
    PartialWrites,
    Unwritten,
)
from hw_models.flash.tables.links import LINKS
from hw_models.flash.tables.nand import BUSES, CELLS
from hw_models.flash.tables.presets import PRESETS
from hw_models.units import (
    FS_PER_PS,
    FS_PER_S,
    Block,
    Bytes,
    BytesPerSecond,
    Femtoseconds,
    format_quantity,
    parse_quantity,
)

PERCENT = {"%": 1}
SLOWEST = 10**6  # B/s
Short = Annotated[Femtoseconds, Field(le=FS_PER_S)]
MOST_PAYLOAD_BYTES = 2**20  # of a packet of the link
MOST_BYTES = 2**50
MOST_BLOCKS = 2**24  # of a device that keeps tables of them
Percent = Annotated[
    int,
    BeforeValidator(lambda value: parse_quantity(value, "percentage", PERCENT), json_schema_input_type=str),
    PlainSerializer(lambda value: format_quantity(value, PERCENT), return_type=str),
]


class HostCost(Block):
    """What the host itself spends on each request. This, not the device, limits small reads."""

    submit_fs: Short = Field(default=0, alias="submit")  # system call, each thread for itself
    serial_fs: Short = Field(default=0, alias="serial")  # under a lock: one thread at a time
    serial_bytes_per_s: BytesPerSecond = Field(default=0, alias="serial_rate")  # bytes handled under the lock
    complete_fs: Short = Field(default=0, alias="complete")  # interrupt and return, likewise

    @model_validator(mode="after")
    def serial_rate_is_none_or_fast(self) -> "HostCost":
        if 0 < self.serial_bytes_per_s < SLOWEST:
            raise ValueError(
                f"serial_rate {self.serial_bytes_per_s} B/s; write at least 1 MB/s, or 0 B/s: no limit"
            )
        return self


class Flash(Block):
    """A flash device behind its link. `preset` fills in every field that is not given."""

    preset: str | None = None
    below: str | None = Field(None, description="what its DMA is wired to; interconnect if absent")
    channels: int = Field(gt=0, le=CHANNELS)
    chips: int = Field(gt=0)  # per channel
    dies: int = Field(gt=0)  # per chip
    planes: int = Field(gt=0, le=PLANES)  # per die, that multi-plane commands join
    blocks: int = Field(ge=4)  # per plane
    pages: int = Field(gt=0)  # per block
    page_bytes: Bytes = Field(alias="page", gt=0)
    cell: Cell
    read_fs: Short = Field(alias="read_time")
    program_fs: Short = Field(alias="program_time")
    erase_fs: Short = Field(alias="erase_time")
    bus: str
    bus_bytes_per_s: BytesPerSecond = Field(alias="bus_rate", ge=SLOWEST)
    multiplane: bool = True
    cache_read: bool = False
    independent_dies: bool = True
    suspend: bool = False
    suspend_fs: Short = Field(default=20_000_000_000, alias="suspend_time")  # 20 us, assumed
    suspend_worth_fs: Short = Field(default=100_000_000_000, alias="suspend_worth")  # MQSim's 100 us
    max_suspensions: int = Field(4, ge=1)
    overprovisioning_percent: Percent = Field(default=7, alias="overprovisioning", ge=0, lt=100)
    mapping: Mapping = Mapping.RESIDENT
    map_cache_bytes: Bytes = Field(default=2 * 2**20, alias="map_cache")
    gc: Collection = Collection.GREEDY
    gc_threshold: int = Field(4, ge=2)
    wear_threshold: int = Field(100, ge=1)
    preload_percent: Percent = Field(default=100, alias="preload", ge=0, le=100)
    unwritten: Unwritten = Unwritten.ZEROS
    writable: bool = False  # keeps tables of every page; a read-only device needs none
    write_buffer: bool = False
    partial_writes: PartialWrites = PartialWrites.PAGE
    link: str
    link_bytes_per_s: BytesPerSecond = Field(alias="link_rate", ge=SLOWEST)
    link_payload_bytes: Bytes = Field(alias="link_payload", gt=0, le=MOST_PAYLOAD_BYTES)
    link_packet_overhead_bytes: Bytes = Field(alias="link_packet_overhead", le=MOST_PAYLOAD_BYTES)
    forward: Forward = Forward.PAGE
    controller_fs: Short = Field(default=0, alias="controller_time")
    queue_depth: int = Field(64, gt=0, le=65535)  # of the host's queue; NVMe's largest
    queue_fetch: int = Field(REQUESTS, gt=0, le=REQUESTS)  # commands of it in the device at a time
    host: HostCost = HostCost()
    sequential_chunk_bytes: Bytes = Field(default=2**20, alias="sequential_chunk", gt=0)
    sequential_depth: int = Field(4, gt=0, le=REQUESTS)

    @model_validator(mode="before")
    @classmethod
    def fill_in(cls, given: Any) -> Any:
        """Add what the preset, the cell type, the bus and the link say; what is given itself stays."""
        if not isinstance(given, dict):
            return given
        names = {field.alias or name: name for name, field in cls.model_fields.items()}
        by_alias = {name: alias for alias, name in names.items()}
        full = {by_alias.get(key, key): value for key, value in given.items()}
        preset = _entry(PRESETS, full.get("preset"), "preset") if full.get("preset") is not None else {}
        for key, value in preset.items():
            if isinstance(value, dict) and isinstance(full.get(key), dict):
                full[key] = {**value, **full[key]}
            else:
                full.setdefault(key, value)
        if full.get("cell") in tuple(CELLS):  # which need not be hashable
            for key in ("read_time", "program_time", "erase_time"):
                full.setdefault(key, CELLS[full["cell"]][key])
        if "bus" in full:
            full.setdefault("bus_rate", _entry(BUSES, full["bus"], "bus")["rate"])
        if "link" in full:
            link = _entry(LINKS, full["link"], "link")
            full.setdefault("link_rate", link["rate"])
            full.setdefault("link_payload", link["payload"])
            full.setdefault("link_packet_overhead", link["packet_overhead"])
        return full

    @model_validator(mode="after")
    def fits_together(self) -> "Flash":
        if self.channels * self.chips * self.dies > DIES:
            raise ValueError(f"{self.channels * self.chips * self.dies} dies; at most {DIES} are modelled")
        if self.physical_pages * self.page_bytes > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} B in all; write fewer blocks, or smaller ones")
        if self.keeps_tables and self.planes_total * self.blocks > MOST_BLOCKS:
            raise ValueError(
                f"more than {MOST_BLOCKS} blocks in all, of each of which tables are kept; write fewer"
            )
        if self.page_bytes & (self.page_bytes - 1):
            raise ValueError(f"page of {self.page_bytes} B; write a power of two")
        if self.sequential_chunk_bytes > self.most_bytes:
            raise ValueError(
                f"sequential_chunk of {self.sequential_chunk_bytes} B; write at most {self.most_bytes} B"
            )
        if self.suspend and not self.independent_dies:
            raise ValueError("suspend needs independent_dies: true")
        spare = self.blocks - -(-self.logical_pages // (self.planes_total * self.pages))
        if self.writable and spare < 3:
            raise ValueError(f"overprovisioning leaves {spare} spare blocks in a plane; writing needs 3")
        for name in ("read_fs", "program_fs", "erase_fs", "suspend_fs", "controller_fs"):
            if getattr(self, name) % FS_PER_PS:
                raise ValueError(f"{name} must be whole picoseconds")
        return self

    @property
    def most_bytes(self) -> int:
        """Return the size of the largest request, wherever it begins."""
        return (MOST_PAGES - 1) * self.page_bytes

    @property
    def keeps_tables(self) -> bool:
        """Tell whether the state has tables of pages and blocks: what is only read in place needs none."""
        resident = self.mapping == Mapping.RESIDENT
        return self.writable or self.unwritten == Unwritten.ALLOCATE or not resident

    @property
    def planes_total(self) -> int:
        return self.channels * self.chips * self.dies * self.planes

    @property
    def physical_pages(self) -> int:
        return self.planes_total * self.blocks * self.pages

    @property
    def logical_pages(self) -> int:
        """Pages that the host sees: whole rows over all planes."""
        return self.physical_pages * (100 - self.overprovisioning_percent) // 100

    @property
    def capacity_bytes(self) -> int:
        return self.logical_pages * self.page_bytes


def _entry(table: dict[str, Any], name: Any, what: str) -> Any:
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"{name!r} is not a known {what}; known: {', '.join(table)}")
    return table[name]
