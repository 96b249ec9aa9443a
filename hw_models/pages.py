"""Bank partitioning by page colouring: the frames that an operating system picks for each region of memory.

The bank bits of a frame's number are its colour. A region's pages get frames of its own colours only, the
colours in turn, each colour's frames in ascending order (PALLOC: Yun et al., "PALLOC: DRAM bank-aware memory
allocator", RTAS 2014). The translation stands at the masters' ports, where an MMU or SMMU has it, and costs
no time: everything behind it, the LLC's sets too, sees the frame's address.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hw_models.dram.params import PAGE_SHIFT, Dram
from hw_models.dram.state import SEGMENTS
from hw_models.jit import njit
from hw_models.known import parameters

REGION_SHIFT = 32  # addresses before translation: the region's number above, 4 GiB below
REGIONS = 96
MOST_BANKS = 64  # of a rank
PAGE_BYTES = 1 << PAGE_SHIFT

REGION = np.dtype(
    [
        ("banks", np.int64),  # how many it owns
        ("bank", np.int64, (MOST_BANKS,)),  # their numbers, through the groups of a rank
        ("first", np.int64),  # its first frame of each bank
    ]
)
FRAMES = np.dtype(
    [
        ("on", np.int64),
        # address bits that choose a bank's frame: shift, bits
        ("free_runs", np.int64),
        ("free", np.int64, (SEGMENTS, 2)),
        # address bits that are the bank's number, and those XORed into it: shift right, mask, shift left
        ("colours", np.int64),
        ("colour", np.int64, (SEGMENTS, 3)),
        ("hashes", np.int64),
        ("hash", np.int64, (SEGMENTS, 3)),
        ("region", REGION, (REGIONS,)),
    ]
)
parameters("FRAMES", FRAMES, ["on"])


class Region(NamedTuple):
    """Memory with one owner: all of a job, or of a co-runner."""

    number: int  # its addresses begin at number << REGION_SHIFT
    owner: str
    bytes: int
    key: str  # where the config speaks of it


class DoesNotFit(ValueError):
    """A region finds no room in its banks; ``key`` is the region's."""

    def __init__(self, message: str, key: str):
        super().__init__(message)
        self.key = key


@njit
def translate(frames, address):
    """Return the physical address of ``address``; memories at addresses of their own have no frames."""
    if address >> REGION_SHIFT >= REGIONS:
        return address
    region = frames["region"][address >> REGION_SHIFT]
    page = (address & (1 << REGION_SHIFT) - 1) >> PAGE_SHIFT
    bank = region["bank"][page % region["banks"]]
    frame = region["first"] + page // region["banks"]
    physical = address & PAGE_BYTES - 1
    for k in range(frames["free_runs"]):
        run = frames["free"][k]
        physical |= (frame & (1 << run[1]) - 1) << run[0]
        frame >>= run[1]
    for k in range(frames["hashes"]):
        piece = frames["hash"][k]
        bank ^= (physical >> piece[0] & piece[1]) << piece[2]
    for k in range(frames["colours"]):
        piece = frames["colour"][k]
        physical |= (bank >> piece[0] & piece[1]) << piece[2]
    return physical


def build_frames(dram: Dram, regions: Sequence[Region]) -> np.void:
    """Return the FRAMES row that gives every region frames of its banks. Raises DoesNotFit."""
    frames = np.zeros(1, FRAMES)[0]
    frames["on"] = 1
    _layout(frames, dram)
    each = dram.capacity_bytes // dram.banks_of_a_rank // PAGE_BYTES  # frames of a bank's number
    used = np.zeros(dram.banks_of_a_rank, np.int64)
    for region in regions:
        banks = dram.banks_of(region.owner)
        if not banks:
            raise DoesNotFit(
                f"{region.owner} has no banks: those of system.dram.partition are all of others; "
                f"leave some out, or write {region.owner}: [...] there",
                region.key,
            )
        first = int(used[banks].max())
        end = first + -(-region.bytes // (PAGE_BYTES * len(banks)))
        if end > each:
            room = (each - first) * len(banks) * PAGE_BYTES
            raise DoesNotFit(
                f"{region.bytes} B do not fit the {room} B that are left in banks {banks} of {region.owner}; "
                "write more banks under system.dram.partition, or a larger memory",
                region.key,
            )
        row = frames["region"][region.number]
        row["banks"], row["first"] = len(banks), first
        row["bank"][: len(banks)] = banks
        used[banks] = end
    return frames


def _layout(frames: np.void, dram: Dram) -> None:
    """Note which address bits are the bank's number, which are hashed into it, and which are free."""
    place = {"bank": 0, "group": dram.chip.banks_per_group.bit_length() - 1}
    pieces, hashes = dram.pieces()
    for piece in sorted(pieces, key=lambda piece: piece.shift):
        mask = (1 << piece.bits) - 1
        if piece.field in place:
            frames["colour"][frames["colours"]] = place[piece.field] + piece.low, mask, piece.shift
            frames["colours"] += 1
        elif piece.shift + piece.bits > PAGE_SHIFT:
            shift = max(piece.shift, PAGE_SHIFT)
            frames["free"][frames["free_runs"]] = shift, piece.shift + piece.bits - shift
            frames["free_runs"] += 1
    for piece in hashes:
        if piece.field in place:
            mask = (1 << piece.bits) - 1
            frames["hash"][frames["hashes"]] = piece.shift, mask, place[piece.field] + piece.low
            frames["hashes"] += 1
