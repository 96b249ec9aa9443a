"""Shapes of an ONNX file's inputs: those of the file, and what the config says in their place."""

from collections.abc import Mapping
from difflib import get_close_matches

import onnx

from workloads.graph import MOST

InputSizes = tuple[int, int] | Mapping[str, tuple[int, ...]] | None  # width and height, or shapes by name
COLOURS = (1, 3, 4)
LENGTHS = ("seq", "len", "time", "token", "step", "frame", "past", "audio", "sample")
PASSES = (
    "Cast",
    "Identity",
    "QuantizeLinear",
    "DequantizeLinear",
    "Sub",
    "Add",
    "Mul",
    "Div",
    "Relu",
    "Clip",
)


def set_inputs(
    graph: onnx.GraphProto, constants: set[str], sizes: InputSizes, notes: list[str]
) -> dict[str, onnx.TypeProto]:
    """Return the types of all inputs, no dimension open. Raises ValueError."""
    inputs = [value for value in graph.input if value.name not in constants]
    for value in inputs:
        if not value.type.HasField("tensor_type"):
            raise ValueError(
                f"input {value.name!r} is no tensor but a sequence or optional; export tensors only"
            )
    given = dict(sizes) if isinstance(sizes, Mapping) else {}
    for name in given:
        if name not in [value.name for value in inputs]:
            names = [value.name for value in inputs]
            close = get_close_matches(name, names, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"they are {', '.join(names)}"
            raise ValueError(f"input {name!r} is none of the model's; {advice}")
    image = {}
    if sizes is not None and not isinstance(sizes, Mapping):
        image = _image_axes(graph, inputs, sizes)
    types = {}
    for value in inputs:
        dims = _dims(value, given.get(value.name), image.get(value.name, {}), notes)
        types[value.name] = onnx.helper.make_tensor_type_proto(value.type.tensor_type.elem_type, dims)
    return types


def _dims(
    value: onnx.ValueInfoProto, given: tuple[int, ...] | None, image: dict[int, int], notes: list[str]
) -> list[int]:
    tensor = value.type.tensor_type
    if given is not None:
        if tensor.HasField("shape") and len(tensor.shape.dim) != len(given):
            have = shown(value)
            raise ValueError(
                f"input {value.name!r} has {len(tensor.shape.dim)} dimensions, {have}; write as many"
            )
        return list(given)
    if not tensor.HasField("shape"):
        raise ValueError(
            f"input {value.name!r} has no shape; write `input: {{{value.name}: [1, 3, 224, 224]}}`"
        )
    dims = []
    for axis, dim in enumerate(tensor.shape.dim):
        size = image.get(axis, dim.dim_value)
        if dim.HasField("dim_value") and dim.dim_value < 1 and axis not in image and dim.dim_value == 0:
            size = 0
        is_open = axis not in image and (not dim.HasField("dim_value") or dim.dim_value < 0)
        if is_open and axis == 0 and len(tensor.shape.dim) > 1 and not _is_length(dim.dim_param):
            notes.append(f"input {value.name!r}: open dimension 0 ({dim.dim_param or '?'}) is one image")
            size = 1
        elif is_open:
            raise ValueError(
                f"input {value.name!r} has an open dimension {dim.dim_param or '?'!r} in {shown(value)}; "
                f"write `input: WIDTHxHEIGHT`, or `input: {{{value.name}: [{_example(value)}]}}`"
            )
        if not 0 < size <= MOST:
            raise ValueError(f"input {value.name!r} has the shape {shown(value)}; each must be 1 to {MOST}")
        dims.append(size)
    return dims


def _is_length(name: str) -> bool:
    return any(word in name.lower() for word in LENGTHS)


def shown(value: onnx.ValueInfoProto) -> str:
    dims = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?"
            for d in value.type.tensor_type.shape.dim]  # fmt: skip
    return f"[{', '.join(dims)}]"


def _example(value: onnx.ValueInfoProto) -> str:
    dims = value.type.tensor_type.shape.dim
    return ", ".join(
        str(d.dim_value) if d.dim_value > 0 else "1" if i == 0 else "N" for i, d in enumerate(dims)
    )


def _image_axes(
    graph: onnx.GraphProto, inputs: list[onnx.ValueInfoProto], size: tuple[int, int]
) -> dict[str, dict[int, int]]:
    """Return, for the one image among the inputs, axis -> new size. Raises ValueError if there is not one."""
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in inputs}
    images = [value for value in inputs if ranks[value.name] == 4]
    if not images:
        images = [v for v in inputs if ranks[v.name] == 3 and _colour_axis(v, graph, 0, 2) is not None]
    if len(images) != 1:
        named = ", ".join(f"{value.name} {shown(value)}" for value in inputs)
        raise ValueError(
            f"WIDTHxHEIGHT is for a model with one image, and this has {len(images)} ({named}); "
            f"write `input: {{{inputs[0].name if inputs else 'NAME'}: [...]}}`"
        )
    value = images[0]
    rank = ranks[value.name]
    colour = _colour_axis(value, graph, rank - 3, rank - 1)
    if colour is None:
        raise ValueError(
            f"which axes of input {value.name!r} {shown(value)} are height and width is not known; "
            f"write `input: {{{value.name}: [{_example(value)}]}}`"
        )
    rows, columns = (rank - 2, rank - 1) if colour == rank - 3 else (rank - 3, rank - 2)
    return {value.name: {rows: size[1], columns: size[0]}}


def _colour_axis(value: onnx.ValueInfoProto, graph: onnx.GraphProto, first: int, last: int) -> int | None:
    """Return the axis of the channels: as its reader takes it, else the one as large as colours are."""
    read = _as_read(value.name, graph)
    if read is not None and last == 3:
        return first if read else last
    dims = value.type.tensor_type.shape.dim
    fixed = [axis for axis in (first, last) if dims[axis].dim_value in COLOURS]
    return fixed[0] if len(fixed) == 1 else first if fixed else None


def _as_read(name: str, graph: onnx.GraphProto) -> bool | None:
    """Tell whether the first operator that cares reads channels first; None if nobody says."""
    names = {name}
    for node in graph.node:
        if not names & set(node.input):
            continue
        if node.op_type in (
            "Conv",
            "QLinearConv",
            "ConvInteger",
            "MaxPool",
            "AveragePool",
            "BatchNormalization",
        ):
            return True
        if node.op_type == "Transpose":
            perm = next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
            return False if perm == [0, 3, 1, 2] else True if perm == [0, 2, 3, 1] else None
        if node.op_type in PASSES:
            names.update(node.output)
    return None
