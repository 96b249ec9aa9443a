"""What batches, compressed weights, Winograd and precisions ask of an operation and of the accelerator.

The rules are the RTL's (CSC_sg.v: a batch works on one output pixel at a time and the open release supports
it for fully connected layers only; CDMA_wt.v: sizes in units of 128 B), but for operands of SDP: element by
element they are not modelled in these modes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.registers import fields
from hw_models.nvdla.timing import MASK_WEIGHTS, WINOGRAD_CHANNELS, WINOGRAD_OUTPUT, WINOGRAD_TAPS

PRECISIONS = {"int16": "INT16", "fp16": "FP16"}  # that a preset may have beside INT8, by its field
NAMES = ("INT8", "INT16", "FP16")  # by the number in a register
PRECISION_FIELDS = {
    "CDMA": ("IN_PRECISION", "PROC_PRECISION"),
    "CSC": ("IN_PRECISION", "PROC_PRECISION"),
    "CMAC_A": ("PROC_PRECISION",),
    "CMAC_B": ("PROC_PRECISION",),
    "CACC": ("PROC_PRECISION",),
    "SDP_RDMA": ("IN_PRECISION", "PROC_PRECISION", "OUT_PRECISION"),
    "SDP": ("PROC_PRECISION", "OUT_PRECISION"),
    "PDP_RDMA": ("INPUT_DATA",),
    "PDP": ("INPUT_DATA",),
    "CDP_RDMA": ("INPUT_DATA",),
    "CDP": ("INPUT_DATA_TYPE",),
    "RBK": ("IN_PRECISION",),
}
LARGEST_BATCH = 32  # field of 5 bits, CSC_sg.v
UNIT_BYTES = 128  # of WEIGHT_BYTES and WMB_BYTES
FLAGS = {
    "winograd": "convolves in Winograd form",
    "batch": "takes several images a launch",
    "weight_compression": "reads compressed weights",
}


def _asked(op: Any) -> list[str]:
    """Return the modes that an operation is in, by the preset's flag."""
    found = {"winograd": op["winograd"], "batch": op["batch"] > 1, "weight_compression": op["wmb_bytes"]}
    return [name for name, on in found.items() if on]


def _fault(op: Any, mode: str) -> str:
    """Return what is wrong with an operation in a mode, "" when nothing is."""
    size = f"{op['out_width']}x{op['out_height']}"
    if mode == "batch":
        if op["batch"] > LARGEST_BATCH:
            return f"batch of {op['batch']} images, at most {LARGEST_BATCH}"
        if size != "1x1":
            return f"a batch needs an output of one pixel an image, found {size}"
    if mode == "winograd":
        kernel = f"{op['kernel_width']}x{op['kernel_height']}"
        if kernel != "3x3" or (op["stride_x"], op["stride_y"]) != (1, 1):
            return f"Winograd needs a 3x3 kernel of stride 1, found {kernel}"
        if op["dilation_x"] > 1 or op["dilation_y"] > 1:
            return "Winograd cannot dilate its kernel"
        if op["out_width"] % WINOGRAD_OUTPUT or op["out_height"] % WINOGRAD_OUTPUT:
            return f"Winograd needs an output of whole 4x4 blocks, found {size}"
    if mode == "weight_compression":
        kernels, channels = int(op["kernels"] >> op["wide"]), int(op["channels"] >> op["wide"])
        weights = kernels * channels * int(op["kernel_height"] * op["kernel_width"])
        if op["winograd"]:
            weights = kernels * -(-channels // WINOGRAD_CHANNELS) * WINOGRAD_CHANNELS * WINOGRAD_TAPS
        if op["weight_bytes"] % UNIT_BYTES or op["wmb_bytes"] % UNIT_BYTES:
            return f"weight_bytes and wmb_bytes come in units of {UNIT_BYTES} B"
        if op["wmb_bytes"] * MASK_WEIGHTS < weights:
            return f"wmb_bytes {op['wmb_bytes']} is less than a bit for each of {weights} weights"
        return ""
    if op["image"]:
        return f"{mode} needs feature format"
    if op["pool"]:
        return f"{mode} and pooling on the fly exclude each other"
    if op["winograd"] and op["batch"] > 1:
        return "batch and winograd exclude each other"
    if Operand.PER_ELEMENT in (op["x1"], op["x2"], op["y"]):
        return f"{mode} with operands element by element is not modelled"
    return ""


def check_modes(ops: np.ndarray, preset: Mapping[str, int]) -> None:
    """Raise ConfigError for the first operation whose mode the accelerator lacks or cannot run."""
    special = (ops["winograd"] != 0) | (ops["batch"] > 1) | (ops["wmb_bytes"] != 0)
    for index in np.flatnonzero(special & (ops["unit"] == Unit.CONV)):
        for mode in _asked(ops[index]):
            if not preset[mode]:
                message = f"operation {index}: this accelerator is not one that {FLAGS[mode]}; nv_full is"
                raise ConfigError(message, key=mode)
            fault = _fault(ops[index], mode)
            if fault:
                raise ConfigError(f"operation {index}: {fault}", key=mode)


def precision_fault(launch: Launch, preset: Mapping[str, int]) -> str:
    """Return what is wrong with the precisions that a program wrote for a launch, "" when nothing is."""
    has = ("INT8", *(name for key, name in PRECISIONS.items() if preset[key]))
    for unit, settings in launch.units.items():
        for field in PRECISION_FIELDS.get(unit, ()):
            if fields(unit)[field][0] not in settings.values:
                continue
            number = settings[field]
            if number >= len(NAMES):
                return f"{unit}'s {field} is {number}; write 0 (INT8), 1 (INT16) or 2 (FP16)"
            if NAMES[number] not in has:
                return f"{unit}'s {field} is {NAMES[number]}; this accelerator computes {' and '.join(has)}"
    return ""
