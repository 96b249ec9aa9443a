"""The operation list of a published loadable as a program: `network: {loadable: FILE.csv}`.

The list says what the accelerator does in each subgraph. What a core does between them follows from the
shapes: an output that a later subgraph takes in is copied, one that it takes in at twice the size is
upsampled, any other is converted to floating point and goes to a detection head.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from hw_models.nvdla.op import Operand, Unit
from workloads.graph import ONE_PIXEL
from workloads.importers.loadable_rows import Row, Tensor, read_rows
from workloads.lowering.assemble import assemble
from workloads.lowering.cbuf import Convolution, entries_per_line
from workloads.lowering.emit_tasks import FLOAT_BYTES, compute_cycles
from workloads.lowering.layout import ceil_div, round_up
from workloads.lowering.record import Place, Recorder, Touch
from workloads.lowering.target import Target
from workloads.params import NetworkJob
from workloads.program import Layer, Program

PER_KERNEL_BYTES = 4


def read_loadable(path: Path, target: Target, job: NetworkJob, base_address: int = 0) -> Program:
    """Return the program of the list in ``path``. Raises ConfigError."""
    return _Loadable(path, target, job, read_rows(path)).program(base_address)


@dataclass
class _Loadable:
    path: Path
    target: Target
    job: NetworkJob
    rows: list[Row]
    recorder: Recorder = field(default_factory=Recorder)
    layers: list[Layer] = field(default_factory=list)
    layer_of: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)  # buffers that leave their subgraph
    wanted: dict[str, list[tuple[str, Tensor]]] = field(default_factory=dict)  # output -> later inputs

    def program(self, base_address: int) -> Program:
        subgraphs = sorted({row.number("subgraph") for row in self.rows})
        inputs = {number: self._inputs(number) for number in subgraphs}
        if self.job.fallback:
            self._match(subgraphs, inputs)
            for name, tensor in inputs[subgraphs[0]].items():
                self._image(name, tensor)
        for number in subgraphs:
            self.recorder.submit = number
            rows = [row for row in self.rows if row.number("subgraph") == number]
            for row, after in zip(rows, [*rows[1:], None]):
                if row.values["op"] == "conv_op":
                    if after is None or after.values["op"] != "sdp_op":
                        raise ConfigError("a convolution without its SDP line", file=self.path, line=row.line)
                    self._convolution(row, after)
                elif row.values["op"] != "sdp_op":
                    message = f"{row.values['op']!r} is not an operation that is read; conv_op and sdp_op are"
                    raise ConfigError(message, file=self.path, line=row.line, key="op")
                elif row.given("src_data").kind != "HW":
                    self._sdp(row)
            if self.job.fallback:
                self._core_steps(number)
        job = self.job
        return assemble(
            self.path.stem, self.layers, self.recorder, job.planner, job.dependencies, base_address, []
        )

    def _name(self, subgraph: int, tensor: Tensor) -> str:
        return f"{subgraph}.mem{tensor.memory}"

    def _inputs(self, number: int) -> dict[str, Tensor]:
        """Return what a subgraph reads and never writes; note what it writes and never reads."""
        read: dict[str, Tensor] = {}
        written: dict[str, Tensor] = {}
        for row in self.rows:
            if row.number("subgraph") != number:
                continue
            for key in ("src_data", "x1_data"):
                tensor = row.tensor(key)
                if tensor and tensor.kind == "MC" and (key == "src_data" or tensor.width > 1):
                    read.setdefault(self._name(number, tensor), tensor)
            tensor = row.tensor("dst_data")
            if tensor and tensor.kind == "MC":
                written.setdefault(self._name(number, tensor), tensor)
        self.outputs |= {name: tensor for name, tensor in written.items() if name not in read}
        return {name: tensor for name, tensor in read.items() if name not in written}

    def _match(self, subgraphs: list[int], inputs: dict[int, dict[str, Tensor]]) -> None:
        for number in subgraphs[1:]:
            for name, tensor in inputs[number].items():
                for scale in (1, 2):
                    shape = (tensor.width, tensor.height, tensor.channels)
                    for output, made in self.outputs.items():
                        earlier = int(output.split(".")[0]) < number
                        if earlier and (made.width * scale, made.height * scale, made.channels) == shape:
                            self.wanted.setdefault(output, []).append((name, tensor))
                            break
                    else:
                        continue
                    break

    def _layer(self, name: str, kind: str) -> int:
        if name not in self.layer_of:
            self.layer_of[name] = len(self.layers)
            self.layers.append(Layer(name, kind))
        return self.layer_of[name]

    def _strides(self, tensor: Tensor) -> tuple[int, int]:
        """Line and surface stride; ``tensor.bytes`` are those of the whole feature map."""
        atom = self.target.atom_bytes
        return tensor.width * atom, tensor.bytes // ceil_div(tensor.channels, atom)

    def _touch(self, name: str, tensor: Tensor, write: bool) -> Touch:
        line, surface = self._strides(tensor)
        first, rest = divmod(tensor.offset, surface)
        row = rest // line
        self.recorder.buffer(name, max(tensor.bytes, first * surface + tensor.bytes if rest == 0 else 0))
        last = first + ceil_div(tensor.channels, self.target.atom_bytes)
        return Touch(name, write, first, last, row, row + tensor.height)

    def _convolution(self, row: Row, after: Row) -> None:
        subgraph = row.number("subgraph")
        source, weights, output = row.given("src_data"), row.given("weight_data"), after.given("dst_data")
        name = f"{subgraph}.W{weights.memory}"
        pixels = row.values["data_format"] != "FORMAT_FEATURE"
        width = row.number("kernel_width_csc")
        if not pixels:
            self._check_entries(row, source)
        if pixels:
            width = row.number("kernel_channel_csc") * width // source.channels
        out_height, kernels = row.number("input_height_cmac"), output.channels
        line, surface = self._strides(source)
        if pixels:
            line, surface = round_up(source.width * source.channels, self.target.atom_bytes), source.bytes
        store = self.recorder.constant(name, weights.bytes)
        buffers = self._name(subgraph, source), self._name(subgraph, output)
        touches = [self._touch(buffers[1], output, True)]
        if pixels:
            self.recorder.buffer(buffers[0], source.bytes)
            touches.append(Touch(buffers[0], False))
        else:
            touches.append(self._touch(buffers[0], source, False))
        fields: dict[str, Any] = {
            "width": row.number("input_width_csc"),
            "height": row.number("input_height_csc"),
            "channels": row.number("input_channel_csc"),
            "src": Place(buffers[0], source.offset),
            "src_line_stride": line,
            "src_surface_stride": surface,
            "image": int(pixels),
            "batch": 1,
            "kernels": kernels,
            "kernel_height": row.number("kernel_height_csc"),
            "kernel_width": width,
            "stride_x": row.number("conv_stride_x"),
            "stride_y": row.number("conv_stride_y"),
            "pad_left": row.number("pad_x_left"),
            "pad_right": row.number("pad_x_right"),
            "pad_top": row.number("pad_y_top"),
            "pad_bottom": row.number("pad_y_bottom"),
            "dilation_x": 1,
            "dilation_y": 1,
            "data_banks": row.number("data_bank"),
            "weight_banks": row.number("weight_bank"),
            "fetch_grain": row.number("fetch_grain"),
            "line_packed": int(not pixels),
            "surface_packed": int(not pixels and source.height * line == surface),
            "release": row.number("release"),
            "weights": store,
            "weight_bytes": row.number("weight_data_bytes"),
            "macs": output.width * out_height * kernels * row.number("bytes_per_kernel"),
            "layer": self._layer(name, "conv"),
        }
        self.recorder.op(
            Unit.CONV,
            touches,
            **fields,
            **self._output(buffers[1], output._replace(height=out_height)),
            **self._operands(after, name, subgraph, touches, prelu=not self._is_head(subgraph, output)),
        )

    def _check_entries(self, row: Row, source: Tensor) -> None:
        """A list compiled for another CBUF would be misread."""
        conv = Convolution(source.channels, source.height, source.width, 1, ONE_PIXEL)
        found, ours = row.number("entry_per_slice"), entries_per_line(conv, self.target)
        if found != ours:
            message = (
                f"{found} entries a line, {self.target.name} has {ours}; "
                "run the list on the accelerator it was compiled for"
            )
            raise ConfigError(message, file=self.path, line=row.line, key="entry_per_slice")

    def _output(self, buffer: str, tensor: Tensor) -> dict[str, Any]:
        line, surface = self._strides(tensor)
        return {
            "out_width": tensor.width,
            "out_height": tensor.height,
            "out_channels": tensor.channels,
            "dst": Place(buffer, tensor.offset),
            "dst_line_stride": line,
            "dst_surface_stride": surface,
        }

    def _is_head(self, subgraph: int, output: Tensor) -> bool:
        """The last convolution before a detection head has no activation: its copy has odd channels."""
        for row in self.rows:
            if row.number("subgraph") == subgraph and row.values["op"] == "sdp_op":
                source, target = row.given("src_data"), row.given("dst_data")
                if source.kind == "MC" and source.memory == output.memory:
                    if min(source.channels, target.channels) % self.target.atom_bytes:
                        return True
        return False

    def _operands(
        self, row: Row, name: str, subgraph: int, touches: list[Touch], prelu: bool
    ) -> dict[str, Any]:
        operand = row.tensor("x1_data")
        fields: dict[str, Any] = {}
        if operand and operand.width == operand.height == 1:
            place = self.recorder.constant(f"{name}.x1", operand.bytes)
            fields = {"x1": int(Operand.PER_KERNEL), "x1_bytes": PER_KERNEL_BYTES, "x1_address": place}
        elif operand:
            line, surface = self._strides(operand)
            buffer = self._name(subgraph, operand)
            touches.append(self._touch(buffer, operand, False))
            fields = {
                "x1": int(Operand.PER_ELEMENT),
                "x1_bytes": 1,
                "x1_address": Place(buffer, operand.offset),
                "x1_line_stride": line,
                "x1_surface_stride": surface,
            }
        if prelu:
            fields |= {"x2": int(Operand.REGISTER), "x2_relu": 2}
        return fields

    def _sdp(self, row: Row) -> None:
        subgraph = row.number("subgraph")
        source, output = row.given("src_data"), row.given("dst_data")
        buffers = self._name(subgraph, source), self._name(subgraph, output)
        touches = [self._touch(buffers[0], source, False), self._touch(buffers[1], output, True)]
        name = f"{subgraph}.S{row.values['index']}"
        operands = self._operands(row, name, subgraph, touches, prelu=False)
        line, surface = self._strides(source)
        self.recorder.op(
            Unit.SDP,
            touches,
            width=source.width,
            height=source.height,
            channels=source.channels,
            src=Place(buffers[0], source.offset),
            src_line_stride=line,
            src_surface_stride=surface,
            surface_packed=1,
            layer=self._layer(name, "add" if operands else "copy"),
            **self._output(buffers[1], output),
            **operands,
        )

    def _image(self, name: str, tensor: Tensor) -> None:
        elements = tensor.bytes
        buffer = self.recorder.buffer
        raw, planar = buffer("image.fp32", elements * FLOAT_BYTES), buffer("image.planar", elements)
        ready = buffer("image.ready", elements)
        buffer(name, elements)
        self._task("quantise", elements, (raw, elements * FLOAT_BYTES), (planar, elements), "image")
        self._task("interleave", elements, (planar, elements), (ready, elements), "image")
        self._task("memcpy", elements, (ready, elements), (name, elements), "image")

    def _core_steps(self, subgraph: int) -> None:
        for name, tensor in self.outputs.items():
            if not name.startswith(f"{subgraph}."):
                continue
            for later, wanted in self.wanted.get(name, ()):
                function = "memcpy" if wanted.bytes == tensor.bytes else "upsample"
                self.recorder.buffer(later, wanted.bytes)
                self._task(function, wanted.bytes, (name, tensor.bytes), (later, wanted.bytes), function)
            if name not in self.wanted:
                elements = tensor.width * tensor.height * tensor.channels
                real = self.recorder.buffer(f"{name}.fp32", elements * FLOAT_BYTES)
                self.recorder.results.add(real)
                size = elements * FLOAT_BYTES
                self._task("dequantise", elements, (name, tensor.bytes), (real, size), "dequantise")
                self._task("yolo", elements, (real, size), (real, size), "yolo")

    def _task(
        self, function: str, elements: int, reads: tuple[str, int], writes: tuple[str, int], kind: str
    ) -> None:
        layer = self._layer(f"{writes[0]}.{kind}", kind)
        self.recorder.task(
            [Touch(reads[0], False), Touch(writes[0], True)],
            read_address=Place(reads[0]),
            read_bytes=reads[1],
            write_address=Place(writes[0]),
            write_bytes=writes[1],
            compute_cycles=compute_cycles(function, elements, self.target.atom_bytes, self.job.threads),
            layer=layer,
        )
