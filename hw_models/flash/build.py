"""Flash parameters -> the record and the table that the kernels work on."""

import math
import mmap

import numpy as np

from hw_models.errors import ConfigError
from hw_models.flash.names import (
    DIES,
    REQUESTS,
    SECTORS,
    TRANSACTIONS,
    Forward,
    Mapping,
    PartialWrites,
)
from hw_models.flash.params import Flash
from hw_models.flash.state import (
    BLOCK_WORDS,
    FREE_BLOCKS,
    FULL,
    GC_BLOCK,
    GROUP_BITS,
    MAP_WORDS,
    NONE,
    PAGE_WORDS,
    PERIOD_FS,
    PLANE_WORDS,
    SLOT_WORDS,
    STATE,
    STATUS,
    USED,
    USER_BLOCK,
    VALID,
    VICTIM,
    WAIT_HEAD,
    WAIT_TAIL,
)
from hw_models.flash.tables import nand
from hw_models.port import NEVER
from hw_models.units import FS_PER_S, PS_PER_NS

SECTOR_BYTES = 512
# NVMe as in MQSim, see links.py; UFS and Apple's link are of the same order
MESSAGE_BYTES = {"doorbell_ps": 2, "command_ps": 64, "fetch_ps": 4, "completion_ps": 16}


