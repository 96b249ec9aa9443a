"""A quantised ONNX network on NVDLA beside ONNX's own evaluator: INT8 outputs within the stated rounding."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from hw_models.errors import ConfigError
from simulator.config.model import load
from simulator.values import compute_values

INPUT_SCALE = 0.05
ZERO = np.int8(0)


class Model:
    """Builds a QDQ network: every feature map goes through QuantizeLinear and DequantizeLinear."""

    def __init__(self, shape, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.shape = [], [], shape
        self.last = self.quantised("x", INPUT_SCALE)

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def quantised(self, name, scale, zero=ZERO):
        factor, point = self.constant(f"{name}_s", np.float32(scale)), self.constant(f"{name}_z", zero)
        self.nodes += [
            helper.make_node("QuantizeLinear", [name, factor, point], [f"{name}_q"], f"{name}_quantise"),
            helper.make_node("DequantizeLinear", [f"{name}_q", factor, point], [f"{name}_d"], f"{name}_back"),
        ]
        return f"{name}_d"

    def weights(self, name, shape, axis=0, per_channel=True):
        kernels = shape[axis]
        values = self.random.integers(-127, 128, shape).astype(np.int8)
        scales = self.random.uniform(0.004, 0.01, kernels if per_channel else 1).astype(np.float32)
        inputs = [
            self.constant(f"{name}_w", values),
            self.constant(f"{name}_ws", scales if per_channel else scales[0]),
        ]
        if per_channel:
            inputs.append(self.constant(f"{name}_wz", np.zeros(kernels, np.int8)))
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}_wd"], f"{name}_weights", axis=axis) if per_channel
                          else helper.make_node("DequantizeLinear", inputs, [f"{name}_wd"], f"{name}_weights"))  # fmt: skip
        bias = self.constant(f"{name}_b", self.random.normal(0, 1, kernels).astype(np.float32))
        return f"{name}_wd", bias

    def conv(self, name, kernels, channels, size, scale, relu=True, groups=1, per_channel=True, **attributes):
        weights, bias = self.weights(name, (kernels, channels // groups, size, size), per_channel=per_channel)
        self.nodes.append(
            helper.make_node(
                "Conv", [self.last, weights, bias], [f"{name}_o"], name, group=groups, **attributes
            )
        )
        output = f"{name}_o"
        if relu:
            self.nodes.append(helper.make_node("Relu", [output], [f"{name}_r"], f"{name}_relu"))
            output = f"{name}_r"
        self.last = self.quantised(output, scale)
        return self

    def pool(self, name, kind, size, scale=None):
        self.nodes.append(
            helper.make_node(
                kind, [self.last], [f"{name}_o"], name, kernel_shape=[size, size], strides=[size, size]
            )
        )
        self.last = self.quantised(f"{name}_o", scale) if scale else f"{name}_o"
        return self

    def fc(self, name, kernels, features, scale):
        self.nodes.append(helper.make_node("Flatten", [self.last], [f"{name}_f"], f"{name}_flat"))
        weights, bias = self.weights(name, (kernels, features))
        self.nodes.append(
            helper.make_node("Gemm", [f"{name}_f", weights, bias], [f"{name}_o"], name, transB=1)
        )
        self.last = self.quantised(f"{name}_o", scale)
        return self

    def save(self, path):
        name = self.last.removesuffix("_d")
        out = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, *self.shape))
        graph = helper.make_graph(self.nodes, "net", [x], [out], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
        onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
        return name


def computed(tmp_path, model, preset="nv_small", **job):
    """Return (ours, ONNX's) INT8 output, each (height, width, channels)."""
    path = tmp_path / "net.onnx"
    model.save(path)
    config = load({
        "system": {
            "accelerators": {"nvdla0": {"preset": preset, "clock": "1 GHz"}},
            "cores": {"core0": {"clock": "1 GHz"}},
            "interconnect": {"clock": "1 GHz", "width": "8 B", "latency": "8 cycles"},
            "memory": {"latency": "50 cycles", "bandwidth": "8 B/cycle"},
        },
        "workloads": {"net": {"network": str(path), "on": "nvdla0", "fallback": "core0", **job}},
    })  # fmt: skip
    channels, height, width = model.shape
    pixels = np.random.default_rng(7).integers(-100, 100, (height, width, channels)).astype(np.int8)
    np.savez(tmp_path / "x.npz", x=pixels)
    values = compute_values(config, tmp_path / "x.npz")["net"]
    (ours,) = values.outputs.values()
    x = (pixels.transpose(2, 0, 1)[None] * np.float32(INPUT_SCALE)).astype(np.float32)
    (theirs,) = ReferenceEvaluator(onnx.load(str(path))).run(None, {"x": x})
    scale = float(
        next(
            numpy_helper.to_array(c)
            for c in model.constants
            if c.name == model.last.removesuffix("_d") + "_s"
        )
    )
    theirs = (
        np.rint(theirs / scale)
        .reshape(theirs.shape[1:] if theirs.ndim == 4 else (-1, 1, 1))
        .transpose(1, 2, 0)
    )
    return np.rint(ours / scale) if ours.dtype != np.int8 else ours, theirs


@pytest.mark.parametrize("preset", ["nv_small", "nv_large"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_convolution_is_within_one_step(tmp_path, preset, per_channel):
    model = Model((5, 9, 11)).conv(
        "c", 12, 5, 3, 0.2, pads=[1, 1, 1, 1], strides=[2, 1], per_channel=per_channel
    )
    ours, theirs = computed(tmp_path, model, preset)
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.98
    assert theirs.std() > 5


def test_image_input_and_groups(tmp_path):
    model = Model((3, 8, 8)).conv("a", 16, 3, 3, 0.2, pads=[1, 1, 1, 1]).conv("b", 16, 16, 3, 0.3, groups=4)
    ours, theirs = computed(tmp_path, model)
    assert np.abs(ours.astype(int) - theirs).max() <= 3  # a step of the first layer, through the second
    assert theirs.std() > 5


def test_pooling_and_fully_connected_layers(tmp_path):
    model = Model((8, 8, 8)).conv("a", 16, 8, 3, 0.3, pads=[1, 1, 1, 1]).pool("m", "MaxPool", 2)
    model = model.pool("v", "AveragePool", 2, 0.25).fc("f", 10, 64, 0.5)
    ours, theirs = computed(tmp_path, model)
    assert ours.size == theirs.size == 10
    assert np.abs(ours.reshape(-1).astype(int) - theirs.reshape(-1)).max() <= 4


def test_zero_points_are_refused(tmp_path):
    model = Model((3, 4, 4))
    model.nodes.clear(), model.constants.clear()
    model.last = model.quantised("x", INPUT_SCALE, np.uint8(128))
    model.conv("c", 8, 3, 1, 0.2)
    with pytest.raises(ConfigError, match="its zero point is not 0 of INT8; quantise symmetrically"):
        computed(tmp_path, model)
