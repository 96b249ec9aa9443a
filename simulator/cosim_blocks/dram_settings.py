"""A DRAM memory as its twin is told of it: what `rtl/dram_controller.sv` can be, and its inputs."""

from typing import Any

import numpy as np

from hw_models.dram.names import Scheduler
from hw_models.dram.params import Dram
from hw_models.dram.state import Field
from simulator.cosim_blocks.bench import packed

WAIT_BITS, LONG_BITS, ROW_BITS, COLUMN_BITS, ADDRESS_BITS = 12, 16, 8, 10, 36  # as the RTL's
LONGEST = (1 << WAIT_BITS - 1) - 1  # clocks of a timing
WAITS = ("faw", "ras", "rc", "rp", "rp_all", "ppd", "rfc", "rfc_bank", "refresh_gap")
TABLES = ("gap", "act_gap", "rcd", "to_pre", "data")
POLICY = (
    "scheduler",
    "unified",
    "high",
    "low",
    "reserve",
    "guard",
    "hit_cap",
    "page",
    "page_timeout",
    "refresh_mode",
    "refresh_stops_all",
    "forward",
    "merge",
)
BY_DIRECTION = {"capacity": 8, "outstanding": 8, "backend": 8}


def check_twin(dram: Dram, parameters: dict[str, int]) -> None:
    """Raise ValueError unless RTL with ``parameters`` can be ``dram``: in words, what would do."""
    if dram.channels > 1:
        raise ValueError(f"channels: {dram.channels}; the twin is one channel, write channels: 1")
    if dram.scheduler in (Scheduler.BLISS, Scheduler.BANK_ROUND_ROBIN):
        raise ValueError(
            f"scheduler: {dram.scheduler} is not in the twin; write fcfs, fr_fcfs, column_first or priority"
        )
    if dram.power_down_after_cycles:
        raise ValueError("power_down_after: the twin knows no power-down; leave it out")
    if dram.entry_width_bytes:
        raise ValueError("entry_width: the twin has no FIFO in front of its queues; leave it out")
    shape = dram.chip.bank_groups, dram.chip.banks_per_group
    built = parameters["GROUPS"], parameters["BANKS"]
    if shape != built or dram.all_ranks > parameters["RANKS"]:
        raise ValueError(
            f"{dram.all_ranks} ranks of {shape[0]} x {shape[1]} banks; this twin is built with RANKS "
            f"{parameters['RANKS']}, GROUPS {built[0]}, BANKS {built[1]}"
        )
    held = dram.read_queue + (0 if dram.unified_queue else dram.write_queue)
    if 2 * held > parameters["ENTRIES"]:
        raise ValueError(
            f"queues of {held} entries; this twin is built with ENTRIES {parameters['ENTRIES']}, "
            "half of them for rows' openers"
        )


def twin_inputs(model: np.void) -> dict[str, int]:
    """Return the settings of a built channel as the RTL's inputs. Raises ValueError for one out of range."""
    t = model["t"]
    for name, most in (*((name, LONGEST) for name in (*WAITS, *TABLES)), ("refi", (1 << LONG_BITS) - 1)):
        if np.max(t[name]) > most:
            raise ValueError(f"timing: {name} is {np.max(t[name])} clocks; the twin counts to {most}")
    return {
        **{name: int(t[name]) for name in WAITS},
        # a distance below 0 asks for nothing
        **{name: packed(np.maximum(t[name].ravel(), 0), WAIT_BITS) for name in TABLES},
        **{name: int(model[name]) for name in POLICY},
        **{name: packed(model[name], bits) for name, bits in BY_DIRECTION.items()},
        "ranks": int(model["ranks"]),
        "shared_bus": int(model["shared_bus"]),
        "refi": int(t["refi"]),
        "window": int(model["window"]),
        "write_answer": int(model["write_answer"]),
        "first_refresh": packed(
            [min(int(due), (1 << LONG_BITS) - 1) for due in model["rank"]["due"][: model["ranks"]]], LONG_BITS
        ),
        **_masks(model),
    }


def _masks(model: np.void) -> dict[str, int]:
    """Return which address bits make a bit of bank, row and column: a bit is their parity."""
    widths = {
        Field.BANK: int(model["bank_count"]).bit_length() - 1,
        Field.ROW: ROW_BITS,
        Field.COLUMN: COLUMN_BITS,
    }
    masks = {field: [0] * width for field, width in widths.items()}
    for field, right, mask, left in model["segment"][: model["segments"]].tolist():
        for bit in range(int(mask).bit_length()):
            if left + bit < widths[Field(field)]:
                masks[Field(field)][left + bit] ^= 1 << right + bit
    return {f"{field.name.lower()}_mask": packed(bits, ADDRESS_BITS) for field, bits in masks.items()}


def priorities(model: np.void, masters: int) -> int:
    return packed(model["priority"][:masters], 4)


def place(dram: Dram, fields: dict[str, int]) -> int:
    """Return the address whose fields, before any hash, are these."""
    address: Any = 0
    for piece in dram.pieces()[0]:
        address |= (fields[piece.field] >> piece.low & (1 << piece.bits) - 1) << piece.shift
    return int(address)
