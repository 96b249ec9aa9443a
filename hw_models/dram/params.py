"""A DRAM memory as a user writes it: the standard, its shape, and the controller's policies."""

from difflib import get_close_matches
from types import ModuleType

from pydantic import Field, ValidationInfo, field_validator, model_validator

from hw_models.dram.mapping import LINEAR, Piece, interleaved, parse_mapping
from hw_models.dram.names import (
    Page,
    Protect,
    ReadResponse,
    Refresh,
    RefreshStops,
    Scheduler,
    WriteResponse,
)
from hw_models.dram.rules import complete
from hw_models.dram.spec import Currents, Device, burst_bytes, timings
from hw_models.dram.standards import STANDARDS
from hw_models.units import FS_PER_S, Block, Bytes, Cycles, Hertz

LINE_BYTES = 64  # that the interleaved mapping leaves in one row
PAGE_SHIFT = 12  # of the pages that bank partitioning hands out: 4 KiB


MOST_BURSTS = 240  # of a request: a channel's table has 256 rows (`state.ENTRIES`), some kept free


class Dram(Block):
    """Channels of one standard behind equal controllers. The defaults are Ramulator 2.1's controller."""

    standard: str = Field(description="such as DDR4-2400 or DDR4-2400R; `dlasim list standards` has all")
    device: str | None = Field(None, description="chip, such as 8Gb_x8; the standard's usual one if left out")
    channels: int = Field(1, gt=0, le=16)
    ranks: int = Field(1, gt=0, le=4)
    base_address: Bytes | None = Field(
        None, alias="at", description="its first address; absent: all that no other memory has"
    )
    clock_hz: Hertz | None = Field(
        None, alias="clock", description="command clock; the standard's if left out"
    )
    timing: dict[str, int] = Field(
        {}, description="timings laid over the standard's, in command clocks: {CL: 14}"
    )
    currents: dict[str, float] = Field(
        {}, description="supply currents of a chip in mA, vdd in V: {idd0: 48}"
    )
    mapping: str | None = Field(
        None,
        description="interleaved (consecutive 64 B in other bank groups and pseudo-channels), linear (row "
        "after row), or address bits, most significant first, hashes after commas; left out: interleaved, "
        "with `partition` linear",
    )
    interleave_bytes: Bytes = Field(256, alias="interleave", description="consecutive bytes of one channel")
    # controller
    scheduler: Scheduler = Scheduler.FR_FCFS
    read_queue: int = Field(32, gt=0, le=64)
    write_queue: int = Field(32, gt=0, le=64)
    bank_queue: int = Field(8, gt=0, le=16, description="command queue of a bank (bank_round_robin)")
    unified_queue: bool = Field(False, description="reads and writes in one queue of `read_queue` entries")
    window: int | None = Field(None, gt=0, le=64, description="how many of the oldest entries are looked at")
    write_high: float = Field(
        0.8, gt=0, le=1, description="share of the write queue above which it is drained"
    )
    write_low: float = Field(0.2, ge=0, lt=1, description="share below which reads go on")
    row_hit_cap: int = Field(
        0,
        ge=0,
        description="accesses to a row after which an older request for another row goes first; 0: no cap",
    )
    reserve_rows: bool = Field(
        True, description="an opened row is kept until the request that opened it is served"
    )
    protect: Protect = Field(Protect.NONE, description="hits that keep a row open")
    page: Page = Page.OPEN
    page_timeout_cycles: Cycles = Field(200, alias="page_timeout", gt=0)
    forward_reads: bool = Field(
        True, description="a read of a queued write's data is answered from the queue"
    )
    merge_writes: bool = Field(True, description="a write to a queued write's address is merged into it")
    write_response: WriteResponse = Field(
        WriteResponse.ACCEPTED,
        description="when a write is answered: once queued, once sent, once in the array",
    )
    read_response: ReadResponse = ReadResponse.LAST_BEAT
    backend_latency_cycles: Cycles = Field(0, alias="backend_latency", description="added to every answer")
    write_backend_latency_cycles: Cycles | None = Field(
        None,
        alias="write_backend_latency",
        ge=0,
        description="added to a write's; as `backend_latency` if absent",
    )
    entry_width_bytes: Bytes | None = Field(
        None,
        alias="entry_width",
        gt=0,
        description="in a system, requests pass a FIFO to the scheduler, one a cycle; a write leaves it "
        "with its last data, so many bytes a cycle, and holds up those behind it; absent: no such FIFO",
    )
    access_bytes: Bytes | None = Field(
        None, alias="access", gt=0, description="moved by one column command; a burst's if absent"
    )
    max_reads: int = Field(0, ge=0, le=128, description="unanswered reads; 0: as the queues allow")
    max_writes: int = Field(0, ge=0, le=128, description="unanswered writes; 0: as the queues allow")
    priority: dict[str, int] = Field(
        {}, description="scheduler priority: master: 0 (first) ... 15; others are 8"
    )
    partition: dict[str, list[int]] = Field(
        {},
        description="master: the banks of a rank that its memory lies in, by page colouring; "
        "masters left out share the banks left over",
    )
    bliss_streak: int = Field(4, gt=0, description="requests in a row after which a master is put last")
    bliss_clear_cycles: Cycles = Field(10_000, alias="bliss_clear", gt=0)
    # refresh and power
    refresh: Refresh = Refresh.ALL_BANK
    refresh_stops: RefreshStops = Field(RefreshStops.CHANNEL, description="who waits while a refresh is owed")
    refresh_stagger: bool = Field(False, description="ranks take turns within tREFI")
    power_down_after_cycles: Cycles | None = Field(None, alias="power_down_after", gt=0)
    self_refresh_after_cycles: Cycles | None = Field(None, alias="self_refresh_after", gt=0)
    shortcuts: bool = Field(
        True, description="false: look at every queued request every time (the same times)"
    )

    @property
    def module(self) -> ModuleType:
        return STANDARDS[self.standard][0]

    @property
    def chip(self) -> Device:
        return self.module.DEVICES[self.device or self.module.USUAL_DEVICE]

    @property
    def clock_fs(self) -> int:
        """Return the period of the command clock [fs]."""
        if self.clock_hz is not None:
            return FS_PER_S // self.clock_hz
        return self.module.CLOCK_FS[self.module.SPEEDS.index(STANDARDS[self.standard][1])]

    @property
    def beats(self) -> int:
        """Return the command clocks that a burst's data take."""
        return self.module.BURST_LENGTH // self.module.TRANSFERS_PER_CLOCK

    @property
    def burst_bytes(self) -> int:
        return self.access_bytes or burst_bytes(self.module)

    @property
    def longest_request(self) -> int:
        """Bytes of one request that the controller can hold, wherever it begins."""
        return MOST_BURSTS * self.burst_bytes

    @property
    def chips_per_rank(self) -> int:
        return max(1, self.module.CHANNEL_WIDTH // self.module.PSEUDO_CHANNELS // self.chip.width)

    @property
    def row_bytes(self) -> int:
        """Return the bytes that one activate opens in a rank (or pseudo-channel)."""
        return self.chip.row_bytes * self.chips_per_rank

    @property
    def all_ranks(self) -> int:
        """Return ranks times pseudo-channels: what has banks of its own."""
        return self.ranks * self.module.PSEUDO_CHANNELS

    @property
    def capacity_bytes(self) -> int:
        banks = self.all_ranks * self.chip.bank_groups * self.chip.banks_per_group
        return self.channels * banks * self.chip.rows * self.row_bytes

    @property
    def banks_of_a_rank(self) -> int:
        return self.chip.bank_groups * self.chip.banks_per_group

    def banks_of(self, master: str) -> list[int]:
        """Return the banks in which a partition puts ``master``'s memory."""
        taken = {bank for banks in self.partition.values() for bank in banks}
        rest = [bank for bank in range(self.banks_of_a_rank) if bank not in taken]
        return self.partition.get(master, rest)

    @property
    def channel_shift(self) -> int:
        """Return the address bits below the channel number."""
        pieces, _ = self.pieces()
        return min((piece.shift for piece in pieces if piece.field == "channel"), default=0)

    def cycles(self) -> dict[str, int]:
        """Return every timing in command clocks."""
        speed = STANDARDS[self.standard][1]
        return timings(self.module, speed, self.chip, self.timing)

    def pieces(self) -> tuple[list[Piece], list[Piece]]:
        """Return the mapping's pieces and hashes."""
        widths = {
            "rank": _bits(self.all_ranks),
            "group": _bits(self.chip.bank_groups),
            "bank": _bits(self.chip.banks_per_group),
            "row": _bits(self.chip.rows),
            "column": _bits(self.row_bytes // self.burst_bytes),
            "channel": _bits(self.channels),
        }
        below = _bits(self.burst_bytes), _bits(self.interleave_bytes)
        return parse_mapping(self.mapping_text, widths, *below)

    @property
    def mapping_text(self) -> str:
        """Return the mapping as bit fields, whether written so, named or left out."""
        name = self.mapping or ("linear" if self.partition else "interleaved")
        if name == "interleaved":
            line = max(0, _bits(LINE_BYTES) - _bits(self.burst_bytes))
            return interleaved(line, _bits(self.module.PSEUDO_CHANNELS))
        return LINEAR if name == "linear" else name

    @field_validator("standard")
    @classmethod
    def standard_is_known(cls, name: str) -> str:
        if name not in STANDARDS:
            near = get_close_matches(name, STANDARDS, 1, 0.0)[0]
            raise ValueError(f"{name!r} is unknown; did you mean {near!r}? `dlasim list standards` has all")
        return name

    @field_validator("device")
    @classmethod
    def device_is_known(cls, name: str | None, info: ValidationInfo) -> str | None:
        module = STANDARDS[info.data["standard"]][0] if "standard" in info.data else None
        if name is not None and module is not None and name not in module.DEVICES:
            raise ValueError(
                f"{name!r} is not one of {module.NAME}; write one of {', '.join(module.DEVICES)}"
            )
        return name

    @field_validator("timing")
    @classmethod
    def timings_are_known(cls, timing: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        module = STANDARDS[info.data["standard"]][0] if "standard" in info.data else None
        for name, value in timing.items():
            if module is not None and name not in (*module.TIMINGS, "tRFC", "tRFCpb", "tWWRS"):
                known = ", ".join(module.TIMINGS)
                raise ValueError(f"{name!r} is not one of {module.NAME}; write {known}, tRFC or tRFCpb")
            if value < 0:
                raise ValueError(f"{name} is {value}; write a number of command clocks, 0 or more")
        return timing

    @field_validator("currents")
    @classmethod
    def currents_are_known(cls, currents: dict[str, float]) -> dict[str, float]:
        for name in currents:
            if name not in Currents._fields:
                raise ValueError(f"{name!r} is unknown; write {', '.join(Currents._fields)}")
        return currents

    @field_validator("channels", "ranks", "entry_width_bytes", "access_bytes")
    @classmethod
    def is_a_power_of_two(cls, number: int | None) -> int | None:
        if number is not None and number & (number - 1):
            raise ValueError(f"{number} is not a power of two; write 1, 2, 4, ...")
        return number

    @model_validator(mode="after")
    def shape_is_whole(self) -> "Dram":
        if self.interleave_bytes & (self.interleave_bytes - 1):
            raise ValueError(
                f"interleave {self.interleave_bytes} B is not a power of two; write 256 B, 512 B, ..."
            )
        if self.interleave_bytes < self.burst_bytes:
            raise ValueError(
                f"interleave {self.interleave_bytes} B is less than a burst of {self.burst_bytes} B"
            )
        if self.refresh == Refresh.PER_BANK and not self.module.PER_BANK_REFRESH:
            raise ValueError(f"{self.module.NAME} has no per-bank refresh; write all_bank or none")
        if self.self_refresh_after_cycles and not self.power_down_after_cycles:
            raise ValueError("self_refresh_after needs power_down_after: a rank goes from one to the other")
        if self.power_down_after_cycles and self.scheduler == Scheduler.BANK_ROUND_ROBIN:
            raise ValueError("bank_round_robin knows no power-down; leave power_down_after out")
        self._check_refresh()
        if self.scheduler == Scheduler.BANK_ROUND_ROBIN and self.refresh == Refresh.PER_BANK:
            raise ValueError("bank_round_robin refreshes whole ranks; write refresh: all_bank or none")
        self._check_protect()
        if self.write_low >= self.write_high:
            raise ValueError(f"write_low {self.write_low} is not below write_high {self.write_high}")
        pieces, hashes = self.pieces()
        if self.partition:
            self._check_partition(pieces, hashes)
        return self

    def _check_protect(self) -> None:
        """Raise ValueError where a row would be kept open for hits that are never served."""
        if self.protect != Protect.ALL_HITS:
            return
        held = self.read_queue + (0 if self.unified_queue else self.write_queue)
        if self.scheduler == Scheduler.FCFS:
            raise ValueError(
                "protect all_hits keeps a row open for younger hits, and scheduler fcfs serves only the "
                "oldest request: they wait for each other; write protect: older_hits or none, or fr_fcfs"
            )
        if self.window is not None and self.window < held:
            raise ValueError(
                f"protect all_hits keeps a row open for hits that window {self.window} does not show; "
                f"write window: {held}, or protect: older_hits or none"
            )

    def _check_refresh(self) -> None:
        """Raise ValueError unless a refresh is over before the next one falls due."""
        if self.refresh == Refresh.NONE:
            return
        cycles = complete(self.cycles(), self.beats)
        every, takes = ("tREFI", "tRFC") if self.refresh == Refresh.ALL_BANK else ("tREFIpb", "tRFCpb")
        if cycles[every] <= cycles[takes]:
            raise ValueError(
                f"timing {every} {cycles[every]} is no longer than {takes} {cycles[takes]}: there is time "
                f"for nothing but refreshes; write {every}: {10 * cycles[takes] or 1}, or refresh: none"
            )

    def _check_partition(self, pieces: list[Piece], hashes: list[Piece]) -> None:
        """Raise ValueError unless a page lies in one bank, and each owner's banks exist."""
        last = self.banks_of_a_rank - 1
        for master, banks in self.partition.items():
            if not banks or min(banks) < 0 or max(banks) > last or len(set(banks)) < len(banks):
                raise ValueError(f"partition of {master} needs different banks from 0 to {last}, not {banks}")
        numbering = ("bank", "group")
        colours = [piece for piece in pieces if piece.field in numbering]
        hashes = [piece for piece in hashes if piece.field in numbering]
        lowest = min(piece.shift for piece in colours + hashes)
        if lowest < PAGE_SHIFT:
            within = sum(p.bits for p in pieces if p.field in ("column", "channel")) + _bits(self.burst_bytes)
            below = f"row:{PAGE_SHIFT - within} " if within < PAGE_SHIFT else ""
            raise ValueError(
                "partition needs banks that change between pages, yet in "
                f"mapping {self.mapping_text!r} address bit {lowest}, inside a page of {1 << PAGE_SHIFT} B, "
                f"has a say in the bank; write for instance mapping: row rank bank group {below}column"
            )
        for piece in hashes:
            ends = piece.shift + piece.bits
            others = [c.field for c in colours if c.shift < ends and piece.shift < c.shift + c.bits]
            if others:
                raise ValueError(
                    f"partition needs banks hashed with rows only, yet mapping {self.mapping_text!r} hashes "
                    f"{piece.field} with {others[0]}; write for instance bank ^= row[0:2]"
                )


def _bits(number: int) -> int:
    return number.bit_length() - 1
