"""What a program may ask of an accelerator: a launch that could never end is refused with its line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.modes import precision_fault
from hw_models.nvdla.op import Unit

IN_BUFFER = ("DATA_REUSE", "WEIGHT_REUSE", "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS")  # fields of D_MISC_CFG


def check_launch(launch: Launch, op: Any, preset: Mapping[str, int], path: Path) -> None:
    """Raise ConfigError for a launch that the accelerator lacks a unit for, or whose sizes contradict."""
    faults = {
        Unit.CONV: _convolution,
        Unit.SDP: _sdp,
        Unit.PDP: _pooling,
        Unit.CDP: _nothing,
        Unit.RUBIK: _rubik,
        Unit.BDMA: _bdma,
    }
    fault = precision_fault(launch, preset) or faults[launch.unit](launch, op, preset)
    if not fault and "PDP" in launch.units:
        fault = _pooling(launch, op, preset)
    if fault:
        raise ConfigError(fault, file=path, line=launch.line)


def _nothing(launch: Launch, op: Any, preset: Mapping[str, int]) -> str:
    return ""


def _bdma(launch: Launch, op: Any, preset: Mapping[str, int]) -> str:
    return "" if preset["bdma"] else "this accelerator has no BDMA; nv_full has"


def _rubik(launch: Launch, op: Any, preset: Mapping[str, int]) -> str:
    return "" if preset["rubik"] else "this accelerator has no RUBIK; nv_full has"


def _sdp(launch: Launch, op: Any, preset: Mapping[str, int]) -> str:
    return _same_cube(launch, "SDP_RDMA", ("WIDTH", "HEIGHT", "CHANNEL"))


def _convolution(launch: Launch, op: Any, preset: Mapping[str, int]) -> str:
    for name in IN_BUFFER:
        if launch["CDMA"][name] != launch["CSC"][name]:
            return f"{name} is {launch['CDMA'][name]} in CDMA and {launch['CSC'][name]} in CSC; write one"
    banks = int(op["data_banks"] + op["weight_banks"])
    if banks > preset["cbuf_banks"]:
        return f"{banks} banks for data and weights; CBUF has {preset['cbuf_banks']}"
    entries = (launch["CSC"]["ENTRIES"] + 1) * int(max(op["height"], op["lines"]) * op["batch"])
    room = int(op["data_banks"]) * preset["cbuf_depth"]
    if entries > room:
        return f"{entries} entries of input; {op['data_banks']} data banks hold {room}"
    if int(op["weights"]) % preset["dbb_bytes"]:
        beat = f"a beat of {preset['dbb_bytes']} B"
        return f"weights at {int(op['weights']):#x}, within {beat}; timing has them begin with one"
    need = int(op["kernels"] * op["kernel_height"] * op["kernel_width"] * op["channels"])
    wide = launch["CDMA"]["PROC_PRECISION"] and not op["wmb_bytes"]
    if not op["wmb_bytes"] and not op["winograd"] and int(op["weight_bytes"]) < need // (2 if wide else 1):
        return f"weights of {op['weight_bytes']} B; its kernels have {need // (2 if wide else 1)}"
    size = launch["CSC"]["DATAOUT_WIDTH"], launch["CSC"]["DATAOUT_HEIGHT"]
    for unit, names in (("CACC", ("DATAOUT_WIDTH", "DATAOUT_HEIGHT")), ("SDP", ("WIDTH", "HEIGHT"))):
        other = tuple(launch[unit][name] for name in names)
        if other != size:
            found = f"{other[0] + 1}x{other[1] + 1}"
            return f"{unit} expects {found}; CSC makes {size[0] + 1}x{size[1] + 1}"
    return _same_cube(launch, "SDP_RDMA", ("WIDTH", "HEIGHT"))


def _same_cube(launch: Launch, unit: str, names: tuple[str, ...]) -> str:
    """Tell of a reader that works on another cube than SDP."""
    if unit not in launch.units:
        return ""
    for name in names:
        ours, other = launch["SDP"][name] + 1, launch[unit][name] + 1
        if ours != other:
            return f"{unit} reads {name.lower()} {other}; SDP works on {ours}"
    return ""


def _pooling(launch: Launch, op: Any, preset: Mapping[str, int]) -> str:
    pdp = launch["PDP"]
    for side, first, last in (("WIDTH", "LEFT", "RIGHT"), ("HEIGHT", "TOP", "BOTTOM")):
        size, window = pdp[f"CUBE_IN_{side}"] + 1, pdp[f"KERNEL_{side}"] + 1
        padded = size + pdp[f"PAD_{first}"] + pdp[f"PAD_{last}"]
        out = (padded - window) // (pdp[f"KERNEL_STRIDE_{side}"] + 1) + 1
        found = pdp[f"CUBE_OUT_{side}"] + 1
        if found != out:
            return f"PDP writes {side.lower()} {found}; its windows make {out}"
    return ""
