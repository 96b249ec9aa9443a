"""Networks by name. Darknet's are `.cfg` files beside this one; the others are a few lines each."""

from collections.abc import Callable
from pathlib import Path

from workloads.graph import Network, NetworkBuilder, Window
from workloads.importers.darknet import read_darknet

Size = tuple[int, int] | None  # width, height
_FOLDER = Path(__file__).parent


def _square(kernel: int, stride: int = 1, padding: int = 0) -> Window:
    return Window(kernel, kernel, stride, stride, padding, padding, padding, padding)


class _Builder(NetworkBuilder):
    """Blocks that the classic networks share."""

    def conv_relu(self, name: str, source: str, kernels: int, window: Window, groups: int = 1) -> str:
        return self.same_shape(
            f"{name}.relu", "activation", self.conv(name, source, kernels, window, groups), "relu"
        )

    def conv_norm(
        self, name: str, source: str, kernels: int, window: Window, groups: int = 1, relu: bool = True
    ) -> str:
        tensor = self.conv(name, source, kernels, window, groups, bias=False)
        tensor = self.same_shape(f"{name}.norm", "scale", tensor)
        return self.same_shape(f"{name}.relu", "activation", tensor, "relu") if relu else tensor

    def fc_relu(self, name: str, source: str, kernels: int) -> str:
        return self.same_shape(f"{name}.relu", "activation", self.fc(name, source, kernels), "relu")

    def softmax(self, source: str) -> Network:
        self.same_shape("softmax", "softmax", source)
        return self.finish()


def _start(name: str, size: Size, default: int, channels: int = 3) -> tuple[_Builder, str]:
    width, height = size or (default, default)
    builder = _Builder(name)
    return builder, builder.input("image", channels, height, width)


def lenet5(size: Size = None) -> Network:
    """LeCun et al. 1998, as commonly written today: ReLU and max pooling."""
    b, x = _start("lenet5", size, 28, channels=1)
    x = b.pool("pool1", b.conv_relu("conv1", x, 6, _square(5, 1, 2)), "max", _square(2, 2))
    x = b.pool("pool2", b.conv_relu("conv2", x, 16, _square(5)), "max", _square(2, 2))
    x = b.fc_relu("fc2", b.fc_relu("fc1", x, 120), 84)
    return b.softmax(b.fc("fc3", x, 10))


def alexnet(size: Size = None) -> Network:
    """Krizhevsky et al. 2012: two groups in conv2, conv4 and conv5, local response normalisation."""
    b, x = _start("alexnet", size, 227)
    x = b.same_shape("norm1", "lrn", b.conv_relu("conv1", x, 96, _square(11, 4)), factor=5)
    x = b.pool("pool1", x, "max", _square(3, 2))
    x = b.same_shape("norm2", "lrn", b.conv_relu("conv2", x, 256, _square(5, 1, 2), 2), factor=5)
    x = b.pool("pool2", x, "max", _square(3, 2))
    x = b.conv_relu("conv3", x, 384, _square(3, 1, 1))
    x = b.conv_relu("conv4", x, 384, _square(3, 1, 1), 2)
    x = b.pool("pool5", b.conv_relu("conv5", x, 256, _square(3, 1, 1), 2), "max", _square(3, 2))
    x = b.fc_relu("fc7", b.fc_relu("fc6", x, 4096), 4096)
    return b.softmax(b.fc("fc8", x, 1000))


def vgg16(size: Size = None) -> Network:
    """Simonyan & Zisserman 2014, configuration D."""
    b, x = _start("vgg16", size, 224)
    for stage, (kernels, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        for i in range(1, count + 1):
            x = b.conv_relu(f"conv{stage}_{i}", x, kernels, _square(3, 1, 1))
        x = b.pool(f"pool{stage}", x, "max", _square(2, 2))
    x = b.fc_relu("fc7", b.fc_relu("fc6", x, 4096), 4096)
    return b.softmax(b.fc("fc8", x, 1000))


def _resnet(name: str, size: Size, blocks: tuple[int, ...], bottleneck: bool) -> Network:
    b, x = _start(name, size, 224)
    x = b.pool("pool1", b.conv_norm("conv1", x, 64, _square(7, 2, 3)), "max", _square(3, 2, 1))
    for stage, count in enumerate(blocks):
        width = 64 << stage
        for i in range(count):
            stride = 2 if i == 0 and stage else 1
            at, out = f"stage{stage + 1}.{i}", width * (4 if bottleneck else 1)
            shortcut = x
            if b.shape(x).channels != out or stride > 1:
                shortcut = b.conv_norm(f"{at}.shortcut", x, out, _square(1, stride), relu=False)
            if bottleneck:
                x = b.conv_norm(f"{at}.conv1", x, width, _square(1))
                x = b.conv_norm(f"{at}.conv2", x, width, _square(3, stride, 1))
                x = b.conv_norm(f"{at}.conv3", x, out, _square(1), relu=False)
            else:
                x = b.conv_norm(f"{at}.conv1", x, width, _square(3, stride, 1))
                x = b.conv_norm(f"{at}.conv2", x, out, _square(3, 1, 1), relu=False)
            x = b.same_shape(f"{at}.relu", "activation", b.eltwise(f"{at}.add", [x, shortcut]), "relu")
    x = b.global_pool("pool", x, "average")
    return b.softmax(b.fc("fc", x, 1000))


def resnet18(size: Size = None) -> Network:
    """He et al. 2015, table 1."""
    return _resnet("resnet18", size, (2, 2, 2, 2), bottleneck=False)


def resnet50(size: Size = None) -> Network:
    """He et al. 2015, table 1; the stride sits in the 3x3 convolution, as in common use."""
    return _resnet("resnet50", size, (3, 4, 6, 3), bottleneck=True)


def mobilenet_v1(size: Size = None) -> Network:
    """Howard et al. 2017, table 1, width 1.0."""
    b, x = _start("mobilenet_v1", size, 224)
    x = b.conv_norm("conv1", x, 32, _square(3, 2, 1))
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for i, (kernels, stride) in enumerate(plan, 1):
        channels = b.shape(x).channels
        x = b.conv_norm(f"depthwise{i}", x, channels, _square(3, stride, 1), groups=channels)
        x = b.conv_norm(f"pointwise{i}", x, kernels, _square(1))
    return b.softmax(b.fc("fc", b.global_pool("pool", x, "average"), 1000))


def yolov3(size: Size = None) -> Network:
    return read_darknet(_FOLDER / "yolov3.cfg", size, "yolov3")


def yolov3_tiny(size: Size = None) -> Network:
    return read_darknet(_FOLDER / "yolov3-tiny.cfg", size, "yolov3-tiny")


NETWORKS: dict[str, Callable[[Size], Network]] = {
    "yolov3": yolov3,
    "yolov3-tiny": yolov3_tiny,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenet_v1": mobilenet_v1,
    "alexnet": alexnet,
    "vgg16": vgg16,
    "lenet5": lenet5,
}
