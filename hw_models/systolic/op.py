"""One operation of the systolic array: a convolution or a matrix product, and how it is cut in tiles.

A matrix product of m x k by k x n is a 1x1 convolution of an image one pixel wide, m high, with k channels
and n kernels. Feature maps lie pixel by pixel, the channels of a pixel side by side (NHWC). INT8: an element
is a byte. Weights lie tile by tile in the order kernels, channels; see `hw_models.systolic.tiles`.
"""

import numpy as np

OP = np.dtype(
    [
        # input: pixels, and the channels that this operation sees of each
        ("src", np.int64),
        ("width", np.int64),
        ("height", np.int64),
        ("channels", np.int64),
        ("src_pixel_stride", np.int64),  # bytes from pixel to pixel
        ("src_line_stride", np.int64),
        # window
        ("kernel_height", np.int64),
        ("kernel_width", np.int64),
        ("stride_x", np.int64),
        ("stride_y", np.int64),
        ("dilation_x", np.int64),
        ("dilation_y", np.int64),
        ("pad_left", np.int64),
        ("pad_top", np.int64),
        # weights and output
        ("kernels", np.int64),
        ("weights", np.int64),  # address
        ("weight_bytes", np.int64),
        ("out_width", np.int64),
        ("out_height", np.int64),
        ("dst", np.int64),
        ("dst_pixel_stride", np.int64),
        ("dst_line_stride", np.int64),
        # how it is cut: the last tile of each kind takes the rest
        ("tile_kernels", np.int64),
        ("tile_channels", np.int64),
        ("tile_lines", np.int64),  # of the output
        ("tile_columns", np.int64),  # of the output
        ("kernels_outside", np.int64),  # 1: all pixels for some kernels, then the next; 0: the other way
        # bookkeeping, no timing
        ("unit", np.int64),  # 0: there is one
        ("layer", np.int64),
        ("macs", np.int64),
        ("registers", np.int64),  # registers that the driver writes to launch it
    ]
)


def gemm(m: int, k: int, n: int, src: int = 0, weights: int = 0, dst: int = 0) -> dict[str, int]:
    """Return the fields of the product of an m x k and a k x n matrix, in one tile."""
    return {
        "src": src,
        "width": 1,
        "height": m,
        "channels": k,
        "src_pixel_stride": k,
        "src_line_stride": k,
        **{"kernel_height": 1, "kernel_width": 1, "stride_x": 1, "stride_y": 1},
        **{"dilation_x": 1, "dilation_y": 1},
        "kernels": n,
        "weights": weights,
        "weight_bytes": k * n,
        "out_width": 1,
        "out_height": m,
        "dst": dst,
        "dst_pixel_stride": n,
        "dst_line_stride": n,
        **{"tile_kernels": n, "tile_channels": k, "tile_lines": m, "tile_columns": 1},
        "kernels_outside": 1,
        "macs": m * k * n,
    }
