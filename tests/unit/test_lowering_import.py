"""Networks from files and from a config: what is understood, and what a user is told when it is not."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from pydantic import ValidationError

from hw_models.errors import ConfigError
from hw_models.nvdla.op import Operand, Unit
from workloads import load_network, lower
from workloads.graph import Shape
from workloads.importers.darknet import read_darknet
from workloads.importers.onnx_file import read_onnx
from workloads.params import NetworkJob

HEAD = "[net]\nwidth=32\nheight=32\nchannels=3\n"
CONV = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n"


def job(**fields) -> NetworkJob:
    return NetworkJob.model_validate({"on": "nvdla0", "fallback": "core0"} | fields)


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "net.cfg"
    path.write_text(text)
    return path


def said(call) -> str:
    with pytest.raises(ConfigError) as error:
        call()
    return str(error.value)


def test_yolov3_has_107_layers_of_which_75_are_convolutions():
    network = load_network(job(network="yolov3"))
    kinds = [node.kind for node in network.nodes]
    assert kinds.count("conv") == 75
    assert kinds.count("eltwise") == 23
    assert network.outputs == ["yolo_82", "yolo_94", "yolo_106"]
    assert network.tensors["yolo_106"] == Shape(255, 52, 52)


def test_darknet_shapes_follow_the_input_size(tmp_path):
    network = read_darknet(config(tmp_path, HEAD + CONV + "[maxpool]\nsize=2\nstride=2\n"), (64, 48))
    assert network.tensors["maxpool_1"] == Shape(8, 24, 32)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: does not start with [net]; write the path of a Darknet .cfg file"),
        (HEAD, ":1: [net]: the network has no layers; the file may be cut off here"),
        (HEAD + "[convolutional]\nsize=3\n", ":5: [convolutional]: no `filters=` in this section; "
         "the file may be cut off here, add `filters=NUMBER`"),
        (HEAD + "[convolutional]\nfilters=8\nsi", ":7: found 'si'; write [section] or key=value"),
        (HEAD + CONV.replace("8", "eight"), ":6: [convolutional] filters: 'eight' is not a whole number; "
         "write `filters=NUMBER`"),
        (HEAD + CONV + "[shortcut]\nfrom=-3\n", ":11: [shortcut] from: -3 names no earlier layer; "
         "this is layer 1, write -1 to 0"),
        (HEAD + CONV + "[convol]\n", ":10: [convol]: unknown section; did you mean [conv]?"),
        (HEAD + CONV + "strid=2\n", ":10: [convolutional] strid: unknown key; did you mean 'stride'?"),
        (HEAD + CONV.replace("leaky", "leeky"), ":9: [convolutional] activation: 'leeky' is no activation; "
         "did you mean 'leaky'?"),
        (HEAD + CONV + "[route]\nlayers=-1\ngroups=2\ngroup_id=2\n", ":13: [route] group_id: 2 is none of 2 groups; "
         "write 0 to 1"),
        (HEAD + "[convol", ":5: found '[convol'; write a section as [name]"),
        (HEAD + CONV.replace("size=3\npad=1", "size=40"), ":5: [convolutional]: conv_0: output would be "
         "8x-7x-7; its kernel is larger than its padded input"),
    ],
)  # fmt: skip
def test_a_faulty_darknet_file_names_its_line(tmp_path, text, message):
    path = config(tmp_path, text)
    assert said(lambda: read_darknet(path)) == f"{path}{message}"


def test_a_missing_darknet_file(tmp_path):
    path = tmp_path / "none.cfg"
    assert said(lambda: read_darknet(path)) == f"{path}: no such file; write the path of a Darknet .cfg file"


def test_a_darknet_section_that_the_accelerator_lacks_is_work_for_a_core(tmp_path):
    path = config(tmp_path, HEAD + CONV + "[gru]\noutput=10\n")
    program = lower(job(network=str(path)), "nv_large")
    warning = f"{path}:10: gru_1: a recurrent layer (gru) is not known; a core does it"
    assert program.warnings == [warning]
    assert program.core_macs == 3 * 10 * (8 * 32 * 32 + 10)
    assert said(lambda: lower(job(network=str(path), strict=True), "nv_large")) == (
        f"strict: {warning}; strict allows none"
    )


def test_a_truncated_onnx_file(tmp_path):
    source = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
    path = tmp_path / "cut.onnx"
    path.write_bytes(source.read_bytes()[:9000])
    assert said(lambda: read_onnx(path)) == (
        f"{path}: its 9000 bytes are not a complete ONNX model; export or download the file again"
    )


def test_a_missing_onnx_file(tmp_path):
    path = tmp_path / "none.onnx"
    assert said(lambda: read_onnx(path)) == f"{path}: no such file; write the path of an .onnx file"


def model(tmp_path: Path, nodes: list, shape: tuple, weights: dict[str, tuple]) -> Path:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, dims, [0.0] * int(onnx.numpy_helper.np.prod(dims)))
        for name, dims in weights.items()
    ]
    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return path


def test_an_unknown_operator_is_named_and_done_by_a_core(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Erf", ["a"], ["y"], name="odd"),
    ]
    path = model(tmp_path, nodes, (1, 3, 8, 8), {"w": (4, 3, 3, 3)})
    program = lower(job(network=str(path)), "nv_small")
    assert program.warnings == [f"{path}: odd: operator Erf is not known; a core does it"]
    assert "odd" in {program.layers[task["layer"]].name for task in program.tasks}
    assert said(lambda: lower(job(network=str(path), strict=True), "nv_small")) == (
        f"strict: {path}: odd: operator Erf is not known; a core does it; strict allows none"
    )


def test_batch_normalisation_written_in_parts_folds_into_the_convolution(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="c", kernel_shape=[1, 1]),
        helper.make_node("Mul", ["a", "s"], ["b"], name="m"),
        helper.make_node("Add", ["b", "s"], ["d"], name="b"),
        helper.make_node("Relu", ["d"], ["y"], name="r"),
    ]
    path = model(tmp_path, nodes, (1, 16, 8, 8), {"w": (8, 16, 1, 1), "s": (1, 8, 1, 1)})
    program = lower(job(network=str(path), strategy="traffic"), "nv_small")
    assert len(program.ops) == 1
    assert program.ops["x1"][0] == Operand.PER_KERNEL
    assert program.ops["x1_relu"][0] == 1


def test_an_open_batch_is_one_image_and_an_open_size_is_asked_for(tmp_path):
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="r")]
    path = model(tmp_path, nodes, ("batch", 3, "height", "width"), {})
    assert read_onnx(path, (20, 10)).tensors["x"] == Shape(3, 10, 20)
    assert said(lambda: read_onnx(path)) == (
        f"{path}: input 'x' has an open dimension 'height' in [batch, 3, height, width]; "
        "write `input: WIDTHxHEIGHT`, or `input: {x: [1, 3, N, N]}`"
    )


def test_a_gate_per_channel_rides_on_the_accelerator(tmp_path):
    """Squeeze and excitation: every channel times one value that a small branch computes."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="c", kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", ["a"], ["p"], name="p"),
        helper.make_node("Conv", ["p", "v"], ["g"], name="g", kernel_shape=[1, 1]),
        helper.make_node("Mul", ["g", "a"], ["y"], name="m"),
    ]
    path = model(tmp_path, nodes, (1, 16, 8, 8), {"w": (8, 16, 1, 1), "v": (8, 8, 1, 1)})
    program = lower(job(network=str(path), strategy="traffic"), "nv_large")
    assert program.warnings == []
    gate = program.ops[-1]
    assert (gate["unit"], gate["x1"], gate["x1_bytes"]) == (Unit.SDP, Operand.PER_KERNEL, 1)
    assert gate["x1_address"] == program.ops[-2]["dst"]