def _map_entry_bytes(params: Flash) -> tuple[int, int]:
    """Return the bytes of a map entry in flash and in the cache: page number(s) and a bit per sector."""
    number = math.ceil(math.log2(params.physical_pages))
    sectors = params.page_bytes // SECTOR_BYTES
    return -(-(number + sectors) // 8), -(-(2 * number + sectors) // 8)


def _fs_per_byte(bytes_per_s: int) -> int:
    return round(FS_PER_S / bytes_per_s)


def _message_ps(params: Flash, size: int) -> int:
    return (size + params.link_packet_overhead_bytes) * _fs_per_byte(params.link_bytes_per_s) // PERIOD_FS


def _times(params: Flash) -> dict[str, int]:
    return {
        "period_fs": PERIOD_FS,
        "read_ps": params.read_fs // PERIOD_FS,
        "program_ps": params.program_fs // PERIOD_FS,
        "erase_ps": params.erase_fs // PERIOD_FS,
        "suspend_ps": params.suspend_fs // PERIOD_FS + nand.SUSPEND_NS * PS_PER_NS if params.suspend else -1,
        "suspend_worth_ps": params.suspend_worth_fs // PERIOD_FS,
        "max_suspensions": params.max_suspensions,
        "read_command_ps": nand.READ_COMMAND_NS * PS_PER_NS,
        "read_command_plane_ps": nand.READ_COMMAND_PLANE_NS * PS_PER_NS,
        "program_command_ps": nand.PROGRAM_COMMAND_NS * PS_PER_NS,
        "program_command_plane_ps": nand.PROGRAM_COMMAND_PLANE_NS * PS_PER_NS,
        "erase_command_ps": nand.ERASE_COMMAND_NS * PS_PER_NS,
        "data_setup_ps": 0,
        "bus_fs_per_byte": _fs_per_byte(params.bus_bytes_per_s),
        "link_fs_per_byte": _fs_per_byte(params.link_bytes_per_s),
        "link_payload": params.link_payload_bytes,
        "link_overhead": params.link_packet_overhead_bytes,
        **{name: _message_ps(params, size) for name, size in MESSAGE_BYTES.items()},
        "controller_ps": params.controller_fs // PERIOD_FS,
    }


def _geometry(params: Flash) -> dict[str, int]:
    return {
        "channels": params.channels,
        "chips": params.chips,
        "chip_dies": params.dies,
        "planes": params.planes,
        "dies_per_channel": params.chips * params.dies,
        "dies_total": params.channels * params.chips * params.dies,
        "planes_total": params.planes_total,
        "blocks": params.blocks,
        "pages": params.pages,
        "page_bytes": params.page_bytes,
        "page_bits": params.page_bytes.bit_length() - 1,
        "logical_pages": params.logical_pages,
        "preload_pages": params.logical_pages * params.preload_percent // 100,
        "independent_dies": int(params.independent_dies),
        "cache_read": int(params.cache_read),
        "multiplane": int(params.multiplane),
        "forward_pages": int(params.forward == Forward.PAGE),
        "buffer_writes": int(params.write_buffer),
        "by_sectors": int(params.partial_writes == PartialWrites.SECTORS),
        "sector_bits": max(SECTOR_BYTES, params.page_bytes // SECTORS).bit_length() - 1,
        "queue_depth": params.queue_depth,
        "queue_fetch": params.queue_fetch,
        "unwritten": params.unwritten.code,
        "gc_policy": params.gc.code,
        "gc_threshold": params.gc_threshold,
        "wear_threshold": params.wear_threshold,
    }


def build(params: Flash) -> tuple[np.ndarray, np.ndarray]:
    """Return (state, memory): an array of one STATE row, and the flat table of int64 that goes with it."""
    states = fresh_state(params)
    state = states[0]
    tables = int(state["physical_pages"]) > 0
    memory = _zeros(int(state["at_end"]), int(state["at_page"]))
    if tables:
        _lay_out(state, memory)
    return states, memory


def fresh_state(params: Flash) -> np.ndarray:
    """Return an array of one STATE row of a device that has just been switched on: nothing is in flight."""
    states = np.zeros(1, STATE)
    state = states[0]
    in_flash, in_cache = _map_entry_bytes(params)
    resident = params.mapping == Mapping.RESIDENT
    tables = params.keeps_tables
    slots = 0 if resident else params.map_cache_bytes // in_cache
    entries = params.page_bytes // in_flash
    sizes = {
        "at_directory": (params.logical_pages >> GROUP_BITS) + 1,
        "at_map": ((params.logical_pages >> GROUP_BITS) + 1 << GROUP_BITS) * MAP_WORDS,
        "at_block": params.planes_total * params.blocks * BLOCK_WORDS,
        "at_plane": params.planes_total * PLANE_WORDS,
        "at_slot": slots * SLOT_WORDS,
        "at_map_read": params.logical_pages // entries + 1,
        "at_page": params.physical_pages * PAGE_WORDS,  # last: the only one that is used sparsely
        "at_end": 1,
    }
    offset = 0
    for name, size in sizes.items():
        state[name] = offset
        offset += size if tables else 0
    state["at_end"] = offset if tables else 1
    for name, value in {**_times(params), **_geometry(params)}.items():
        state[name] = value
    state["physical_pages"] = params.physical_pages if tables else 0
    state["map_resident"] = int(resident)
    state["map_entries_per_page"] = entries
    state["map_read_bytes"] = SECTOR_BYTES  # MQSim reads one sector of a mapping page
    state["map_slots"] = slots
    lanes = _planes_in_order(state)
    state["plane_of_lane"][: lanes.size] = lanes
    state["lane_of_plane"][lanes] = np.arange(lanes.size)
    state["die_of_plane"][: lanes.size] = np.arange(lanes.size) // params.planes
    _empty_lists(state)
    return states


def _zeros(words: int, dense: int) -> np.ndarray:
    """Return ``words`` zeros that take up memory only where they are written.

    The first ``dense`` words are used from their start on, and may lie in huge pages; of the rest, a little
    is used here and there, so that huge pages would turn each touch into 2 MiB.

    Raises ConfigError where the machine has no room.
    """
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    try:
        table = mmap.mmap(-1, words * 8, **private)
    except OSError:
        raise ConfigError(
            f"tables of {words * 8} B do not fit in memory; write fewer blocks or pages", key="system.flash"
        ) from None
    split = dense * 8 // mmap.PAGESIZE * mmap.PAGESIZE
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        if split:
            table.madvise(mmap.MADV_HUGEPAGE, 0, split)
        table.madvise(mmap.MADV_NOHUGEPAGE, split)
    return np.frombuffer(table, np.int64)


def _lay_out(state, memory) -> None:
    """Write the block and plane records of a device that holds its first `preload_pages` pages in order."""
    planes, blocks, pages = int(state["planes_total"]), int(state["blocks"]), int(state["pages"])
    at = int(state["at_block"])
    records = memory[at : at + planes * blocks * BLOCK_WORDS].reshape(planes, blocks, BLOCK_WORDS)
    rows, rest = divmod(int(state["preload_pages"]), planes)
    lanes = np.arange(planes)
    filled = np.empty(planes, np.int64)
    filled[state["plane_of_lane"][:planes]] = rows + (lanes < rest)
    first = np.arange(blocks) * pages
    held = np.clip(filled[:, None] - first[None, :], 0, pages)
    records[:, :, VALID] = held
    records[:, :, USED] = held
    records[:, :, STATUS] = np.where(held > 0, FULL, 0)
    at = int(state["at_plane"])
    plane_rows = memory[at : at + planes * PLANE_WORDS].reshape(planes, PLANE_WORDS)
    plane_rows[:, [USER_BLOCK, GC_BLOCK, VICTIM, WAIT_HEAD, WAIT_TAIL]] = NONE
    plane_rows[:, FREE_BLOCKS] = (held == 0).sum(axis=1)


def _planes_in_order(state) -> np.ndarray:
    """Return, for each position in the order channel, chip, die, plane, the number of the plane."""
    shape = [int(state[name]) for name in ("channels", "chips", "chip_dies", "planes")]
    return np.arange(math.prod(shape)).reshape(shape).transpose(3, 2, 1, 0).ravel()


def _empty_lists(state) -> None:
    """Nothing is queued, every row is free."""
    state["die"]["channel"] = np.arange(DIES) // state["dies_per_channel"]
    for die in state["die"]:
        die["head"] = die["tail"] = NONE
    for channel in state["channel"]:
        channel["head"] = channel["tail"] = channel["moving"] = NONE
        channel["until"] = NEVER
    state["next"] = state["ready"] = NEVER
    state["transaction"]["next"][:-1] = np.arange(1, TRANSACTIONS)
    state["transaction"]["next"][-1] = NONE
    state["free_transactions"] = TRANSACTIONS
    state["request"]["next"][:-1] = np.arange(1, REQUESTS)
    state["request"]["next"][-1] = NONE
    state["free_requests"] = state["queue_fetch"]
    state["slot_first"] = state["slot_last"] = NONE
