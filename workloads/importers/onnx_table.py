"""ONNX operators and who makes a layer of each. To add one: one line here, one function beside its kin."""

from collections.abc import Callable

from workloads.importers import onnx_layers as layers
from workloads.importers import onnx_matrix as matrix
from workloads.importers import onnx_moves as moves
from workloads.importers.onnx_nodes import At

VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
SAME = ("Identity", "Dropout", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear")
# Work of a core, with the kind of it that `lowering/costs.py` knows; the accelerator has nothing like it.
TRANSCENDENTAL = (
    "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh",
    "Asinh", "Acosh", "Atanh", "Softplus", "Softsign", "LogSoftmax", "ReduceLogSumExp", "ReduceL2", "Hardmax",
)  # fmt: skip
NORMS = (
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization",
    "LpNormalization",
    "MeanVarianceNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization",
)  # fmt: skip
SIMPLE = (
    "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Not", "And", "Or", "Xor", "Equal", "Greater", "Less",
    "GreaterOrEqual", "LessOrEqual", "Where", "IsNaN", "IsInf", "ThresholdedRelu", "Shrink", "Trilu",
    "CumSum",
    "OneHot", "EyeLike", "BitShift", "Range",
)  # fmt: skip
REDUCED = (
    "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceSumSquare",
    "ArgMax",
    "ArgMin", "ReduceLogSum",
)  # fmt: skip
SEARCHES = ("TopK", "NonZero", "NonMaxSuppression", "Unique", "Compress")
MOVED = {
    "Tile": "expand", "Gather": "gather", "GatherElements": "gather", "GatherND": "gather",
    "ScatterElements": "gather", "ScatterND": "gather", "Scatter": "gather", "SpaceToDepth": "transpose",
    "ReverseSequence": "transpose", "Col2Im": "gather",
}  # fmt: skip

MAKERS: dict[str, Callable[[At], None]] = {
    "Conv": layers.conv,
    "ConvTranspose": layers.conv_transpose,
    "DeformConv": matrix.deform_conv,
    "Gemm": matrix.gemm,
    "MatMul": matrix.matmul,
    "Einsum": matrix.einsum,
    "Attention": matrix.attention,
    **dict.fromkeys(matrix.GATES, matrix.recurrent),
    **dict.fromkeys(("MaxPool", "AveragePool"), layers.pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), layers.global_pool),
    **dict.fromkeys(layers.ACTIVATIONS, layers.activation),
    "BatchNormalization": layers.scale,
    **dict.fromkeys((*layers.ELTWISE, "Div", "Pow", "Mod"), layers.arithmetic),
    "Softmax": layers.softmax,
    "LRN": layers.lrn,
    **dict.fromkeys(("Resize", "Upsample"), layers.resize),
    "DepthToSpace": layers.depth_to_space,
    **dict.fromkeys(REDUCED, layers.reduce),
    "Concat": moves.concat,
    **dict.fromkeys(VIEWS, moves.reshape),
    **dict.fromkeys(SAME, moves.same),
    "Transpose": moves.transpose,
    "Split": moves.split,
    "Slice": moves.slice_,
    "Pad": moves.pad,
    "Expand": moves.expand,
    "DynamicQuantizeLinear": moves.dynamic_quantise,
    **{operator: moves.on_core(function, False) for operator, function in MOVED.items()},
    **dict.fromkeys(TRANSCENDENTAL, moves.on_core("transcendental")),
    **dict.fromkeys(NORMS, moves.on_core("norm")),
    **dict.fromkeys(SIMPLE, moves.on_core("simple")),
    **dict.fromkeys(SEARCHES, moves.on_core("search")),
}