def test_swish_written_as_a_product_is_one_look_up(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="c", kernel_shape=[1, 1]),
        helper.make_node("Sigmoid", ["a"], ["s"], name="s"),
        helper.make_node("Mul", ["a", "s"], ["y"], name="m"),
    ]
    path = model(tmp_path, nodes, (1, 16, 8, 8), {"w": (8, 16, 1, 1)})
    program = lower(job(network=str(path)), "nv_large")
    assert (program.ops["unit"][0], program.ops["lut"][0]) == (Unit.CONV, 1)
    assert program.warnings == []
    assert len(lower(job(network=str(path), strategy="traffic"), "nv_large").ops) == 1


def test_one_dimension_is_a_height(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="c", kernel_shape=[5], pads=[2, 2], strides=[2]),
        helper.make_node("MaxPool", ["a"], ["y"], name="p", kernel_shape=[2], strides=[2]),
    ]
    path = model(tmp_path, nodes, (1, 16, 40), {"w": (8, 16, 5)})
    network = read_onnx(path)
    assert network.tensors["c"] == Shape(8, 20, 1)
    assert network.tensors["p"] == Shape(8, 10, 1)


def test_inline_layers_by_name():
    layers = [
        {
            "conv": {
                "input": [52, 52, 128],
                "kernels": 256,
                "kernel": "3x3",
                "stride": 1,
                "padding": 1,
                "name": "a",
            }
        },
        {"conv": {"kernels": 256, "kernel": 1}},
        {"add": {"from": "a"}},
    ]
    program = lower(NetworkJob.model_validate({"on": "nvdla0", "layers": layers}), "nv_large")
    assert len(program.tasks) == 0  # no core was named: only the accelerator's part
    assert list(program.ops["unit"]) == [Unit.CONV] * 2 + [Unit.CONV] * 2 + [Unit.SDP]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"conv": {"kernels": 8, "kernel": 3}}], "layers.0.conv: the first layer has no input; "
         "add `input: [WIDTH, HEIGHT, CHANNELS]`"),
        ([{"conv": {"input": [8, 8, 3], "kernels": 8, "kernel": 3}}, {"add": {"from": "b"}}],
         "layers.1.add.from: 'b' is no earlier layer; write one of conv_0"),
        ([{"conv": {"input": [8, 8, 3], "kernels": 8, "kernel": 3, "groups": 2}}],
         "layers.0.conv: conv_0: 3 channels and 8 kernels do not divide into groups=2"),
        ([{"conv": {"input": [4096, 64, 4096], "kernels": 8, "kernel": 3}}],
         "layers: a 3x3 convolution over 4096 channels fits CBUF in no cut: it needs 49 banks for 129 columns of "
         "the input lines of one output row and 2 for one kernel, and nv_large has 16; use fewer channels or an "
         "accelerator with a larger CBUF"),
        ([{"pool": {"input": [65, 32, 8]}}], "fallback: layer 'pool_0' (average) needs a core; "
         "add `fallback: CORE` with the name of one"),
    ],
)  # fmt: skip
def test_inline_mistakes(layers, message):
    if layers[0].get("pool"):
        layers[0]["pool"]["function"] = "average"
    work = NetworkJob.model_validate({"on": "nvdla0", "layers": layers})
    assert said(lambda: lower(work, "nv_large")) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"network": "yolo3"}, "'yolo3' is not a network; did you mean 'yolov3'?"),
        ({"network": "a.pt"}, "'a.pt' is not a network; write a .cfg or .onnx file, or yolov3, yolov3-tiny, "
         "resnet18, resnet50, mobilenet_v1, alexnet, vgg16, lenet5"),
        ({}, "found neither of network and layers; write one of them"),
        ({"layers": [{}]}, "found no layer; write one of conv, deconv, fc, pool, add, concat, upsample, lrn, "
         "activation, softmax, yolo"),
        ({"network": "yolov3", "input": "big"}, "'big' is not a size; write WIDTHxHEIGHT, such as 3x3"),
    ],
)  # fmt: skip
def test_job_mistakes(fields, message):
    with pytest.raises(ValidationError) as error:
        NetworkJob.model_validate({"on": "nvdla0"} | fields)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subgraph,index\n0,0\n", ":1: no column 'op'; an operation list has the columns of yolov3_loadable_ops.csv"),
        ("subgraph,index,op,src_data,dst_data,data_bank,weight_bank,release,x1_data\n0,0,sdp_op,DLA_MEM_MC:3\n",
         ":2: src_data: 'DLA_MEM_MC:3' is not a tensor; write MEMORY:WxHxC:BYTESB:addrA:memM:offOFFSET"),
        ("subgraph,index,op,src_data,dst_data,data_bank,weight_bank,release,x1_data\nzero,0,sdp_op\n",
         ":2: subgraph: 'zero' is not a whole number"),
        ("subgraph,index,op,src_data,dst_data,data_bank,weight_bank,release,x1_data\n0,0,pdp_op\n",
         ":2: op: 'pdp_op' is not an operation that is read; conv_op and sdp_op are"),
    ],
)  # fmt: skip
def test_a_faulty_loadable_names_its_line(tmp_path, text, message):
    path = tmp_path / "ops.csv"
    path.write_text(text)
    work = job(network={"loadable": str(path)})
    assert said(lambda: lower(work, "nv_large")) == f"{path}{message}"


def test_parameters_need_neither_numba_nor_onnx():
    code = "import sys, workloads.params; assert not {'numba', 'onnx', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
