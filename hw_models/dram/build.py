"""From parameters to state: fill the record of every channel."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hw_models.dram.names import Page, Protect, ReadResponse, Refresh, RefreshStops, Scheduler
from hw_models.dram.params import Dram
from hw_models.dram.rules import READ_END, READ_START, WRITE_END, between, clocks, complete
from hw_models.dram.state import CHANNEL, ENTRIES, PARENTS, SEGMENTS, STALE, Field
from hw_models.port import MASTERS, NEVER

USUAL_PRIORITY = 8
LONG_AGO = -(10**9)
FEW = 16  # entries that are looked through as fast as they are counted
BY_AGE = (Scheduler.FCFS, Scheduler.PRIORITY, Scheduler.BLISS)  # must look at every entry


class Segment(NamedTuple):
    """Bits of an address, from bit ``right`` on, that are a field's bits from ``left`` on."""

    field: Field
    right: int
    bits: int
    left: int

    def goes_on_from(self, other: "Segment") -> bool:
        """Tell whether it begins where ``other`` ends, in the address and in the field."""
        ends = other.field, other.right + other.bits, other.left + other.bits
        return (self.field, self.right, self.left) == ends


def build_channels(dram: Dram | None, masters: Sequence[str] = ()) -> np.ndarray:
    """Return the state of every channel, shape (channels,); one unused row when there is no DRAM."""
    if dram is None:
        return np.zeros(1, CHANNEL)
    state = np.zeros(dram.channels, CHANNEL)
    for number, row in enumerate(state):
        row["number"] = number
        _timing(row["t"], dram)
        _shape(row, dram)
        _mapping(row, dram)
        _policy(row, dram, masters)
        _device(row, dram)
    return state


def _timing(t: np.void, dram: Dram) -> None:
    """Fill the kernel's distances from the table of rules."""
    c = complete(dram.cycles(), dram.beats)

    def wait(scope: str, earlier: str, later: str, nth: int = 1) -> int:
        return between(c, scope, earlier, later, nth)

    for w, earlier in enumerate(("RD", "WR")):
        for v, later in enumerate(("RD", "WR")):
            scopes = ("group", "other group", "other rank")
            t["gap"][w, v] = [wait(scope, earlier, later) for scope in scopes]
        t["rcd"][w] = wait("bank", "ACT", earlier)
        t["to_pre"][w] = wait("bank", earlier, "PRE")
    t["act_gap"] = wait("group", "ACT", "ACT"), wait("other group", "ACT", "ACT")
    t["faw"] = wait("rank", "ACT", "ACT", nth=4)
    t["ras"], t["rc"] = wait("bank", "ACT", "PRE"), wait("bank", "ACT", "ACT")
    t["rp"], t["rp_all"] = wait("bank", "PRE", "ACT"), wait("rank", "PREA", "ACT")
    t["ppd"] = wait("rank", "PRE", "PRE")
    t["rfc"], t["rfc_bank"] = wait("rank", "REF", "ACT"), wait("bank", "REFB", "ACT")
    t["refresh_gap"] = wait("other bank", "REFB", "ACT")
    t["xp"], t["cke"] = wait("rank", "PDX", "ACT"), wait("rank", "PDE", "PDX")
    t["xs"] = wait("rank", "SRX", "ACT")
    t["refi"] = c["tREFI"] if dram.refresh == Refresh.ALL_BANK else c["tREFIpb"]
    answer = READ_END if dram.read_response == ReadResponse.LAST_BEAT else READ_START
    t["data"] = clocks(answer, c), clocks(WRITE_END, c)
    t["moved"] = clocks(READ_END, c), clocks(WRITE_END, c)


def _shape(row: np.void, dram: Dram) -> None:
    chip = dram.chip
    row["period_fs"] = dram.clock_fs
    row["ranks"], row["groups"], row["banks_per_group"] = (
        dram.all_ranks,
        chip.bank_groups,
        chip.banks_per_group,
    )
    row["banks_per_rank"] = chip.bank_groups * chip.banks_per_group
    row["bank_count"] = dram.all_ranks * row["banks_per_rank"]
    row["burst_bytes"] = dram.burst_bytes
    row["burst_shift"] = dram.burst_bytes.bit_length() - 1
    row["shared_bus"] = dram.module.PSEUDO_CHANNELS == 1


