"""Products of matrices: 1x1 convolutions where one operand is a constant, else exact work for a core."""

from math import prod

from workloads.graph import CoreWork, Window
from workloads.importers.onnx_nodes import At, laid_shape
from workloads.importers.onnx_walk import Dims

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def rows_times(
    at: At, index: int, axis: int, kernels: int, weights: int, out: Dims, out_axis: int, bias: bool
) -> None:
    """Multiply the values along ``axis`` of input ``index`` with a constant: a 1x1 convolution over the rest.

    ``weights``: the index of the constant. A single row is a fully connected layer.
    """
    parameters = at.node.input[weights]
    if prod(at.dims(index)) == at.dims(index)[axis]:
        tensor = at.builder.fc(at.name, at.source(index), kernels, bias, parameters=parameters)
    else:
        source = at.source(index, axis)
        tensor = at.builder.conv(at.name, source, kernels, Window(), 1, bias, parameters=parameters)
    if laid_shape(out, out_axis) != at.builder.shape(tensor):
        tensor = at.builder.view(f"{at.name}.view", tensor, laid_shape(out, out_axis), function="pixels")
    at.give(tensor, out_axis)


def matmul(at: At) -> None:
    a, b, out = at.dims(0), at.dims(1), at.out_dims()
    inner = a[-1]
    macs = max(prod(out), 1) * inner
    if at.is_data(0) and at.is_data(1):
        return at.core("matmul", f"{at.operator} of two feature maps is not known", macs)
    if at.is_data(0) and (len(b) == 1 or prod(b[:-2]) == 1):
        kernels = b[-1] if len(b) > 1 else 1
        if len(b) > 1 and len(out) in (len(a), 1):
            return rows_times(at, 0, len(a) - 1, kernels, 1, out, len(out) - 1, False)
    if at.is_data(1) and prod(a[:-2]) == 1 and len(b) > 1 and len(a) > 1 and len(out) == len(b):
        return rows_times(at, 1, len(b) - 2, a[-2], 0, out, len(out) - 2, False)
    constant = 1 if at.is_data(0) else 0
    why = f"{at.operator} of {list(a)} and {list(b)} is not one matrix for all rows"
    return at.core("matmul", why, macs, at.weights(constant), at.node.input[constant])


def gemm(at: At) -> None:
    a_t, b_t = at.attribute("transA", 0), at.attribute("transB", 0)
    a, out = at.dims(0), at.out_dims()
    inner = a[0] if a_t else a[1]
    macs = prod(out) * inner
    if at.is_data(0) and at.is_data(1):
        at.core("matmul", f"{at.operator} of two feature maps is not known", macs)
        return
    first = at.is_data(0)
    index, channel_axis, out_axis = (0, 0 if a_t else 1, 1) if first else (1, 1 if b_t else 0, 0)
    bias = at.is_constant(2) and at.dims(2) in ((out[1],), (1, out[1]), (1,), (1, 1), ()) and first
    if at.has(2) and not bias:
        constant = 1 if first else 0
        why = f"{at.operator} that adds a matrix of shape {list(at.dims(2))} is not known"
        at.core("matmul", why, macs, at.weights(constant), at.node.input[constant])
        return
    rows_times(at, index, channel_axis, out[out_axis], 1 if first else 0, out, out_axis, bias)


