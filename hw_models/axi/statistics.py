"""What an outside master's port has counted."""

from typing import Any

import numpy as np

from hw_models.axi.state import Drive, Fault

FAULTS = {  # what cannot be served, and what would be
    Fault.EXCLUSIVE: "an exclusive access (AxLOCK); write normal ones, this memory has no monitor",
    Fault.BURST: "AxBURST 3, or more than 16 beats of FIXED; write INCR, WRAP or short FIXED bursts",
    Fault.SIZE: "AxSIZE beyond the width of the bus; write at most that, or another width: in the config",
    Fault.WRAP: "a WRAP burst that is not aligned, or not of 2, 4, 8 or 16 beats",
    Fault.BOUNDARY: "an INCR burst across a block of 4 KiB; split it there",
    Fault.LAST: "WLAST at another beat than the last of its address",
    Fault.MEMORY: "more memory than this process holds",
}


def port_summary(agent: np.void) -> dict[str, Any]:
    """Return bursts, beats and bytes by direction, and the cycles that each channel's valid stood waiting."""
    reads, writes = agent["read"], agent["write"]
    return {
        "read_bursts": int(reads["accepted"]),
        "write_bursts": int(writes["accepted"]),
        "read_beats": int(reads["beats"]),
        "write_beats": int(writes["beats"]),
        "read_data_bytes": int(reads["bytes"]),
        "write_data_bytes": int(writes["bytes"]),
        "wait_cycles": {
            "ar": int(reads["address_waits"]),
            "r": int(reads["answer_waits"]),
            "aw": int(writes["address_waits"]),
            "w": int(agent["data_waits"]),
            "b": int(writes["answer_waits"]),
        },
    }


def fault_text(agent: np.void) -> str:
    """Say what the port could not serve."""
    write, address, value = (int(v) for v in agent["fault_values"][:3])
    what = FAULTS[Fault(int(agent["fault"]))]
    kind = "write" if write else "read"
    return f"cycle {int(agent['fault_cycle'])}: {kind} at {address % 2**64:#x}, id {value}: {what}"


def waits_of(agent: np.void) -> list[str]:
    """Say who waits for whom at the port."""
    waits = []
    for kind, channel, valid in (("read", "R", Drive.RVALID), ("write", "B", Drive.BVALID)):
        rows = agent[kind]
        used = [
            burst for burst in rows["bursts"][: int(rows["top"])] if burst["used"] and not burst["dropped"]
        ]
        offered = int(rows["offered"])
        if agent["drive"][valid] and offered >= 0:
            number = int(rows["bursts"][offered]["id"])
            waits.append(f"{channel} of id {number} is valid and waits for the master's {channel}READY")
        if kind == "write":
            lacking = [b for b in used if b["given"] < b["beats"]]
            waits += [
                f"write at {int(b['address']) % 2**64:#x} of id {int(b['id'])} waits for "
                f"{int(b['beats'] - b['given'])} of its {int(b['beats'])} beats on W"
                for b in lacking[:2]
            ]
            used = [b for b in used if b["rows"] > 0]
            if agent["ahead_count"]:
                waits.append(f"{int(agent['ahead_count'])} beats on W wait for their address on AW")
        asked = [b for b in used if kind == "write" or b["arrived"] == 0]
        if asked:
            first = min(asked, key=lambda b: b["order"])
            waits.append(
                f"{len(asked)} {kind} bursts wait for memory, the first at {int(first['address']) % 2**64:#x}"
            )
    return waits
