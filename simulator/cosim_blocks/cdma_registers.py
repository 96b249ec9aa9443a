"""A launch of CDMA as its twin's registers; what the twin lacks is refused in words."""

from collections.abc import Mapping
from typing import Any

from hw_models.nvdla.registers import Settings
from simulator.cosim_blocks.sdp_registers import joined

PIXELS = {1: (0x00,), 4: (*range(0x0C, 0x14), 0x1A, 0x1B)}  # formats by bytes of a pixel
SLACK = 2  # entries of an image's line, more than it has atoms, that the cycles between lines leave time for
ABSENT = {"winograd": "Winograd form", "wmb_bytes": "compressed weights"}
WIDTHS = (  # fields of `cdma_types::cdma_launch_t`, the first on top: bits of each
    ("image", 1),
    ("PIXEL_FORMAT", 6),
    ("PIXEL_SIGN_OVERRIDE", 1),
    ("PAD_LEFT", 5),
    ("PAD_RIGHT", 6),
    ("PAD_VALUE", 8),
    ("MEAN_FORMAT", 1),
    *((f"MEAN_{name}", 16) for name in ("AX", "BV", "GU", "RY")),
    ("width", 14),
    ("height", 14),
    ("channels", 14),
    ("line_packed", 1),
    ("surface_packed", 1),
    ("fetch_grain", 12),
    ("src", 32),
    ("src_line_stride", 32),
    ("src_surface_stride", 32),
    ("line_entries", 16),
    ("kernels", 14),
    ("kernel_bytes", 19),
    ("weights", 32),
    ("weight_bytes", 32),
    ("data_banks", 6),
    ("weight_banks", 6),
    ("CVT_EN", 1),
    ("CVT_OFFSET", 16),
    ("CVT_SCALE", 16),
    ("CVT_TRUNCATE", 6),
    ("DATA_REUSE", 1),
    ("WEIGHT_REUSE", 1),
    ("SKIP_DATA_RLS", 1),
    ("SKIP_WEIGHT_RLS", 1),
)


def registers_of(op: Any, cdma: Settings, preset: Mapping[str, int]) -> int:
    """Return a launch as `cdma_types::cdma_launch_t`. Raises ValueError for what the twin lacks."""
    fault = _fault(op, cdma, preset) or image_fault(op, cdma["ENTRIES"] + 1, preset["atom_bytes"])
    if fault:
        raise ValueError(f"the twin of CDMA {fault}")
    fields = {name: int(op[name]) for name in op.dtype.names} | {
        "line_entries": cdma["ENTRIES"] + 1,
        "kernel_bytes": cdma["BYTE_PER_KERNEL"] + 1,
        "PAD_VALUE": cdma["PAD_VALUE"] & 0xFF,
    }
    return joined([(fields[name] if name in fields else cdma[name], bits) for name, bits in WIDTHS])


def _fault(op: Any, cdma: Settings, preset: Mapping[str, int]) -> str:
    """Return what of a launch the twin lacks, "" if nothing."""
    atom, entry = preset["atom_bytes"], preset["cbuf_entry_bytes"]
    if preset["dbb_bytes"] != atom or preset["atomic_c"] != entry or entry not in (atom, 2 * atom):
        return f"has beats of one atom, entries of one or two and as many channels, {atom} B an atom here"
    if entry > atom and (fault := entry_fault(op, cdma["BYTE_PER_KERNEL"] + 1, preset)):
        return fault
    for name, what in ABSENT.items():
        if op[name]:
            return f"has no {what}"
    if op["batch"] > 1:
        return f"takes one image a launch, found batch {op['batch']}"
    if cdma["IN_PRECISION"] or cdma["PROC_PRECISION"]:
        return "is of INT8; write IN_PRECISION and PROC_PRECISION 0"
    if op["image"] and cdma["PIXEL_FORMAT"] not in PIXELS.get(int(op["channels"]), ()):
        return f"has no pixel format {cdma['PIXEL_FORMAT']:#x} of {op['channels']} channels"
    return ""


def entry_fault(op: Any, kernel_bytes: int, preset: Mapping[str, int]) -> str:
    """Return why a launch is not for a twin whose entries have several atoms, "" if it is."""
    if op["image"]:
        return "has no images where an entry has two atoms"
    if kernel_bytes * preset["atomic_k"] % preset["cbuf_entry_bytes"]:
        return "has kernel groups of whole entries where an entry has two atoms"
    return ""


def image_fault(op: Any, entries: int, atom: int) -> str:
    """Return why an image whose lines have so many ``entries`` of CBUF is not for the twin, "" if it is."""
    if not op["image"]:
        return ""
    first = int(op["src"]) % atom
    atoms = line_atoms(op, atom)
    if atoms < 2:
        return "has no image of one atom a line"
    steps = entries + (first > op["pad_left"] * op["channels"])  # a cycle more to begin within an atom
    if steps > atoms + SLACK:
        return f"has no time for lines of {atoms} atoms that fill {entries} entries with their padding"
    return ""


def line_atoms(op: Any, atom: int) -> int:
    """Return the atoms that are read for an image's line."""
    return -(-(int(op["width"] * op["channels"]) + int(op["src"]) % atom) // atom)
