"""From a network to a program: fuse, place, order, write operations and tasks, plan memory, resolve."""

from dataclasses import dataclass, field

from workloads.graph import Network, Node
from workloads.lowering.account import add_account, rides_of
from workloads.lowering.assemble import assemble
from workloads.lowering.costs import INT8_FUNCTIONS
from workloads.lowering.emit_ops import UnitEmitter
from workloads.lowering.emit_tasks import HostEmitter
from workloads.lowering.fuse import FusionRules, Stage, fuse
from workloads.lowering.homes import Homes
from workloads.lowering.order import in_order
from workloads.lowering.place import Placement, place_tensors
from workloads.lowering.record import Recorder
from workloads.lowering.target import Target
from workloads.program import Layer, Program


class NeedsCore(ValueError):
    """A layer that the accelerator cannot do, and no core to do it."""


@dataclass(frozen=True)
class LoweringOptions:
    """``strategy`` also chooses, as in the published loadable or not, the four that follow it."""

    strategy: str = "nvidia"  # nvidia, traffic
    fuse_residual: bool = False
    fuse_pooling: bool = False
    copy_concat: bool = True
    copy_between_submissions: bool = True
    dependencies: str = "serial"  # serial, data
    planner: str = "greedy_by_size"
    core: bool = True  # a core converts inputs and outputs and does what the accelerator cannot
    threads: int = 1  # cores that share the parallel loops of the work on cores
    simd: int = 1  # fp32 values that one instruction of the core works on


def lower_network(
    network: Network,
    target: Target,
    options: LoweringOptions,
    base_address: int = 0,
    homes: Homes | None = None,
) -> Program:
    """Return the program of one image. Raises DoesNotFit for a layer that fits CBUF in no way."""
    stages = fuse(network, target, FusionRules(options.fuse_residual, options.fuse_pooling))
    if options.copy_between_submissions:
        stages = _with_copies(stages, network)
    placement = place_tensors(stages, network, target, options.strategy, options.copy_concat)
    copied = {output for output, _ in placement.copies}
    ordered = in_order(placement.stages, network, copied)
    emitter = _Emitter(network, target, options, placement, ordered)
    emitter.run()
    return emitter.program(base_address, homes)


def _with_copies(stages: list[Stage], network: Network) -> list[Stage]:
    """Copy what leaves a submission to an output buffer, and from there to the next submission's input.

    As in the published runs: the loadable ends with an SDP copy of each of its outputs, and the runtime
    copies outputs to the inputs of the next loadable.
    """
    ordered = in_order(stages, network, {stage.output for stage in stages if stage.kind == "concat"})
    made = {stage.output: (level, stage) for level, stage in ordered}
    result = []
    for level, stage in ordered:
        for number, name in enumerate(stage.inputs):
            at, maker = made.get(name, (level, stage))
            crosses = maker.kind not in ("host", "view", "slice") and (stage.kind == "host" or at < level)
            if crosses:
                suffix = ".out" if stage.kind == "host" else ".in"
                stage.inputs[number] = name + suffix
                for step in stage.sdp.steps if stage.sdp else ():
                    step.tensor = name + suffix if step.tensor == name else step.tensor
        result.append(stage)
    complete = []
    read = {name for stage in result for name in stage.inputs}
    for stage in result:
        complete.append(stage)
        name = stage.output
        leaves = {name + ".out", name + ".in"} & read or (name in network.outputs and stage.kind != "host")
        if leaves and stage.kind not in ("view", "slice"):
            complete.append(Stage("copy", [stage.node], [name], f"{name}.out"))
            network.tensors[f"{name}.out"] = network.tensors[name]
            network.outputs = [f"{name}.out" if output == name else output for output in network.outputs]
        if name + ".in" in read:
            network.tensors[f"{name}.in"] = network.tensors[name]
            node = Node(f"{name}.in", "cpu", (f"{name}.out",), f"{name}.in", function="memcpy")
            complete.append(Stage("host", [node], [f"{name}.out"], f"{name}.in"))
    return complete


