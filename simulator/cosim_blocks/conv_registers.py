"""A launch of the convolution core as its twin's registers; what the twin lacks is refused in words."""

from typing import Any

from hw_models.nvdla.launch import Launch
from hw_models.nvdla.registers import Settings
from simulator.cosim_blocks.sdp_registers import joined

IN_BUFFER = ("DATA_REUSE", "WEIGHT_REUSE", "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS")
WIDTHS = (  # fields of `conv_types::launch_t`, the first on top: bits of each
    ("image", 1),
    ("DATAIN_WIDTH_EXT", 14),
    ("DATAIN_HEIGHT_EXT", 14),
    ("WEIGHT_CHANNEL_EXT", 14),
    ("DATAIN_CHANNEL_EXT", 14),
    ("WEIGHT_KERNEL", 14),
    ("WEIGHT_HEIGHT_EXT", 6),
    ("WEIGHT_WIDTH_EXT", 6),
    ("CONV_X_STRIDE_EXT", 4),
    ("CONV_Y_STRIDE_EXT", 4),
    ("X_DILATION_EXT", 6),
    ("Y_DILATION_EXT", 6),
    ("pad_left", 6),
    ("pad_top", 6),
    ("pad_value", 8),
    ("DATAOUT_WIDTH", 14),
    ("DATAOUT_HEIGHT", 14),
    ("ENTRIES", 16),
    ("RLS_SLICES", 14),
    ("kernel_bytes", 16),
    ("weight_entries", 16),
    ("DATA_BANK", 6),
    ("WEIGHT_BANK", 6),
    *((name, 1) for name in IN_BUFFER),
)
ABSENT = {
    "CONV_MODE": "Winograd form",
    "WEIGHT_FORMAT": "compressed weights",
    "Y_EXTENSION": "post-extension",
}


def registers_of(op: Any, launch: Launch, entry_bytes: int) -> int:
    """Return a launch as `conv_types::launch_t`. Raises ValueError for what the twin lacks."""
    csc = launch["CSC"]
    if fault := _fault(csc):
        raise ValueError(f"the twin of the convolution core {fault}")
    fields = {
        "image": csc["DATAIN_FORMAT"],
        "pad_left": csc["PAD_LEFT"],
        "pad_top": csc["PAD_TOP"],
        "pad_value": csc["PAD_VALUE"] & 0xFF,
        "kernel_bytes": launch["CDMA"]["BYTE_PER_KERNEL"] + 1,
        "weight_entries": int(op["weight_bytes"]) // entry_bytes,
    } | {name: csc[name] for name in IN_BUFFER}
    return joined([(fields[name] if name in fields else csc[name] + 1, bits) for name, bits in WIDTHS])


def _fault(csc: Settings) -> str:
    """Return what of a launch the twin lacks, "" if nothing."""
    for name, what in ABSENT.items():
        if csc[name]:
            return f"has no {what}"
    if csc["BATCHES"]:
        return f"takes one image a launch, found batch {csc['BATCHES'] + 1}"
    if csc["PROC_PRECISION"]:
        return "is of INT8; write PROC_PRECISION 0"
    return ""
