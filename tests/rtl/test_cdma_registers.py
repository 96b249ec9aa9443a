"""What the twin of CDMA has no registers for is refused in words."""

import numpy as np
import pytest

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks.cdma_registers import registers_of

IMAGE = {"image": 1, "channels": 4}


def told(op_fields, register_fields, preset="nv_small"):
    """Return the registers of a small launch, changed as told."""
    op = np.zeros(1, OP)[0]
    plain = {"width": 9, "height": 2, "channels": 8, "kernels": 8, "out_channels": 8, "weight_bytes": 128}
    ones = ("stride_x", "stride_y", "kernel_width", "kernel_height", "out_width", "out_height")
    for name, value in (dict.fromkeys((*ones, "data_banks", "weight_banks"), 1) | plain | op_fields).items():
        op[name] = value
    cdma = launch_of(op, PRESETS[preset], {"CDMA": register_fields})["CDMA"]
    return registers_of(op, cdma, PRESETS[preset])


def test_an_image_begins_at_its_first_pixel():
    """Within its atom it is a number of pixels: the address is the atom's."""
    op = np.zeros(1, OP)[0]
    for name, value in (IMAGE | {"src": 0x44, "width": 9, "height": 2, "kernels": 8}).items():
        op[name] = value
    for name in ("stride_x", "stride_y", "kernel_width", "kernel_height", "out_width", "out_height"):
        op[name] = 1
    launch = launch_of(op, PRESETS["nv_small"], {})
    cdma = launch["CDMA"]
    assert (cdma.raw("D_DAIN_ADDR_LOW_0"), cdma["PIXEL_X_OFFSET"]) == (0x40, 1)
    assert op_of(launch, 8)[0]["src"] == 0x44


def test_features_and_images_are_not_refused():
    assert told({}, {}) != told(IMAGE, {}) != told(IMAGE, {"PIXEL_FORMAT": 0x0F})


@pytest.mark.parametrize(
    ("op", "registers", "words"),
    [
        ({"winograd": 1}, {}, "has no Winograd form"),
        ({"wmb_bytes": 128}, {}, "has no compressed weights"),
        ({"batch": 2}, {}, "takes one image a launch, found batch 2"),
        ({}, {"PROC_PRECISION": 1}, "is of INT8"),
        (IMAGE, {"PIXEL_FORMAT": 0x14}, "has no pixel format 0x14 of 4 channels"),
        (IMAGE | {"width": 2}, {}, "has no image of one atom a line"),
        (IMAGE | {"pad_left": 3, "pad_right": 3}, {}, "no time for lines of 5 atoms that fill 8 entries"),
    ],
)
def test_what_the_twin_lacks_is_refused(op, registers, words):
    with pytest.raises(ValueError, match=words):
        told(op, registers)


def test_a_port_wider_than_an_atom_is_refused():
    with pytest.raises(
        ValueError, match="beats of one atom, entries of one or two and as many channels, 32 B an atom"
    ):
        told({}, {}, "nv_full")