@dataclass
class _Emitter:
    network: Network
    target: Target
    options: LoweringOptions
    placement: Placement
    ordered: list[tuple[int, Stage]]
    recorder: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        self.layers = [Layer(name, "input") for name in self.network.inputs]
        self.layers += [Layer(node.name, node.kind) for node in self.network.nodes]
        self.layer_of = {layer.name: i for i, layer in enumerate(self.layers)}
        for _, stage in self.ordered:
            if stage.node.name not in self.layer_of:
                self.layer_of[stage.node.name] = len(self.layers)
                kind = stage.node.kind
                self.layers.append(Layer(stage.node.name, stage.node.function if kind == "cpu" else kind))
            self._warn(stage)
        self.units = UnitEmitter(self.recorder, self.target, self.options.strategy, self.layer_of)
        cubes, options = self.placement.cubes, self.options
        self.host = HostEmitter(self.recorder, self.network, cubes, options.threads, options.simd)
        self.wanted_int8 = self._read_as_int8()

    def _read_as_int8(self) -> set[str]:
        """Return the tensors that are read as INT8; a view wants what its readers want."""
        wanted: set[str] = set()
        for _, stage in reversed(self.ordered):
            if stage.output in wanted if stage.kind == "view" else not _wants_float(stage):
                wanted.update(stage.inputs)
        return wanted

    def _warn(self, stage: Stage) -> None:
        """Say which layers of a kind that the accelerator has go to a core all the same."""
        node = stage.node
        if stage.kind == "host" and node.kind in ("pool", "activation", "scale", "eltwise"):
            size = f" over {node.window.width}x{node.window.height}" if node.kind == "pool" else ""
            self.network.warnings.append(
                f"layer {node.name!r} ({node.function} {node.kind}{size}) is more than "
                f"{self.target.name} can do; a core does it"
            )

    def run(self) -> None:
        for number, name in enumerate(self.network.inputs if self.options.core else ()):
            self.host.layer = number
            self.host.network_input(name, self.options.copy_between_submissions)
        for level, stage in self.ordered:
            self.recorder.submit = max(level, 0)
            self._stage(stage)
        for name in self.network.outputs if self.options.core else ():
            self.host.layer = self.layer_of.get(name.removesuffix(".out"), self.host.layer)
            self.host.to_float(name)
            self.recorder.results.add(self.host.as_float[name])

    def _stage(self, stage: Stage) -> None:
        cubes, node = self.placement.cubes, stage.node
        source = cubes[stage.inputs[0]]
        if stage.kind == "conv":
            self.units.convolution(stage, self.placement.cuts[node.name], cubes)
        elif stage.kind == "sdp":
            self.units.sdp(stage, cubes)
        elif stage.kind == "copy":
            self.units.copy(stage, source, cubes[stage.output])
        elif stage.kind == "pool":
            self.units.pool(stage, source, cubes[stage.output])
        elif stage.kind == "lrn":
            self.units.lrn(stage, source, cubes[stage.output])
        elif stage.kind == "rubik":
            self.units.rubik(stage, source, cubes[stage.output])
        elif stage.kind == "concat":
            for name in stage.inputs:
                if (stage.output, name) in self.placement.copies:
                    part = Stage("copy", stage.nodes, [name], stage.output)
                    self.units.copy(part, cubes[name], self.placement.copies[stage.output, name])
        elif stage.kind == "view":
            self.host.view(stage)
        elif stage.kind == "host":
            if not self.options.core:
                raise NeedsCore(f"layer {node.name!r} ({node.function or node.kind}) needs a core")
            self.host.stage(stage, self.layer_of[node.name], stage.output in self.wanted_int8)

    def program(self, base_address: int, homes: Homes | None) -> Program:
        self._size_buffers()
        program = assemble(
            self.network.name,
            self.layers,
            self.recorder,
            self.options.planner,
            self.options.dependencies,
            base_address,
            list(self.network.warnings),
            self.placement.cubes,
            homes,
        )
        rides = rides_of(stage for _, stage in self.ordered)
        return add_account(program, self.network, rides, self.recorder, self.target.name)

    def _size_buffers(self) -> None:
        """A buffer reaches as far as the cubes in it."""
        for cube in self.placement.cubes.values():
            self.recorder.buffer(cube.buffer, cube.offset + cube.bytes)


def _wants_float(stage: Stage) -> bool:
    node = stage.node
    function = node.function if node.kind == "cpu" else node.kind
    return stage.kind == "host" and function not in INT8_FUNCTIONS