def _mapping(row: np.void, dram: Dram) -> None:
    """Fill the segments of bank, row and column: pieces side by side as one, first those with lowest bits."""
    bank_bits = dram.chip.banks_per_group.bit_length() - 1
    group_bits = dram.chip.bank_groups.bit_length() - 1
    place = {  # where a field's lowest bit goes in the kernel's fields
        "bank": (Field.BANK, 0),
        "group": (Field.BANK, bank_bits),
        "rank": (Field.BANK, bank_bits + group_bits),
        "row": (Field.ROW, 0),
        "column": (Field.COLUMN, 0),
    }
    pieces, hashes = dram.pieces()
    found: list[Segment] = []
    for piece in pieces + hashes:
        if piece.field != "channel":
            field, low = place[piece.field]
            new = Segment(field, piece.shift, piece.bits, low + piece.low)
            if found and new.goes_on_from(found[-1]):
                last = found.pop()
                new = last._replace(bits=last.bits + new.bits)
            found.append(new)
    none = [Segment(field, 0, 0, 0) for field in Field]
    lowest = [next((s for s in found if s.field == one.field and s.left == 0), one) for one in none]
    segments = lowest + [segment for segment in found if all(segment is not one for one in lowest)]
    if len(segments) > SEGMENTS:
        raise ValueError(f"mapping has {len(segments)} pieces; at most {SEGMENTS}")
    row["segments"] = len(segments)
    for k, (field, right, bits, left) in enumerate(segments):
        row["segment"][k] = field, right, (1 << bits) - 1, left
    for name, (_, right, bits, _) in zip(("bank", "row", "column"), lowest, strict=True):
        row[f"{name}_shift"], row[f"{name}_mask"] = right, (1 << bits) - 1


def _policy(row: np.void, dram: Dram, masters: Sequence[str]) -> None:
    row["scheduler"] = dram.scheduler.code
    row["unified"] = dram.unified_queue
    row["capacity"] = dram.read_queue, dram.read_queue if dram.unified_queue else dram.write_queue
    held = dram.read_queue + (0 if dram.unified_queue else dram.write_queue)
    row["window"] = dram.window or held
    row["plain"] = not dram.shortcuts or row["window"] < held or dram.scheduler in BY_AGE
    simple = dram.scheduler == Scheduler.FR_FCFS and dram.row_hit_cap == 0 and dram.protect == Protect.NONE
    row["simple"] = simple and not row["plain"] and dram.power_down_after_cycles is None
    in_turn = dram.scheduler == Scheduler.BANK_ROUND_ROBIN
    row["meets"] = dram.forward_reads or dram.merge_writes or in_turn
    row["deep"] = held > FEW
    row["high"] = math.floor(dram.write_high * dram.write_queue)
    row["low"] = max(1, math.ceil(dram.write_low * dram.write_queue))  # an empty queue is always left
    row["reserve"], row["hit_cap"] = dram.reserve_rows, dram.row_hit_cap
    row["guard"] = dram.protect.code
    row["parks"], row["parked"] = not dram.reserve_rows and dram.page in (Page.OPEN, Page.CLOSED), -1
    row["page"], row["page_timeout"] = dram.page.code, dram.page_timeout_cycles
    row["refresh_mode"] = dram.refresh.code
    row["refresh_stops_all"] = dram.refresh_stops == RefreshStops.CHANNEL
    row["forward"], row["merge"] = dram.forward_reads, dram.merge_writes
    row["write_answer"] = dram.write_response.code
    write = dram.write_backend_latency_cycles
    row["backend"] = dram.backend_latency_cycles, dram.backend_latency_cycles if write is None else write
    row["gated"], row["entering"], row["entered"] = dram.entry_width_bytes is not None, -1, -1
    row["gate_shift"] = (dram.entry_width_bytes or 1).bit_length() - 1
    row["outstanding"] = dram.max_reads, dram.max_writes
    row["hold"] = dram.max_reads > 0 or dram.max_writes > 0
    row["down_after"] = dram.power_down_after_cycles or 0
    row["self_refresh_after"] = dram.self_refresh_after_cycles or 0
    row["priority"] = USUAL_PRIORITY
    for k, name in enumerate(masters[:MASTERS]):
        row["priority"][k] = dram.priority.get(name, USUAL_PRIORITY)
    row["bliss_streak"], row["bliss_clear"] = dram.bliss_streak, dram.bliss_clear_cycles
    row["clear_at"] = dram.bliss_clear_cycles
    row["masters"] = min(len(masters), MASTERS)
    row["holder_bank"] = -1
    row["bank_capacity"] = dram.bank_queue
    row["oldest"] = row["youngest"] = -1
    row["in_line"] = row["first"] = -1
    row["first_time"] = NEVER


def _device(row: np.void, dram: Dram) -> None:
    for b in range(row["bank_count"]):
        bank = row["banks"][b]
        bank["rank"] = b // row["banks_per_rank"]
        bank["group"] = b // row["banks_per_group"]
        bank["open"] = bank["active"] = bank["closed_row"] = -1
        bank["timeout"] = dram.page_timeout_cycles
        for name in ("head", "tail", "hit", "miss", "asks"):
            bank[name] = -1
    for g in range(dram.all_ranks * dram.chip.bank_groups):
        row["group"][g]["rank"] = g // dram.chip.bank_groups
    interval = int(row["t"]["refi"])
    row["due"] = NEVER
    for r in range(dram.all_ranks):
        rank = row["rank"][r]
        rank["acts"] = LONG_AGO
        rank["due"] = NEVER
        if dram.refresh != Refresh.NONE:
            share = interval * (r + 1) // dram.all_ranks if dram.refresh_stagger else interval
            rank["due"] = share
            row["due"] = min(row["due"], rank["due"])
    row["free"], row["free_count"] = np.arange(ENTRIES)[::-1], ENTRIES
    row["free_parent"], row["free_parents"] = np.arange(PARENTS)[::-1], PARENTS
    row["next"], row["chosen_time"] = 1, STALE
