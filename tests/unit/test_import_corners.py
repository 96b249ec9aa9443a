"""Caffe and Darknet files that are odd or wrong: what each becomes, and what each is told."""

import pytest
from test_caffe_import import HEAD, layer
from test_caffe_import import read as read_prototxt
from test_darknet_layers import CONV
from test_darknet_layers import read as read_cfg

from hw_models.errors import ConfigError
from workloads.importers.caffe import read_caffe
from workloads.importers.darknet import read_darknet

KERNEL = "convolution_param { num_output: 8 kernel_size: 3 }"
HALF = "pooling_param { kernel_size: 2 stride: 2 }"
PROTOTXT_TOLD = [
    (HEAD + "layer: 5\n", ":1: net: 5 is no layer; write layer { ... }"),
    (layer("ReLU", bottom="", top="data"), ":1: relu: reads nothing; add `bottom:`"),
    ('input: "a" ' + HEAD + layer("ReLU"), ":1: net.input: 2 inputs and 1 shapes; write a shape for each"),
    (
        HEAD.replace("dim: 1 dim: 3 dim: 20 ", "") + layer("ReLU"),
        ":1: net: input 'data' has the shape [30]; write batch, channels, height, width",
    ),
    (HEAD, ":1: net: no layers; write the path of a .prototxt file that describes a network"),
    (
        HEAD + layer("Concat", "concat_param { axis: 9 }", "data data"),
        ":2: concat.concat_param.axis: 9 is no axis of one image; write 1 to 3",
    ),
    (
        HEAD + layer("Flatten") + layer("Convolution", KERNEL, "y", "z"),
        ":3: convolution: reads [1800]; it works on channels, height and width",
    ),
    (
        HEAD + layer("Convolution", "convolution_param { num_output: 8 kernel_size: [3, 3, 3] }"),
        ":2: convolution.convolution_param.kernel_size: [3, 3, 3]; write one number, or two for "
        "height and width",
    ),
    (
        HEAD + layer("Convolution", "convolution_param { num_output: 8 }"),
        ":2: convolution.convolution_param: no kernel_size; the file may be cut off here, add "
        "`kernel_size: NUMBER`",
    ),
    (
        HEAD + layer("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"),
        ":2: pooling.pooling_param.pool: 'STOCHASTIC' is no pooling that is known; write MAX or AVE",
    ),
    (
        HEAD + layer("Pooling", "pooling_param { pool: MAX }"),
        ":2: pooling.pooling_param: no kernel_size; the file may be cut off here, add `kernel_size: NUMBER`",
    ),
    (
        HEAD + layer("InnerProduct", "inner_product_param { num_output: 7 axis: 2 }"),
        ":2: innerproduct.inner_product_param.axis: 2 is an axis that is not known; only 1 is",
    ),
    (
        HEAD + layer("Pooling", HALF, top="p") + layer("Concat", "", "data p"),
        ":3: concat: inputs of shapes [[3, 20, 30], [3, 10, 15]]; they differ beside the axis",
    ),
    (
        HEAD + layer("Slice", top="a b"),
        ":2: slice.slice_param.axis: 3 values do not divide into 2 tops; write slice_point",
    ),
    (
        HEAD + layer("Slice", "slice_param { slice_point: 2 slice_point: 1 }", top="a b y"),
        ":2: slice.slice_param.slice_point: [2, 1] does not cut 3 values into 3 parts",
    ),
    (
        HEAD + layer("Eltwise", "eltwise_param { operation: MIN }", "data data"),
        ":2: eltwise.eltwise_param.operation: 'MIN' is not known; write PROD, SUM or MAX",
    ),
    (
        HEAD + layer("Reshape", "reshape_param { axis: 1 shape { dim: -1 } }"),
        ":2: reshape.reshape_param.axis: axis and num_axes are not known; write the whole shape",
    ),
    (HEAD + layer("Reshape"), ":2: reshape.reshape_param.shape: no shape; write `shape { dim: 0 dim: -1 }`"),
    (
        HEAD + layer("Reshape", "reshape_param { shape { dim: 0 dim: 7 } }"),
        ":2: reshape: [3, 20, 30] cannot be seen as [7]: the number of values differs",
    ),
    (
        HEAD + layer("Permute", "permute_param { order: 1 order: 0 order: 2 order: 3 }"),
        ":2: permute: order [1, 0, 2, 3] is not known; the batch stays first, every axis stands once",
    ),
    (HEAD + layer("Crop"), ":2: crop: reads one blob; the second says the size"),
    (
        layer("Input", "input_param { shape { dim: 1 } shape { dim: 1 } }", "", "data") + layer("ReLU"),
        ":1: input: 1 tops and 2 shapes; write a shape for each",
    ),
    (
        (layer("Data", "transform_param { force_gray: 3 }", "", "data"), (20, 10)),
        ":1: data.transform_param.force_gray: 3 is neither true nor false",
    ),
    (
        HEAD + layer("Convolution", "convolution_param: 5"),
        ":2: convolution.convolution_param: 5 is no block; write convolution_param { ... }",
    ),
    (HEAD + "layer " + "{ a " * 40, ":2: nested more than 32 deep"),
    (HEAD + "{ a: 1 }", ":2: found '{'; write `field: value` or `field { ... }`"),
    (HEAD + "layer { name: 12abc }", ":2: found '12abc'; write a number"),
    (
        HEAD + layer("Convolution", "convolution_param { num_output: 0x1g }"),
        ":2: found '0x1g'; write a number",
    ),
]
PROTOTXT = [  # text, shape of the last output, what is said
    (
        HEAD + layer("Convolution", "convolution_param { num_output: 8; kernel_size: [3, 1], pad: 0x1 }"),
        (8, 20, 32),
        "",
    ),
    (HEAD + layer("ReLU", "relu_param { negative_slope: 0.1 }"), (3, 20, 30), ""),
    (HEAD + layer("Exp"), (3, 20, 30), ":2: exp: layer Exp is not known; a core does it"),
    (HEAD + layer("Scale"), (3, 20, 30), ""),
    (
        HEAD
        + layer("Pooling", "pooling_param { pool: AVE global_pooling: true }", top="p")
        + layer("Scale", "", "data p"),
        (3, 20, 30),
        "",
    ),
    (
        HEAD + layer("Scale", "", "data data"),
        (3, 20, 30),
        ":2: scale: a product of [3, 20, 30] and [3, 20, 30] is not known; a core does it",
    ),
    (HEAD + layer("LRN", "lrn_param { local_size: 3 }"), (3, 20, 30), ""),
    (
        HEAD + layer("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }"),
        (3, 20, 30),
        ":2: lrn: LRN within a channel is not known; a core does it",
    ),
    (HEAD + layer("Slice", "slice_param { axis: 2 slice_point: 5 }", top="a y"), (3, 15, 30), ""),
    (HEAD + layer("Split", top="a y") + layer("ReLU", "", "a", "z"), (3, 20, 30), ""),
    (HEAD + layer("Dropout") + layer("ReLU", "", "y", "z"), (3, 20, 30), ""),
    (HEAD + layer("Pooling", HALF, top="p") + layer("Crop", "", "data p"), (3, 10, 15), ""),
    (
        (layer("Data", "transform_param { force_gray: true }", "", "data") + layer("ReLU"), (20, 10)),
        (1, 10, 20),
        "",
    ),
    ((layer("Data", "", "", "data label") + layer("ReLU"), (20, 10)), (3, 10, 20), ""),
    (HEAD + layer("Silence", top="") + layer("ReLU"), (3, 20, 30), ""),
    (
        HEAD + "input: 'v' input_shape { dim: 1 dim: 2 dim: 3 dim: 4 dim: 5 }" + layer("Flatten", "", "v"),
        (120, 1, 1),
        "",
    ),
]
CFG_TOLD = [
    ("[net]\n" + CONV, ":5: [net]: a second one; write [net] once, at the start"),
    ("[conv]\nfilters=0\nsize=1\n", ":6: [conv] filters: 0 is too small; write at least 1"),
    ("[conv]\nfilters=1048577\nsize=1\n", ":6: [conv] filters: 1048577 is too large; write at most 1048576"),
    ("[conv]\nfilters=4\nsize=3\npadding=-1\n", ":8: [conv] padding: -1 is no padding; write 0 to 1048576"),
    (
        CONV + "[route]\n",
        ":9: [route]: no `layers=` in this section; the file may be cut off here, add `layers=NUMBERS`",
    ),
    (
        CONV + "[route]\nlayers=a\n",
        ":10: [route] layers: 'a' is not a list of whole numbers; write `layers=-1,8`",
    ),
    (
        CONV + "[max]\nsize=2\n[conv]\nfilters=4\nsize=3\nshare_index=1\n",
        ":14: [conv] share_index: layer 1 is no convolution; write the index of one",
    ),
    (
        CONV + "[avg]\n[scale_channels]\nfrom=0\nscale_wh=1\n",
        ":10: [scale_channels]: scale_channels_2: 4x1x1 does not scale the pixels of 4x16x32; 1 channel does",
    ),
]
CFG = [
    (
        "[conv]\nfilters=4\nsize=3\npad=1\nactivation=norm_chan\n",
        (4, 16, 32),
        ":5: conv_0.norm_chan: activation norm_chan is not known; a core does it",
    ),
    ("[deconv]\nfilters=4\nsize=4\nstride=2\nbatch_normalize=1\n", (4, 34, 66), ""),
    ("[connected]\noutput=10\nbatch_normalize=1\n", (10, 1, 1), ""),
    (
        CONV + "[conv]\nfilters=1\nsize=1\n[scale_channels]\nfrom=0\nscale_wh=1\n",
        (4, 16, 32),
        ":12: scale_channels_2: a product with one value a pixel is not known; a core does it",
    ),
    ("[reorg]\nflatten=1\n", (8, 16, 32), ""),
    ("[reorg]\nextra=2\n", (4098, 1, 1), ""),
    ("[implicit]\nfilters=5\n", (5, 1, 1), ""),
    ("[normalization]\nsize=3\n", (8, 16, 32), ""),
    ("[activation]\nactivation=leaky\n", (8, 16, 32), ""),
    ("[l2norm]\n", (8, 16, 32), ":5: l2norm_0: [l2norm] is not known; a core does it"),
]


