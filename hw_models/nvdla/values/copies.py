"""What the copy engines do: BDMA moves lines, RUBIK changes how a cube lies in memory."""

import numpy as np

from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.cubes import Cube, read_cube, write_cube
from hw_models.nvdla.values.memory import Memory

LINE_UNIT_BYTES = 32  # of BDMA's CFG_LINE
CONTRACT, SPLIT, MERGE = 0, 1, 2  # RUBIK_MODE


def copy_lines(bdma: Settings, memory: Memory) -> None:
    """Copy lines and surfaces of lines at their strides."""
    size = (bdma["SIZE"] + 1) * LINE_UNIT_BYTES
    source = bdma.address("CFG_SRC_ADDR_LOW", "CFG_SRC_ADDR_HIGH")
    target = bdma.address("CFG_DST_ADDR_LOW", "CFG_DST_ADDR_HIGH")
    for surface in range(bdma.raw("CFG_SURF_REPEAT") + 1):
        for line in range(bdma.raw("CFG_LINE_REPEAT") + 1):
            from_line = surface * bdma.raw("CFG_SRC_SURF") + line * bdma.raw("CFG_SRC_LINE")
            to_line = surface * bdma.raw("CFG_DST_SURF") + line * bdma.raw("CFG_DST_LINE")
            memory.write(target + to_line, memory.read(source + from_line, size))


def reshape(rubik: Settings, memory: Memory, atom_bytes: int, kind: np.dtype) -> None:
    """Contract (channels become pixels), split (surfaces become planes) or merge (planes become surfaces)."""
    width, height = rubik["DATAIN_WIDTH"] + 1, rubik["DATAIN_HEIGHT"] + 1
    channels, out_channels = rubik["DATAIN_CHANNEL"] + 1, rubik["DATAOUT_CHANNEL"] + 1
    source = rubik.address("D_DAIN_ADDR_LOW", "D_DAIN_ADDR_HIGH")
    target = rubik.address("D_DAOUT_ADDR_LOW", "D_DAOUT_ADDR_HIGH")
    in_line, out_line = rubik.raw("D_DAIN_LINE_STRIDE"), rubik.raw("D_DAOUT_LINE_STRIDE")
    in_surface, out_surface = rubik.raw("D_DAIN_SURF_STRIDE"), rubik.raw("D_DAOUT_SURF_STRIDE")
    in_plane, out_plane = rubik.raw("D_DAIN_PLANAR_STRIDE"), rubik.raw("D_DAOUT_PLANAR_STRIDE")
    row = width * kind.itemsize
    if rubik["RUBIK_MODE"] == MERGE:
        planes = [
            [memory.read(source + c * in_plane + y * in_line, row).view(kind) for y in range(height)]
            for c in range(channels)
        ]
        data = np.array(planes).transpose(1, 2, 0)
        cube = Cube(target, width, height, channels, out_line, out_surface, kind)
        write_cube(memory, cube, data, atom_bytes)
        return
    cube = Cube(source, width, height, channels, in_line, in_surface, kind)
    data = read_cube(memory, cube, atom_bytes)
    if rubik["RUBIK_MODE"] == SPLIT:
        for c in range(channels):
            for y in range(height):
                memory.write(target + c * out_plane + y * out_line, data[y, :, c])
        return
    step_x, step_y = rubik["DECONV_X_STRIDE"] + 1, rubik["DECONV_Y_STRIDE"] + 1
    atom = atom_bytes // kind.itemsize
    lanes = -(-out_channels // atom) * atom
    parts = data[:, :, : lanes * step_x * step_y].reshape(height, width, step_y, step_x, lanes)
    spread = parts.transpose(0, 2, 1, 3, 4).reshape(height * step_y, width * step_x, lanes)
    cube = Cube(target, width * step_x, height * step_y, out_channels, out_line, out_surface, kind)
    write_cube(memory, cube, spread, atom_bytes)
