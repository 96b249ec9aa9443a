"""Caffe's .prototxt: its text format, its rounding, both forms of layers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.errors import ConfigError
from workloads import lower
from workloads.graph import Network, Shape, network_weights, node_macs
from workloads.importers.caffe import LEGACY, read_caffe
from workloads.importers.caffe_layers import KINDS, NO_WORK
from workloads.importers.caffe_layers import _far as far_padding
from workloads.params import NetworkJob

HEAD = 'input: "data" input_shape { dim: 1 dim: 3 dim: 20 dim: 30 }\n'


def read(folder: Path, text: str, size: tuple[int, int] | None = None) -> Network:
    path = folder / "net.prototxt"
    path.write_text(text)
    return read_caffe(path, size)


def layer(kind: str, more: str = "", bottom: str = "data", top: str = "y") -> str:
    bottoms = " ".join(f'bottom: "{name}"' for name in bottom.split())
    tops = " ".join(f'top: "{name}"' for name in top.split())
    return f'layer {{ name: "{kind.lower()}" type: "{kind}" {bottoms} {tops} {more} }}\n'


def counts(network: Network) -> tuple[int, int]:
    return sum(node_macs(network, node) for node in network.nodes), network_weights(network)


@pytest.mark.parametrize(
    ("text", "shape", "macs", "weights"),
    [
        (layer("Convolution", "convolution_param { num_output: 8 kernel_size: 3 stride: 2 }"), Shape(8, 9, 14),
         8 * 126 * 27, 216),
        (layer("Convolution", "convolution_param { num_output: 6 kernel_size: 3 kernel_size: 1 pad: 1 pad: 0 "
         "group: 3 dilation: 2 dilation: 1 }"), Shape(6, 18, 30), 6 * 540 * 3, 18),
        (layer("Deconvolution", "convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 }"),
         Shape(6, 40, 60), 3 * 600 * 6 * 16, 288),
        (layer("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"), Shape(3, 10, 15), 0, 0),
        (layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"), Shape(3, 11, 16), 0, 0),
        (layer("Pooling", "pooling_param { pool: AVE global_pooling: true }"), Shape(3, 1, 1), 0, 0),
        (layer("InnerProduct", "inner_product_param { num_output: 7 }"), Shape(7, 1, 1), 12600, 12600),
        (layer("Flatten"), Shape(1800, 1, 1), 0, 0),
        (layer("Reshape", "reshape_param { shape { dim: 0 dim: 60 dim: -1 } }"), Shape(60, 30, 1), 0, 0),
        (layer("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"), Shape(20, 30, 3), 0, 0),
        (layer("Slice", "slice_param { slice_point: 1 }", top="a y"), Shape(2, 20, 30), 0, 0),
        (layer("Concat", bottom="data data"), Shape(6, 20, 30), 0, 0),
        (layer("Eltwise", "eltwise_param { operation: PROD }", "data data"), Shape(3, 20, 30), 0, 0),
    ],
)  # fmt: skip
def test_a_layer(tmp_path, text, shape, macs, weights):
    network = read(tmp_path, HEAD + text)
    assert (network.tensors[network.outputs[-1]], *counts(network)) == (shape, macs, weights)
    job = NetworkJob.model_validate({"network": str(tmp_path / "net.prototxt"), "on": "a", "fallback": "b"})
    program = lower(job, "nv_large")
    assert int(program.ops["macs"].sum()) + program.core_macs == macs


@given(length=st.integers(1, 60), kernel=st.integers(1, 9), stride=st.integers(1, 5), pad=st.integers(0, 4))
def test_pooling_rounds_up_and_starts_no_window_in_the_padding(length, kernel, stride, pad):
    """Beside every window that starts inside the padded image, counted one by one."""
    pad = min(pad, kernel - 1)
    if length + 2 * pad < kernel:
        return
    starts = [0]
    while starts[-1] + kernel < length + 2 * pad:
        starts.append(starts[-1] + stride)
    if pad and starts[-1] >= length + pad:
        starts.pop()
    total = length + pad + far_padding(length, kernel, stride, pad, True)
    assert (total - kernel) // stride + 1 == len(starts)


def test_only_the_test_phase_runs_and_one_image_of_a_batch(tmp_path):
    text = 'name: "n" # remark\ninput: "data"\ninput_dim: 10 input_dim: 3 input_dim: 8 input_dim: 8\n'
    text += layer("Dropout", "include { phase: TRAIN }", top="data")
    text += layer("Convolution", "exclude { phase: TEST } convolution_param { num_output: 9 kernel_size: 1 }")
    text += layer("Convolution", "convolution_param { num_output: 4 kernel_size: 1 }", top="z")
    text += layer("SoftmaxWithLoss", bottom="z label", top="loss")
    network = read(tmp_path, text)
    assert counts(network) == (4 * 64 * 3, 12)
    assert network.notes == ["input 'data': one image of a batch of 10"]


def test_weights_of_one_name_are_shared(tmp_path):
    param = 'param { name: "shared" } convolution_param { num_output: 4 kernel_size: 1 }'
    text = HEAD + layer("Convolution", param, top="a") + layer("Convolution", param, top="b")
    assert counts(read(tmp_path, text)) == (2 * 4 * 600 * 3, 12)


def test_an_input_layer_and_a_size_in_its_place(tmp_path):
    text = layer("Input", "input_param { shape: { dim: 1 dim: 3 dim: 8 dim: 8 } }", "", "data")
    network = read(tmp_path, text + layer("ReLU"), (30, 20))
    assert network.tensors["data"] == Shape(3, 20, 30)


def test_every_older_type_is_one_of_the_newer():
    assert set(LEGACY.values()) <= set(KINDS) | set(NO_WORK)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: net: no layers; write the path of a .prototxt file that describes a network"),
        (HEAD + layer("Convolutio"), ":2: convolutio.type: layer type 'Convolutio' is not known; did you mean "
         "'Convolution'?"),
        (HEAD + layer("Convolution", "convolution_param { num_output: 8 kernel_siz: 3 }"),
         ":2: convolution.convolution_param.kernel_siz: unknown field; did you mean 'kernel_size'?"),
        (HEAD + layer("Convolution", "convolution_param { kernel_size: 3 }"),
         ":2: convolution.convolution_param: no num_output; the file may be cut off here, add `num_output: NUMBER`"),
        (HEAD + layer("ReLU", bottom="date"), ":2: relu.bottom: 'date' is made by no earlier layer; did you mean "
         "'data'?"),
        (HEAD + "layer { name: ", ":2: ends in the middle of a block; the file is cut off"),
        (HEAD + "layer { name: } }", ":2: found '}'; write a value"),
        (HEAD + layer("Convolution", "convolution_param { num_output: -8 kernel_size: 3 }"),
         ":2: convolution.convolution_param.num_output: -8 is not a number from 1 to 1048576"),
        (HEAD + layer("PriorBox"), ":2: priorbox.type: layer type 'PriorBox' is not known; remove it, or convert the "
         "model to ONNX"),
        (layer("Data", bottom="", top="data") + layer("ReLU"), ":1: data: the size of its images is not in the file; write "
         "`input: WIDTHxHEIGHT`, or use the deploy file"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'net.prototxt'}{message}"


def test_a_file_cut_anywhere_is_read_or_refused_in_one_line(tmp_path):
    whole = HEAD + layer("Convolution", "convolution_param { num_output: 8 kernel_size: 3 engine: CAFFE }")
    for length in range(len(whole) - 2):
        with pytest.raises(ConfigError):
            read(tmp_path, whole[:length])