def arguments(given):
    """Return a text and the size of its images, if any is given."""
    return given if isinstance(given, tuple) else (given,)


@pytest.mark.parametrize(("text", "message"), PROTOTXT_TOLD)
def test_a_wrong_prototxt_is_told_its_line(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        read_prototxt(tmp_path, *arguments(text))
    assert str(error.value) == f"{tmp_path / 'net.prototxt'}{message}"


@pytest.mark.parametrize(("text", "message"), CFG_TOLD)
def test_a_wrong_cfg_is_told_its_line(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        read_cfg(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'net.cfg'}{message}"


@pytest.mark.parametrize(("text", "shape", "said"), PROTOTXT)
def test_an_odd_prototxt_is_read(tmp_path, text, shape, said):
    network = read_prototxt(tmp_path, *arguments(text))
    assert tuple(network.tensors[network.outputs[-1]]) == shape
    assert network.warnings == ([f"{tmp_path / 'net.prototxt'}{said}"] if said else [])


@pytest.mark.parametrize(("text", "shape", "said"), CFG)
def test_an_odd_cfg_is_read(tmp_path, text, shape, said):
    network = read_cfg(tmp_path, text)
    assert tuple(network.tensors[network.outputs[-1]]) == shape
    assert network.warnings == ([f"{tmp_path / 'net.cfg'}{said}"] if said else [])


@pytest.mark.parametrize("read", [lambda path: read_caffe(path, None), read_darknet])
def test_no_file_and_no_text(tmp_path, read):
    with pytest.raises(ConfigError, match="no such file; write the path of a"):
        read(tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read as text; write the path of a"):
        read(tmp_path)
