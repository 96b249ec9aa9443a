"""Launches executed on memory contents: what every unit reads, computes and writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.op import Unit
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.buffer import Buffer
from hw_models.nvdla.values.cdp import cdp_of, normalise
from hw_models.nvdla.values.cdp_floats import normalise_floats
from hw_models.nvdla.values.copies import copy_lines, reshape
from hw_models.nvdla.values.core import convolution
from hw_models.nvdla.values.cubes import DTYPES, FP16, Cube, read_cube, write_cube
from hw_models.nvdla.values.float_core import without_nan
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.operands import sdp_operands
from hw_models.nvdla.values.pdp import pool_cube, pool_of
from hw_models.nvdla.values.pdp_floats import pool_floats
from hw_models.nvdla.values.sdp import post_process, sdp_of
from hw_models.nvdla.values.sdp_floats import post_process_floats, widen_all


def element(settings: Settings, name: str) -> np.dtype:
    """Return the element type of a precision field."""
    return DTYPES[settings[name]]


def _check_conversion(launch: Launch, kind: np.dtype, out_type: np.dtype) -> None:
    """Raise ConfigError for a change of precision that SDP has no converter for."""
    if kind == FP16 and out_type == np.int8:
        raise ConfigError("SDP in FP16 writes FP16 or INT16, not INT8", line=launch.line or None)
    if "SDP_RDMA" in launch.units and launch.unit == Unit.SDP:
        if (element(launch["SDP_RDMA"], "IN_PRECISION") == FP16) != (kind == FP16):
            message = "SDP reads FP16 where it works in FP16, and only there; write IN_PRECISION alike"
            raise ConfigError(message, line=launch.line or None)


@dataclass
class Executor:
    """Executes launches of one accelerator in order; ``preset``: its parameters."""

    preset: Mapping[str, int]
    memory: Memory
    buffer: Buffer = field(default_factory=Buffer)  # CBUF

    @property
    def atom(self) -> int:
        return self.preset["atom_bytes"]

    def run(self, launch: Launch) -> None:
        """Execute one launch. Raises ConfigError for what this model does not compute."""
        steps = {
            Unit.CONV: self._post,
            Unit.SDP: self._post,
            Unit.PDP: self._pool,
            Unit.CDP: self._normalise,
            Unit.BDMA: self._copy,
            Unit.RUBIK: self._reshape,
        }
        steps[launch.unit](launch)

    def _post(self, launch: Launch) -> None:
        """SDP, its input from the convolution or from memory, its output to memory or to PDP."""
        sdp = launch["SDP"]
        height, width, channels = sdp["HEIGHT"] + 1, sdp["WIDTH"] + 1, sdp["CHANNEL"] + 1
        images = sdp["BATCH_NUMBER"] + 1 if launch.unit == Unit.CONV else 1
        row = sdp_of(sdp, self.preset["sdp_ew_elements"] > 0, self.preset["lut"] > 0)
        out_type, kind = element(sdp, "OUT_PRECISION"), element(sdp, "PROC_PRECISION")
        _check_conversion(launch, kind, out_type)
        if launch.unit == Unit.CONV:
            self.buffer.begin(launch, self.memory, self.preset)
        for image in range(images):
            if launch.unit == Unit.CONV:
                found = self.buffer.found(image)
                values = convolution(launch, self.memory, self.preset, found, image)
            else:
                values = self.sdp_input(launch).astype(np.int64)
                if kind == FP16:
                    widen_all(values.reshape(-1))
            lanes = -(-channels * out_type.itemsize // self.atom) * (self.atom // out_type.itemsize)
            wide = np.zeros((height * width, max(lanes, values.shape[2])), np.int64)
            wide[:, : values.shape[2]] = values.reshape(height * width, -1)
            operands = sdp_operands(launch, self.memory, self.atom, wide.shape[1])
            process = post_process_floats if kind == FP16 else post_process
            process(row, wide, operands)
            result = wide.reshape(height, width, -1).astype(out_type)
            if sdp["OUTPUT_DST"]:
                self._pool_of(launch["PDP"], result)
                continue
            address = sdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH")
            address += image * sdp["DST_BATCH_STRIDE"]
            strides = sdp["DST_LINE_STRIDE"], sdp["DST_SURFACE_STRIDE"]
            cube = Cube(address, width, height, lanes, *strides, out_type, packed=True)
            write_cube(self.memory, cube, result, self.atom)
        if launch.unit == Unit.CONV:
            self.buffer.end(found["weights"])

    def sdp_input(self, launch: Launch) -> np.ndarray:
        """Return what SDP reads from memory: (height, width, channels), in whole atoms."""
        reader = launch["SDP_RDMA"]
        cube = Cube(
            reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH"),
            reader["WIDTH"] + 1,
            reader["HEIGHT"] + 1,
            reader["CHANNEL"] + 1,
            reader["SRC_LINE_STRIDE"],
            reader["SRC_SURFACE_STRIDE"],
            element(reader, "IN_PRECISION"),
            packed=True,
        )
        return read_cube(self.memory, cube, self.atom)

    def _pool(self, launch: Launch) -> None:
        reader, pdp = launch["PDP_RDMA"], launch["PDP"]
        cube = Cube(
            reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH"),
            reader["CUBE_IN_WIDTH"] + 1,
            reader["CUBE_IN_HEIGHT"] + 1,
            reader["CUBE_IN_CHANNEL"] + 1,
            reader["SRC_LINE_STRIDE"],
            reader["SRC_SURFACE_STRIDE"],
            element(reader, "INPUT_DATA"),
        )
        self._pool_of(pdp, read_cube(self.memory, cube, self.atom))

    def _pool_of(self, pdp: Settings, data: np.ndarray) -> None:
        out_type = element(pdp, "INPUT_DATA")
        height, width = pdp["CUBE_OUT_HEIGHT"] + 1, pdp["CUBE_OUT_WIDTH"] + 1
        out = np.zeros((height, width, data.shape[2]), np.int64)
        if out_type == FP16:
            numbers = without_nan(data) if pdp["NAN_TO_ZERO"] else data
            pool_floats(pool_of(pdp), numbers.astype(np.int64), out)
        else:
            pool_cube(pool_of(pdp), data.astype(np.int64), out)
        cube = Cube(
            pdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH"),
            width,
            height,
            data.shape[2],
            pdp["DST_LINE_STRIDE"],
            pdp["DST_SURFACE_STRIDE"],
            out_type,
        )
        write_cube(self.memory, cube, out.astype(out_type), self.atom)

    def _normalise(self, launch: Launch) -> None:
        reader, cdp = launch["CDP_RDMA"], launch["CDP"]
        kind = element(cdp, "INPUT_DATA_TYPE")
        channels = reader["CHANNEL"] + 1
        size = reader["WIDTH"] + 1, reader["HEIGHT"] + 1, channels
        source = reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH")
        strides = reader["SRC_LINE_STRIDE"], reader["SRC_SURFACE_STRIDE"]
        data = read_cube(self.memory, Cube(source, *size, *strides, kind), self.atom)
        row = cdp_of(cdp, narrow=kind == np.int8)
        if kind == FP16 and cdp["NAN_TO_ZERO"]:
            data = without_nan(data)
        values = data.astype(np.int64).reshape(-1, data.shape[2])
        (normalise_floats if kind == FP16 else normalise)(row, values, channels)
        target = cdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH")
        lanes = size[0], size[1], data.shape[2]
        cube = Cube(target, *lanes, cdp["DST_LINE_STRIDE"], cdp["DST_SURFACE_STRIDE"], kind)
        write_cube(self.memory, cube, values.reshape(data.shape).astype(kind), self.atom)

    def _copy(self, launch: Launch) -> None:
        copy_lines(launch["BDMA"], self.memory)

    def _reshape(self, launch: Launch) -> None:
        rubik = launch["RBK"]
        reshape(rubik, self.memory, self.atom, element(rubik, "IN_PRECISION"))
