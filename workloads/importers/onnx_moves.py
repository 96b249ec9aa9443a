"""ONNX operators that move values and compute nothing. What keeps its place in memory costs nothing."""

from math import prod

from workloads.importers.onnx_nodes import At, default_axis, laid_shape
from workloads.importers.onnx_walk import Dims


def same(at: At) -> None:
    index = at.data()[0]
    at.source(index)
    at.reader.laid[at.node.output[0]] = dict(at.reader.laid[at.node.input[index]])


def reshape(at: At) -> None:
    """Merge or split axes: free where every channel keeps its values in order, else a core's copy."""
    before, after = at.dims(), at.out_dims()
    wanted = [i for i in range(len(before)) if _kept_axis(before, after, i) == default_axis(after)]
    if wanted:
        at.reader.lay_input(at.node.input[0], wanted[-1])
    at.source()
    for axis, tensor in at.reader.laid[at.node.input[0]].items():
        found = _kept_axis(before, after, axis)
        if found is not None:
            shape = laid_shape(after, found)
            tensor = (
                tensor
                if shape == at.builder.shape(tensor)
                else at.builder.view(at.name, tensor, shape, function="pixels")
            )
            return at.give(tensor, found)
    axis = default_axis(after)
    if len(after) > 2 and prod(after[:-1]) == 1:
        axis = len(after) - 1
    shape = laid_shape(after, axis)
    if shape == at.builder.shape(at.source()):
        return at.core("reshape")
    return at.give(at.builder.view(at.name, at.source(), shape), axis)


def _kept_axis(before: Dims, after: Dims, axis: int) -> int | None:
    """Return the axis of ``after`` that holds what ``axis`` held; None if the channels are torn."""
    front = prod(before[:axis])
    for other, size in enumerate(after):
        if size == before[axis] and prod(after[:other]) == front:
            return other
    return None


def transpose(at: At) -> None:
    before, after = at.dims(), at.out_dims()
    perm = list(at.attribute("perm", range(len(before))[::-1]))
    channels = perm[default_axis(after)]
    pixels = [axis for axis in perm if axis != channels and before[axis] != 1]
    if pixels == sorted(pixels):
        at.reader.lay_input(at.node.input[0], channels)
    at.source()
    for axis, tensor in at.reader.laid[at.node.input[0]].items():
        found = perm.index(axis)
        pixels = [perm[i] for i in range(len(after)) if i != found and after[i] != 1]
        if pixels == sorted(pixels):
            shape = laid_shape(after, found)
            if shape != at.builder.shape(tensor):
                tensor = at.builder.view(at.name, tensor, shape, function="pixels")
            return at.give(tensor, found)
    axis = default_axis(after)
    tensor = at.builder.cpu(at.name, "transpose", [at.source()], laid_shape(after, axis))
    return at.give(tensor, axis)


def concat(at: At) -> None:
    out = at.out_dims()
    axis = at.attribute("axis", 1) % len(out)
    data = at.data()
    if len(data) != len(at.node.input) or at.axis(data[0]) != axis or len(data) == 1:
        return at.core("concat")
    return at.give(at.builder.concat(at.name, [at.source(i, axis) for i in data]), axis)


def split(at: At) -> None:
    axis = at.attribute("axis", 0) % len(at.dims())
    if at.axis() != axis:
        for index, output in enumerate(at.node.output):
            if output:
                dims = at.out_dims(index)
                at_axis = at.axis() if dims[at.axis()] == at.dims()[at.axis()] else default_axis(dims)
                shape = laid_shape(dims, at_axis)
                at.give(at.builder.cpu(f"{at.name}.{index}", "slice", [at.source()], shape), at_axis, index)
        return
    first = 0
    for index, output in enumerate(at.node.output):
        if output:
            channels = at.out_dims(index)[axis]
            tensor = at.builder.slice(f"{at.name}.{index}", at.source(), first, channels)
            at.give(tensor, axis, index)
            first += channels


def slice_(at: At) -> None:
    before, after = at.dims(), at.out_dims()
    starts, axes = at.numbers(1, "starts"), at.numbers(3, "axes")
    steps = at.numbers(4, "steps")
    if before == after and (steps is None or min(steps) > 0):
        return same(at)
    changed = [i for i, (a, b) in enumerate(zip(before, after)) if a != b]
    if starts is None or changed != [at.axis()] or (steps is not None and set(steps) != {1}):
        return at.core("slice")
    axes = [axis % len(before) for axis in axes or range(len(starts))]
    axis = at.axis()
    start = starts[axes.index(axis)] if axis in axes else 0
    start = max(start + before[axis], 0) if start < 0 else start
    return at.give(at.builder.slice(at.name, at.source(), start, after[axis]), axis)


def pad(at: At) -> None:
    if at.dims() == at.out_dims():
        return same(at)
    return at.core("pad")


def expand(at: At) -> None:
    if prod(at.dims()) == prod(at.out_dims()):
        return reshape(at)
    return at.core("expand")


def dynamic_quantise(at: At) -> None:
    """Scale and zero point become registers of what follows."""
    at.core("quantise")
    at.reader.walker.constants.update(name for name in at.node.output[1:] if name)


def on_core(function: str, said: bool = True):  # type: ignore[no-untyped-def]
    """Return a maker of work for a core; ``said``: with a warning."""

    def make(at: At) -> None:
        at.core(function, f"operator {at.operator} is not known" if said else "")

    return make
