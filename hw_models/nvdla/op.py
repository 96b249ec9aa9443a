"""One hardware operation as the NVDLA driver programs it: the registers that decide its timing.

A row is one launch: a convolution with the SDP (and PDP) that it feeds on the fly, or a unit that runs
from memory to memory. Sizes are in elements, strides and addresses in bytes. INT8: an element is a byte.
"""

from enum import IntEnum

import numpy as np


class Unit(IntEnum):
    CONV = 0  # CDMA, CSC, CMAC, CACC and the SDP behind them; `pool` adds PDP
    SDP = 1  # SDP from memory
    PDP = 2
    CDP = 3
    RUBIK = 4  # nv_full only
    BDMA = 5  # nv_full only


class InBuffer(IntEnum):
    """Bits of `reuse` and `keep`: what lies in CBUF."""

    DATA = 1  # input lines
    WEIGHTS = 2  # kernel groups


class Operand(IntEnum):
    """Where an SDP sub-unit (X1, X2, Y) takes its second operand from."""

    OFF = 0
    REGISTER = 1  # on, with a constant or as ReLU only: no memory
    PER_KERNEL = 2  # one value a channel, fetched once
    PER_ELEMENT = 3  # a whole feature map


OP = np.dtype(
    [
        ("unit", np.int64),
        # input cube and where it lies; for PDP/CDP/SDP/RUBIK/BDMA the same fields
        ("width", np.int64),
        ("height", np.int64),
        ("channels", np.int64),
        ("src", np.int64),
        ("src_line_stride", np.int64),
        ("src_surface_stride", np.int64),
        # convolution
        ("wide", np.int64),  # 1: elements of 16 bits; sizes of cubes and `kernels` are bytes all the same
        ("image", np.int64),  # 1: pixel format (channels interleaved, no surfaces), 0: feature format
        ("winograd", np.int64),  # 1: 3x3 in Winograd form; modes.py has what these modes ask of an operation
        ("batch", np.int64),  # images a launch, 1 usually (0 counts as 1)
        ("batch_stride", np.int64),  # from image to image of the input
        ("kernels", np.int64),
        ("kernel_height", np.int64),  # R
        ("kernel_width", np.int64),  # S
        ("stride_x", np.int64),
        ("stride_y", np.int64),
        ("pad_left", np.int64),
        ("pad_right", np.int64),
        ("pad_top", np.int64),
        ("pad_bottom", np.int64),
        ("dilation_x", np.int64),
        ("dilation_y", np.int64),
        ("data_banks", np.int64),
        ("weight_banks", np.int64),
        ("fetch_grain", np.int64),  # lines a CDMA grain
        ("line_packed", np.int64),
        ("surface_packed", np.int64),
        ("release", np.int64),  # input lines given back to CDMA at the end; 0: all
        ("reuse", np.int64),  # bits of InBuffer: taken from CBUF where the launch before kept them
        ("keep", np.int64),  # bits of InBuffer: not given back at the end
        ("lines", np.int64),  # that CSC works on, kept ones among them; 0: those that CDMA fetches, `height`
        ("weights", np.int64),  # address
        ("weight_bytes", np.int64),  # as stored, rounded up to 128 B
        ("wmb", np.int64),  # compressed weights: address of the mask, one bit a weight
        ("wmb_bytes", np.int64),  # 0: not compressed
        ("wgs", np.int64),  # address of the stored size of each kernel group, 4 B each
        # output cube
        ("out_width", np.int64),
        ("out_height", np.int64),
        ("out_channels", np.int64),
        ("dst", np.int64),
        ("dst_line_stride", np.int64),
        ("dst_surface_stride", np.int64),
        ("dst_batch_stride", np.int64),  # from image to image of the output
        # SDP: three sub-units; bytes: per element of the operand, 0 when none
        ("x1", np.int64),
        ("x1_bytes", np.int64),  # both: bias+scale count together (2 x 2 B = 4)
        ("x1_address", np.int64),
        ("x1_line_stride", np.int64),
        ("x1_surface_stride", np.int64),
        ("x1_work", np.int64),  # ALU 1 + multiplier 2, -1: neither; 0: as its operand's bytes say
        ("x1_relu", np.int64),
        ("x2", np.int64),
        ("x2_bytes", np.int64),
        ("x2_address", np.int64),
        ("x2_line_stride", np.int64),
        ("x2_surface_stride", np.int64),
        ("x2_work", np.int64),
        ("x2_relu", np.int64),  # 1 ReLU, 2 PReLU
        ("y", np.int64),
        ("y_bytes", np.int64),
        ("y_address", np.int64),
        ("y_line_stride", np.int64),
        ("y_surface_stride", np.int64),
        ("lut", np.int64),  # 1: the Y unit's look-up table is used
        # PDP: stand-alone or behind a convolution (`pool` = 1); its input is the cube above or SDP's output
        ("pool", np.int64),
        ("pool_width", np.int64),  # window
        ("pool_height", np.int64),
        ("pool_stride_x", np.int64),
        ("pool_stride_y", np.int64),
        ("pool_pad_left", np.int64),
        ("pool_pad_right", np.int64),
        ("pool_pad_top", np.int64),
        ("pool_pad_bottom", np.int64),
        ("pool_out_width", np.int64),
        ("pool_out_height", np.int64),
        ("lrn_size", np.int64),  # CDP: channels whose squares are added up; 0: the value itself is looked up
        ("lrn_product", np.int64),  # 1: times the value
        # RAM types, a bit a Client: 1 where its surfaces lie in CVSRAM, behind the second interface
        ("read_ram_types", np.int64),
        ("write_ram_types", np.int64),
        # bookkeeping, no timing
        ("layer", np.int64),  # index of the network's layer
        ("macs", np.int64),  # multiply-accumulates that the layer asks for, without padding of channels
        ("registers", np.int64),  # registers that the driver writes to launch it
    ]
)