def einsum(at: At) -> None:
    """Two operands, one of them a constant, one letter summed: a 1x1 convolution."""
    equation = at.attribute("equation", b"").decode().replace(" ", "")
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if "..." in equation:
        terms, right = _spelled_out(at, terms, right)
    elif "->" not in equation:
        letters = "".join(terms)
        right = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    sizes = {c: size for i, term in enumerate(terms) for c, size in zip(term, at.dims(i))}
    if any(len(set(term)) < len(term) for term in terms):
        at.core(
            "matmul", f"{at.operator} {equation} takes a diagonal, which is not known", prod(sizes.values())
        )
        return
    macs = prod(sizes.values()) * (len(terms) - 1)
    data = at.data()
    if len(terms) == 2 and len(data) == 1 and macs:
        x, w = terms[data[0]], terms[1 - data[0]]
        summed = [c for c in x if c in w and c not in right]
        made = [c for c in w if c in right]
        rest = [c for c in x if c not in summed]
        plain = len(summed) == 1 and not set(rest) & set(made) and len(w) == len(made) + 1
        if plain and len(made) == 1 and [c for c in right if c != made[0]] == rest:
            axis, out = right.index(made[0]), at.out_dims()
            rows_times(at, data[0], x.index(summed[0]), sizes[made[0]], 1 - data[0], out, axis, False)
            return
    constants = [i for i in range(len(terms)) if at.is_constant(i)]
    parameters = at.node.input[constants[0]] if constants else ""
    why = f"{at.operator} {equation} is not one matrix for all rows"
    at.core("matmul", why, macs, at.weights(*constants), parameters)


def _spelled_out(at: At, terms: list[str], right: str) -> tuple[list[str], str]:
    """Return the terms with letters of their own for the dimensions that `...` stands for."""
    most = max(len(at.dims(i)) - len(t.replace("...", "")) for i, t in enumerate(terms) if "..." in t)
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in "".join(terms)][:most]
    spelled = []
    for i, term in enumerate(terms):
        count = len(at.dims(i)) - len(term.replace("...", ""))
        spelled.append(term.replace("...", "".join(spare[most - count :])))
    letters = "".join(t.replace("...", "") for t in terms)
    right = right or "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return spelled, right.replace("...", "".join(spare))


def recurrent(at: At) -> None:
    """LSTM, GRU, RNN: the gates of every step, of its input and of the state before it."""
    x, w = at.dims(0), at.dims(1)
    directions, inputs = w[0], w[2]
    hidden = at.dims(2)[2]
    steps, batch = (x[1], x[0]) if at.attribute("layout", 0) else (x[0], x[1])
    macs = steps * batch * directions * GATES[at.operator] * hidden * (inputs + hidden)
    if w[1] != GATES[at.operator] * hidden:
        raise ValueError(f"{at.operator} has weights {list(w)} for {hidden} hidden values; they do not fit")
    why = f"operator {at.operator} is not known"
    first = next(i for i, name in enumerate(at.node.output) if name)
    if first:  # a network that keeps only the last state still works out every step
        dims = (steps, directions, batch, hidden)
        sources = [at.source(i) for i in at.data()]
        work = CoreWork(macs, at.weights(1, 2), at.node.input[1], why)
        function, shape = at.operator.lower(), laid_shape(dims, 1)
        whole = at.builder.cpu(f"{at.name}.steps", function, sources, shape, work=work)
        at.reader.warn(at.name, f"{why}; a core does it")
        for index, name in enumerate(at.node.output):
            if name:
                shape = laid_shape(at.out_dims(index), 1)
                at.give(at.builder.cpu(f"{at.name}.{index}", "result", [whole], shape), 1, index)
        return
    at.core(at.operator.lower(), why, macs, at.weights(1, 2), at.node.input[1])


def attention(at: At) -> None:
    """ONNX's own attention: queries by keys, then by values."""
    q, k, v = at.dims(0), at.dims(1), at.dims(2)
    if len(q) == 4:
        batch, heads, rows, width = q
        past = at.dims(4)[2] if at.has(4) else 0
        columns, out_width = k[2] + past, v[3]
    else:
        heads = at.attribute("q_num_heads", 1)
        batch, rows, width = q[0], q[1], q[2] // heads
        past = at.dims(4)[2] if at.has(4) else 0
        columns, out_width = k[1] + past, v[2] // at.attribute("kv_num_heads", heads)
    macs = batch * heads * rows * columns * (width + out_width)
    at.core("attention", f"operator {at.operator} is not known", macs)


def deform_conv(at: At) -> None:
    macs = prod(at.out_dims()) * prod(at.dims(1)[1:])
    at.core("conv", f"operator {at.operator} is not known", macs, at.weights(1), at.node.input[1])
