"""ONNX files of every kind that is easily misread: shapes, MACs and weights by hand."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_files import constant, counts, file, node, read, refused, value

from hw_models.nvdla.op import Unit
from workloads import lower
from workloads.graph import Shape
from workloads.importers.onnx_file import read_onnx
from workloads.params import NetworkJob

CONV = node("Conv", ["x", "w"], ["y"], name="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
W = {"w": (8, 3, 3, 3)}


def lowered(path: Path, **fields):
    return lower(
        NetworkJob.model_validate({"on": "a", "fallback": "b", "network": str(path)} | fields), "nv_large"
    )


# inputs


def test_a_mapping_gives_any_number_of_inputs_any_shape(tmp_path):
    nodes = [node("MatMul", ["a", "w"], ["p"]), node("Add", ["p", "b"], ["y"])]
    inputs = {"a": ["batch", "seq", 64], "b": ["batch", "seq", 32]}
    sizes = {"a": (1, 10, 64), "b": (1, 10, 32)}
    assert counts(read(tmp_path, nodes, inputs, {"w": (64, 32)}, sizes=sizes)) == (10 * 64 * 32, 64 * 32)


def test_a_mapping_of_another_name_is_told(tmp_path):
    path = file(tmp_path, [CONV], {"x": [1, 3, "h", "w"]}, W)
    assert refused(path, {"xx": (1, 3, 8, 8)}) == "input 'xx' is none of the model's; did you mean 'x'?"
    assert refused(path, {"x": (3, 8, 8)}) == "input 'x' has 4 dimensions, [1, 3, h, w]; write as many"


@pytest.mark.parametrize("shape", [[1, 64, 48, 3], ["n", "h", "w", 3], ["n", "h", "w", "c"]])
def test_width_and_height_are_those_of_the_layout(tmp_path, shape):
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w"], ["y"], pads=[1] * 4),
    ]
    if shape[3] == "c":
        path = file(tmp_path, nodes, {"x": shape}, W)
        assert "input 'x' has an open dimension 'c'" in refused(path, (20, 10))
        return
    network = read(tmp_path, nodes, {"x": shape}, W, sizes=(20, 10))
    assert network.dims[network.inputs[0]] == (1, 10, 20, 3)
    assert counts(network)[0] == 8 * 10 * 20 * 27


def test_width_and_height_leave_other_inputs_alone(tmp_path):
    nodes = [CONV, node("MatMul", ["v", "m"], ["z"])]
    constants = W | {"m": (4, 4)}
    network = read(tmp_path, nodes, {"x": [1, 3, 8, 8], "v": [1, 4]}, constants, ("y", "z"), sizes=(16, 16))
    assert (network.dims["x"], network.dims["v"]) == ((1, 3, 16, 16), (1, 4))


def test_width_and_height_of_two_images_are_refused(tmp_path):
    nodes = [node("Add", ["a", "b"], ["y"])]
    path = file(tmp_path, nodes, {"a": [1, 3, 8, 8], "b": [1, 3, 8, 8]}, {})
    assert refused(path, (16, 16)) == (
        "WIDTHxHEIGHT is for a model with one image, and this has 2 (a [1, 3, 8, 8], b [1, 3, 8, 8]); "
        "write `input: {a: [...]}`"
    )


def test_rows_of_a_matrix_are_no_batch(tmp_path):
    network = read(tmp_path, [node("Gemm", ["x", "w"], ["y"])], {"x": [49, 64]}, {"w": (64, 256)})
    assert counts(network) == (49 * 64 * 256, 64 * 256)


def test_an_open_batch_is_one_image_and_said(tmp_path):
    network = read(tmp_path, [CONV], {"x": ["N", 3, 8, 8]}, W)
    assert counts(network)[0] == 8 * 64 * 27
    assert network.notes == ["input 'x': open dimension 0 (N) is one image"]


def test_an_open_number_of_steps_is_asked_for(tmp_path):
    path = file(tmp_path, [node("MatMul", ["x", "w"], ["y"])], {"x": ["seq_len", 64]}, {"w": (64, 8)})
    assert refused(path).startswith("input 'x' has an open dimension 'seq_len' in [seq_len, 64]; ")


def test_a_batch_runs_as_that_many_images(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="conv", pads=[1] * 4),
        node("Relu", ["a"], ["b"], name="relu"),
        node("MaxPool", ["b"], ["c"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["c"], ["d"], name="mean"),
        node("Flatten", ["d"], ["e"], name="flat"),
        node("Gemm", ["e", "v"], ["y"], name="fc"),
    ]
    path = file(tmp_path, nodes, {"x": [4, 3, 8, 8]}, W | {"v": (8, 10)})
    network = read_onnx(path)
    assert counts(network) == (4 * (8 * 64 * 27 + 80), 8 * 27 + 80)
    program = lowered(path, strategy="traffic")
    assert [layer.name for layer in program.layers if layer.runs_on == "core"] == ["x"]
    assert (program.ops["unit"] == Unit.PDP).sum() == 8


# shapes


def test_shape_arithmetic_is_folded(tmp_path):
    """What exports with an open batch do: reshape to what Shape, Gather, Cast, Concat make."""
    nodes = [
        node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
        node("Shape", ["a"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n", "axes"], ["n1"]),
        node("Cast", ["n1"], ["n2"], to=TensorProto.INT64),
        node("Concat", ["n2", "rest"], ["to"], axis=0),
        node("Reshape", ["a", "to"], ["r"]),
        node("Gemm", ["r", "v"], ["y"], transB=1),
    ]
    constants = W | {"zero": 0, "axes": [0], "rest": [-1], "v": (10, 512)}
    network = read(tmp_path, nodes, {"x": ["batch", 3, 8, 8]}, constants)
    assert counts(network) == (8 * 64 * 27 + 5120, 8 * 27 + 5120)


def test_shapes_that_depend_on_the_data_are_refused(tmp_path):
    nodes = [node("Cast", ["s"], ["i"], to=TensorProto.INT64), node("Reshape", ["x", "i"], ["y"], name="r")]
    path = file(tmp_path, nodes, {"x": [1, 8], "s": [2]}, {})
    assert refused(path) == "r: the shape of 'y' depends on the data; export the model with fixed sizes"


def test_what_the_data_decide_is_taken_at_its_most_and_said(tmp_path):
    nodes = [node("NonZero", ["x"], ["y"], name="found")]
    network = read(tmp_path, nodes, {"x": [4, 8]}, {})
    assert network.dims[network.outputs[0]] == (2, 32)
    assert any("finds at most 64 values, which the data decide" in text for text in network.warnings)


@pytest.mark.parametrize(("axis", "kernels"), [(1, 8), (2, 8), (3, 8)])
def test_split_slice_and_concat_along_any_axis(tmp_path, axis, kernels):
    nodes = [
        node("Split", ["x"], ["a", "b"], name="split", axis=axis),
        node("Concat", ["b", "a"], ["c"], name="concat", axis=axis),
        node("Slice", ["c", "from", "to", "axes"], ["d"], name="slice"),
        node("Relu", ["d"], ["y"], name="relu"),
    ]
    constants = {"from": [2], "to": [6], "axes": [axis]}
    path = file(tmp_path, nodes, {"x": [1, 8, 8, 8]}, constants, opset=13)
    wanted = [1, 8, 8, 8]
    wanted[axis] = 4
    network = read_onnx(path)
    assert network.dims[network.outputs[0]] == tuple(wanted)
    assert network.warnings == []
    lowered(path)


def test_every_output_of_a_node_is_there(tmp_path):
    nodes = [node("TopK", ["x", "k"], ["v", "i"], name="top"), node("Cast", ["i"], ["y"], to=1)]
    network = read(tmp_path, nodes, {"x": [1, 10]}, {"k": [3]}, ("v", "y"))
    assert [network.dims[name] for name in network.outputs] == [(1, 3), (1, 3)]


def test_transposes_that_move_nothing_cost_nothing(tmp_path):
    nodes = [
        node("Transpose", ["x"], ["t"], name="to_nchw", perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w"], ["c"], name="conv"),
        node("Transpose", ["c"], ["u"], name="to_nhwc", perm=[0, 2, 3, 1]),
        node("MatMul", ["u", "m"], ["y"], name="dense"),
    ]
    network = read(tmp_path, nodes, {"x": [1, 8, 8, 3]}, W | {"m": (8, 16)})
    assert [n.kind for n in network.nodes] == ["conv", "conv"]


def test_tokens_of_an_image_stay_where_they_are(tmp_path):
    """A patch embedding: Reshape and Transpose after it are views, the layers behind 1x1 convolutions."""
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="patches", strides=[4, 4]),
        node("Reshape", ["c", "to"], ["r"], name="flat"),
        node("Transpose", ["r"], ["t"], name="tokens", perm=[0, 2, 1]),
        node("MatMul", ["t", "m"], ["y"], name="dense"),
    ]
    path = file(
        tmp_path, nodes, {"x": [1, 3, 32, 32]}, {"w": (32, 3, 4, 4), "to": [1, 32, 64], "m": (32, 16)}
    )
    assert counts(read_onnx(path))[0] == 32 * 64 * 48 + 64 * 32 * 16
    program = lowered(path, strategy="traffic")
    assert (program.ops["unit"] == Unit.CONV).all()
    assert [layer.runs_on for layer in program.layers if layer.operator in ("Reshape", "Transpose")] == [
        "nowhere: stays in place"
    ]


# operators


@pytest.mark.parametrize(
    ("nodes", "inputs", "constants", "macs", "weights"),
    [
        ([node("MatMul", ["x", "w"], ["y"])], {"x": [2, 5, 16]}, {"w": (16, 8)}, 10 * 16 * 8, 128),
        ([node("MatMul", ["w", "x"], ["y"])], {"x": [16, 5]}, {"w": (8, 16)}, 8 * 16 * 5, 128),
        ([node("MatMul", ["x", "w"], ["y"])], {"x": [5, 16]}, {"w": (16,)}, 80, 16),
        ([node("Gemm", ["x", "w"], ["y"], transA=1, transB=1)], {"x": [16, 5]}, {"w": (8, 16)}, 5 * 16 * 8, 128),
        ([node("MatMul", ["x", "z"], ["y"])], {"x": [1, 4, 6, 8], "z": [1, 4, 8, 6]}, {}, 4 * 6 * 8 * 6, 0),
        ([node("Einsum", ["x", "w"], ["y"], equation="bld,de->ble")], {"x": [1, 7, 16]}, {"w": (16, 8)}, 896, 128),
        ([node("Einsum", ["x", "z"], ["y"], equation="bid,bjd->bij")], {"x": [1, 3, 4], "z": [1, 5, 4]}, {}, 60, 0),
        ([node("Conv", ["x", "w"], ["y"])], {"x": [1, 4, 20]}, {"w": (8, 4, 5)}, 8 * 16 * 20, 160),
        ([node("Conv", ["x", "w"], ["y"])], {"x": [1, 2, 5, 5, 5]}, {"w": (3, 2, 3, 3, 3)}, 3 * 27 * 54, 162),
        ([node("ConvTranspose", ["x", "w"], ["y"], strides=[2])], {"x": [1, 4, 10]}, {"w": (4, 6, 3)}, 720, 72),
        ([node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], group=2)], {"x": [1, 4, 5, 5]},
         {"w": (4, 3, 2, 2)}, 100 * 3 * 4, 48),
        ([node("LSTM", ["x", "w", "r"], ["y", "", "c"], hidden_size=8)], {"x": [5, 1, 4]},
         {"w": (1, 32, 4), "r": (1, 32, 8)}, 5 * 32 * 12, 32 * 12),
        ([node("GRU", ["x", "w", "r"], ["", "y"], hidden_size=8, direction="bidirectional")], {"x": [5, 2, 4]},
         {"w": (2, 24, 4), "r": (2, 24, 8)}, 5 * 2 * 2 * 24 * 12, 2 * 24 * 12),
        ([node("ConvInteger", ["x", "w"], ["y"])], {"x": [1, 3, 8, 8]}, {"w": (4, 3, 3, 3)}, 4 * 36 * 27, 108),
        ([node("MatMulInteger", ["x", "w"], ["y"])], {"x": [6, 16]}, {"w": (16, 8)}, 6 * 16 * 8, 128),
    ],
)  # fmt: skip
def test_products(tmp_path, nodes, inputs, constants, macs, weights):
    path = file(tmp_path, nodes, inputs, constants)
    network = read_onnx(path)
    assert counts(network) == (macs, weights)
    program = lowered(path)
    assert int(program.ops["macs"].sum()) + program.core_macs == macs


def test_quantised_files_run_on_the_accelerator(tmp_path):
    """QDQ pairs around a convolution, QLinearConv and QGemm."""
    q = ["s", "z"]
    nodes = [
        node("QuantizeLinear", ["x", *q], ["xq"]),
        node("DequantizeLinear", ["xq", *q], ["xd"]),
        node("DequantizeLinear", ["w", *q], ["wd"]),
        node("Conv", ["xd", "wd"], ["a"], name="qdq", pads=[1] * 4),
        node("QuantizeLinear", ["a", *q], ["aq"]),
        node("QLinearConv", ["aq", *q, "v", *q, *q], ["b"], name="qlinear", strides=[8, 8]),
        node("Flatten", ["b"], ["f"]),
        node("QGemm", ["f", *q, "m", *q, "", *q], ["y"], name="qgemm", domain="com.microsoft"),
    ]
    path = tmp_path / "model.onnx"
    int8 = TensorProto.INT8
    constants = [
        constant("s", 0.5), constant("z", 0, int8), constant("w", (8, 3, 3, 3), int8),
        constant("v", (4, 8, 1, 1), int8), constant("m", (4, 10), int8),
    ]  # fmt: skip
    graph = helper.make_graph(nodes, "q", [value("x", [1, 3, 8, 8])], [value("y", None)], constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), str(path))
    network = read_onnx(path)
    assert counts(network) == (8 * 64 * 27 + 32 + 40, 216 + 32 + 40)
    assert network.warnings == []
    assert [n.operator for n in network.nodes if n.kind in ("conv", "fc")] == ["Conv", "QLinearConv", "QGemm"]


@pytest.mark.parametrize("content", [float("-inf"), float("nan"), [[float("inf"), 0.0]]])
def test_constants_may_hold_anything(tmp_path, content):
    nodes = [node("Add", ["x", "c"], ["y"])]
    assert read(tmp_path, nodes, {"x": [3, 2]}, {"c": content}).outputs


def test_constants_of_work_on_a_core_are_read_from_memory(tmp_path):
    """A position embedding: a value for every token and channel."""
    path = file(
        tmp_path, [node("Add", ["x", "c"], ["y"], name="add")], {"x": [1, 16, 32]}, {"c": (1, 16, 32)}
    )
    program = lowered(path)
    add = next(number for number, layer in enumerate(program.layers) if layer.name == "add")
    reads = program.tasks["read_bytes"][program.tasks["layer"] == add].tolist()
    assert reads.count(4 * 16 * 32) == 2  # the tokens, and what is added to them


def test_weights_that_layers_share_count_once(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="one", pads=[1] * 4),
        node("Conv", ["z", "w"], ["b"], name="two", pads=[1] * 4),
        node("Add", ["a", "b"], ["y"]),
    ]
    path = file(tmp_path, nodes, {"x": [1, 3, 8, 8], "z": [1, 3, 8, 8]}, W)
    assert counts(read_onnx(path)) == (2 * 8 * 64 * 27, 216)
    assert len(set(lowered(path, strategy="traffic").ops["weights"][:2].tolist())) == 1


@pytest.mark.parametrize("opset", [11, 17])
def test_sequences_of_known_length(tmp_path, opset):
    nodes = [
        node("SplitToSequence", ["x", "two"], ["s"], name="cut", axis=1),
        node("SequenceAt", ["s", "last"], ["a"], name="at"),
        node("SequenceInsert", ["s", "a"], ["t"], name="more"),
        node("ConcatFromSequence", ["t"], ["c"], name="join", axis=1),
        node("SequenceLength", ["t"], ["n"]),
        node("Cast", ["n"], ["f"], to=1),
        node("Mul", ["c", "f"], ["m"]),
        node("Conv", ["m", "w"], ["y"], name="conv"),
    ]
    network = read(
        tmp_path, nodes, {"x": [1, 6, 4, 4]}, {"two": 2, "last": -1, "w": (4, 8, 1, 1)}, opset=opset
    )
    assert counts(network) == (4 * 16 * 8, 32)


def test_a_tensor_is_unbound_into_its_slices(tmp_path):
    nodes = [
        node("SplitToSequence", ["x"], ["s"], name="unbind", axis=0, keepdims=0),
        node("SequenceAt", ["s", "one"], ["q"]),
        node("SequenceAt", ["s", "two"], ["k"]),
        node("MatMul", ["q", "k"], ["y"], name="scores"),
    ]
    assert counts(read(tmp_path, nodes, {"x": [3, 4, 8, 8]}, {"one": 1, "two": 2})) == (4 * 8 * 8 * 8, 0)


# control flow


def body(inputs: list, nodes: list, outputs: list) -> onnx.GraphProto:
    return helper.make_graph(nodes, "body", [value(*i) for i in inputs], [value(*o) for o in outputs])


def test_a_loop_with_a_known_count_runs_as_often(tmp_path):
    inner = body(
        [("i", [], TensorProto.INT64), ("go", [], TensorProto.BOOL), ("s", [1, 16])],
        [
            node("MatMul", ["s", "w"], ["t"]),
            node("Identity", ["go"], ["on"]),
            node("Identity", ["t"], ["scan"]),
        ],
        [("on", [], TensorProto.BOOL), ("t", [1, 16]), ("scan", [1, 16])],
    )
    nodes = [node("Loop", ["count", "", "x"], ["last", "y"], name="loop", body=inner)]
    network = read(tmp_path, nodes, {"x": [1, 16]}, {"count": 5, "w": (16, 16)})
    assert counts(network) == (5 * 256, 256)
    assert network.dims[network.outputs[0]] == (5, 1, 16)


def test_a_loop_whose_count_the_data_decide_is_refused(tmp_path):
    inner = body(
        [("i", [], TensorProto.INT64), ("go", [], TensorProto.BOOL), ("s", [1, 16])],
        [node("ReduceSum", ["s"], ["sum"], keepdims=0), node("Cast", ["sum"], ["on"], to=TensorProto.BOOL),
         node("Relu", ["s"], ["t"])],
        [("on", [], TensorProto.BOOL), ("t", [1, 16])],
    )  # fmt: skip
    path = file(
        tmp_path, [node("Loop", ["", "yes", "x"], ["y"], name="loop", body=inner)], {"x": [1, 16]}, {}
    )
    model = onnx.load(str(path))
    model.graph.initializer.append(constant("yes", True, TensorProto.BOOL))
    onnx.save(model, str(path))
    assert refused(path).startswith("loop: how often Loop runs depends on the data")


def test_a_loop_that_never_ends_is_refused(tmp_path):
    inner = body(
        [("i", [], TensorProto.INT64), ("go", [], TensorProto.BOOL), ("s", [1, 16])],
        [],
        [("go", [], TensorProto.BOOL), ("s", [1, 16])],
    )
    path = file(tmp_path, [node("Loop", ["", "", "x"], ["y"], name="loop", body=inner)], {"x": [1, 16]}, {})
    assert refused(path) == "loop: runs more than 10000 times; export the model with fewer"


def test_a_scan_runs_once_a_slice(tmp_path):
    inner = body(
        [("s", [1, 8]), ("part", [1, 8])],
        [
            node("MatMul", ["part", "w"], ["m"]),
            node("Add", ["s", "m"], ["t"]),
            node("Identity", ["t"], ["o"]),
        ],
        [("t", [1, 8]), ("o", [1, 8])],
    )
    nodes = [node("Scan", ["s0", "x"], ["last", "y"], name="scan", body=inner, num_scan_inputs=1)]
    network = read(tmp_path, nodes, {"s0": [1, 8], "x": [6, 1, 8]}, {"w": (8, 8)}, ("y", "last"))
    assert counts(network) == (6 * 64, 64)


def test_a_condition_that_the_data_decide_is_refused(tmp_path):
    then = body([], [node("Relu", ["x"], ["t"])], [("t", [1, 4])])
    other = body([], [node("Sigmoid", ["x"], ["u"])], [("u", [1, 4])])
    nodes = [
        node("ReduceSum", ["x"], ["sum"], keepdims=0),
        node("Cast", ["sum"], ["c"], to=TensorProto.BOOL),
        node("If", ["c"], ["y"], name="branch", then_branch=then, else_branch=other),
    ]
    path = file(tmp_path, nodes, {"x": [1, 4]}, {})
    assert refused(path) == (
        "branch: which branch runs depends on the data ('c'); export the model with the condition fixed"
    )


def test_local_functions_are_inlined_also_inside_each_other(tmp_path):
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)]
    inner = helper.make_function("own", "Half", ["a", "w"], ["b"], [node("Conv", ["a", "w"], ["b"])], opsets)
    outer = helper.make_function(
        "own", "Whole", ["a", "w"], ["c"],
        [node("Half", ["a", "w"], ["b"], domain="own"), node("Relu", ["b"], ["c"])], opsets,
    )  # fmt: skip
    graph = helper.make_graph(
        [node("Whole", ["x", "w"], ["y"], domain="own")], "g", [value("x", [1, 3, 16, 16])],
        [value("y", None)], [constant("w", (8, 3, 3, 3))],
    )  # fmt: skip
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, functions=[inner, outer]), str(path))
    assert counts(read_onnx(path)) == (8 * 14 * 14 * 27, 216)


# files that are wrong


def test_a_cycle_is_refused(tmp_path):
    nodes = [
        node("Add", ["x", "b"], ["a"], name="first"),
        node("Relu", ["a"], ["b"]),
        node("Relu", ["b"], ["y"]),
    ]
    path = file(tmp_path, nodes, {"x": [1, 4]}, {})
    assert refused(path) == "first: reads what is made from its own output: a cycle; export again"


def test_nodes_out_of_order_are_read_in_order(tmp_path):
    nodes = [node("Relu", ["a"], ["y"]), node("Conv", ["x", "w"], ["a"], pads=[1] * 4)]
    assert counts(read(tmp_path, nodes, {"x": [1, 3, 8, 8]}, W)) == (8 * 64 * 27, 216)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1, 3, 0, 8], "input 'x' has the shape [1, 3, 0, 8]; each must be 1 to 1048576"),
        ([1, 3, 2**30, 8], "input 'x' has the shape [1, 3, 1073741824, 8]; each must be 1 to 1048576"),
        ([1, 3, 2**20, 2**20], "conv: 'y' has the shape [1, 8, 1048576, 1048576]: at most 4294967296 values "
         "fit memory; write smaller sizes"),
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused(tmp_path, shape, message):
    assert refused(file(tmp_path, [CONV], {"x": shape}, W)) == message


def test_a_huge_constant_is_not_worked_out(tmp_path):
    nodes = [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])]
    path = file(tmp_path, nodes, {"x": [1, 4]}, {"s": [2**20, 2**20, 4]})
    assert "at most 4294967296 values fit memory" in refused(path)


def test_shapes_that_do_not_fit_name_the_node(tmp_path):
    path = file(tmp_path, [CONV], {"x": [1, 4, 8, 8]}, W)
    assert refused(path) == (
        "conv: weights [8, 3, 3, 3] in 1 groups are for 3 channels, and the input [1, 4, 8, 8] has 4; export again"
    )
    path = file(tmp_path, [node("Gemm", ["x", "w"], ["y"], name="fc")], {"x": [2, 5]}, {"w": (6, 4)})
    assert refused(path) == (
        "fc: Gemm does not fit its inputs: [ShapeInferenceError] Dimension mismatch in unification between 6 and 5"
    )


def test_a_tensor_that_nothing_makes_is_named(tmp_path):
    path = file(tmp_path, [node("Relu", ["none"], ["y"], name="relu")], {"x": [1, 4]}, {})
    assert refused(path) == "relu: reads 'none', which nothing makes; export the model again"


def test_an_operator_of_a_strange_domain_is_refused(tmp_path):
    nodes = [node("Magic", ["x"], ["y"], name="m", domain="own")]
    path = file(tmp_path, nodes, {"x": [1, 4]}, {}, domains=("own",))
    assert refused(path) == (
        "m: operator Magic of domain 'own' is not known, so the shapes behind it are not; "
        "export the model with operators of ONNX"
    )


@pytest.mark.parametrize("cut", ["missing", "short"])
def test_external_weights_must_be_there_whole(tmp_path, cut):
    path = file(tmp_path, [CONV], {"x": [1, 3, 8, 8]}, {"w": np.zeros((8, 3, 3, 3)).tolist()})
    model = onnx.load(str(path))
    onnx.save(model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert counts(read_onnx(path)) == (8 * 64 * 27, 216)
    data = tmp_path / "weights.bin"
    if cut == "missing":
        data.unlink()
        assert refused(path) == "w: its weights are in 'weights.bin', which is not there; keep both together"
        return
    data.write_bytes(data.read_bytes()[:100])
    assert refused(path) == (
        "w: its shape [8, 3, 3, 3] needs 864 bytes, and weights.bin has 100 for it; "
        "export or download both files again"
    )


def test_bytes_cut_anywhere_are_refused_or_read(tmp_path):
    """No length of a file leads to a traceback."""
    whole = file(tmp_path, [CONV], {"x": [1, 3, 8, 8]}, {"w": (2, 3, 1, 1)}).read_bytes()
    for length in range(0, len(whole), 7):
        path = tmp_path / "cut.onnx"
        path.write_bytes(whole[:length])
        refused(path)


def test_layers_without_a_reader_are_left_out_and_said(tmp_path):
    nodes = [CONV, node("Relu", ["y"], ["unread"], name="idle")]
    network = read(tmp_path, nodes, {"x": [1, 3, 8, 8]}, W)
    assert [n.name for n in network.nodes] == ["conv"]
    assert network.notes == ["1 layers lead to no output: left out"]
    assert network.tensors["conv"] == Shape(8, 8, 8)
