"""The loop nest of an operation, and what a step of it moves.

A step is a tile of outputs (kernels x lines x columns) for a tile of input channels. Channels are innermost:
an output tile's partial sums stay in the accumulators. Its weights, taps x channels x kernels, lie in one
piece; its inputs are the part of the image under the window, without the padding, fetched once for all taps.
"""

from hw_models.jit import inlined, njit


@inlined
def place_of(state, op, step):
    """Return (kernel tile, line tile, column tile, channel tile) of a step."""
    output, channel = divmod(step, state["channel_tiles"])
    pixels = state["line_tiles"] * state["column_tiles"]
    if op["kernels_outside"]:
        kernel, pixel = divmod(output, pixels)
    else:
        pixel, kernel = divmod(output, state["kernel_tiles"])
    return kernel, pixel // state["column_tiles"], pixel % state["column_tiles"], channel


@inlined
def part(whole, tile, number):
    """Return the size of tile ``number`` of ``whole``."""
    return min(tile, whole - number * tile)


@inlined
def seen(first, count, stride, reach, pad, size):
    """Return (first, count) of the input lines or columns under ``count`` outputs, without the padding."""
    start = first * stride - pad
    end = min(size, start + (count - 1) * stride + reach)
    start = max(0, start)
    return start, max(0, end - start)


@inlined
def set_transfer(transfer, address, lines, line_stride, pixels, pixel_stride, run):
    """Set up runs of bytes, joined where they have no gap between them."""
    if run == pixel_stride:
        run, pixels = run * pixels, 1
        if run == line_stride:
            run, lines = run * lines, 1
    transfer["address"] = address
    transfer["lines"], transfer["line_stride"] = lines, line_stride
    transfer["pixels"], transfer["pixel_stride"] = pixels, pixel_stride
    transfer["run"] = run
    transfer["line"] = transfer["pixel"] = transfer["done"] = 0
    if lines * pixels * run == 0:
        transfer["lines"] = 0


@njit
def set_loads(state, op, step):
    """Set up a step's transfers: weights, inputs; nothing for what the step before has left there."""
    kernel, line, column, channel = place_of(state, op, step)
    taps = op["kernel_height"] * op["kernel_width"]
    kernels = part(op["kernels"], op["tile_kernels"], kernel)
    channels = part(op["channels"], op["tile_channels"], channel)
    new_weights = new_inputs = True
    if step > 0:
        kernel_before, line_before, column_before, channel_before = place_of(state, op, step - 1)
        same = channel == channel_before
        new_weights = not same or kernel != kernel_before
        new_inputs = not same or line != line_before or column != column_before
    weights, inputs = state["load"][0], state["load"][1]
    weights["lines"] = inputs["lines"] = 0
    if new_weights:
        before = kernel * op["tile_kernels"] * op["channels"] + channel * op["tile_channels"] * kernels
        size = taps * channels * kernels
        set_transfer(weights, op["weights"] + taps * before, 1, 0, 1, 0, size)
    if new_inputs:
        lines = part(op["out_height"], op["tile_lines"], line)
        reach = (op["kernel_height"] - 1) * op["dilation_y"] + 1
        top, lines = seen(line * op["tile_lines"], lines, op["stride_y"], reach, op["pad_top"], op["height"])
        columns = part(op["out_width"], op["tile_columns"], column)
        reach = (op["kernel_width"] - 1) * op["dilation_x"] + 1
        left, columns = seen(
            column * op["tile_columns"], columns, op["stride_x"], reach, op["pad_left"], op["width"]
        )
        at = top * op["src_line_stride"] + left * op["src_pixel_stride"] + channel * op["tile_channels"]
        set_transfer(
            inputs, op["src"] + at, lines, op["src_line_stride"], columns, op["src_pixel_stride"], channels
        )


@njit
def set_store(state, op, output):
    """Set up the transfer of an output tile."""
    kernel, line, column, _ = place_of(state, op, output * state["channel_tiles"])
    lines = part(op["out_height"], op["tile_lines"], line)
    columns = part(op["out_width"], op["tile_columns"], column)
    at = (
        line * op["tile_lines"] * op["dst_line_stride"] + column * op["tile_columns"] * op["dst_pixel_stride"]
    )
    set_transfer(
        state["store"],
        op["dst"] + at + kernel * op["tile_kernels"],
        lines,
        op["dst_line_stride"],
        columns,
        op["dst_pixel_stride"],
        part(op["kernels"], op["tile_kernels"], kernel),
    )


@njit
def array_cycles(state, op, step):
    """Return the cycles that a step keeps the array: the first weights, then fold behind fold.

    A fold is rows x columns weights. While the outputs of one stream through, the weights of the next are
    shifted in behind them, which takes as many cycles as there are rows.
    """
    kernel, line, column, channel = place_of(state, op, step)
    taps = op["kernel_height"] * op["kernel_width"]
    depth = taps * part(op["channels"], op["tile_channels"], channel)
    kernels = part(op["kernels"], op["tile_kernels"], kernel)
    pixels = part(op["out_height"], op["tile_lines"], line) * part(
        op["out_width"], op["tile_columns"], column
    )
    folds = -(-depth // state["rows"]) * -(-kernels // state["columns"])
    return state["rows"] + (folds - 1) * max(pixels, state["rows"]) + pixels
