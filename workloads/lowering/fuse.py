"""From nodes to stages: what one launch of the hardware, or one stretch of work on a core, does.

The SDP behind the MAC array works on every output on its way to memory, in three steps: X1, X2 and, where
the configuration has it, Y. X1 and X2 add, multiply and apply ReLU or PReLU; Y adds, multiplies and looks up
a table (NVDLA hardware manual, single data processor). A chain of nodes is folded in while steps are left.
"""

from dataclasses import dataclass, field

from hw_models.nvdla.op import Operand
from workloads.graph import Network, Node
from workloads.lowering.rewrite import fits_pdp, rewritten
from workloads.lowering.target import Target

PER_KERNEL_BYTES = 4  # bias and scale, 2 B each: as in the published loadable (reference/README.md)
SLOPE_BYTES = 2  # PReLU with a slope per channel
LUT_FUNCTIONS = (
    "sigmoid",
    "logistic",
    "tanh",
    "swish",
    "mish",
    "elu",
    "selu",
    "hardsigmoid",
    "hardswish",
    "gelu",
)


@dataclass
class Step:
    """One of X1, X2, Y."""

    mode: Operand = Operand.OFF
    bytes: int = 0
    relu: int = 0  # 1 ReLU, 2 PReLU
    tensor: str = ""  # PER_ELEMENT: the second operand


@dataclass
class Sdp:
    """The SDP's three steps, filled in order."""

    has_y: bool
    has_lut: bool
    steps: tuple[Step, Step, Step] = field(default_factory=lambda: (Step(), Step(), Step()))
    lut: int = 0
    position: int = 0  # the step that the next operation may still use

    def add_scale(self) -> bool:
        """Fold in a bias or a per-channel scale."""
        first = self.steps[0]
        if self.position > 0 or first.relu or first.tensor:
            return False
        first.mode, first.bytes = Operand.PER_KERNEL, PER_KERNEL_BYTES
        return True

    def add_activation(self, function: str) -> bool:
        if function in ("", "linear", "identity"):
            return True
        if function in ("relu", "relu6", "clip"):  # the output converter saturates at the upper end
            if self.position < 2:
                step = self.steps[self.position]
                step.relu = 1
                step.mode = max(step.mode, Operand.REGISTER)
                self.position += 1
                return True
            return self._look_up()
        if function in ("leaky", "prelu"):
            if self.position == 2:
                return self._look_up()
            step = self.steps[1]
            step.relu, self.position = 2, 2
            if not step.tensor:
                step.mode = Operand.REGISTER if function == "leaky" else Operand.PER_KERNEL
                step.bytes = 0 if function == "leaky" else SLOPE_BYTES
            return True
        return function in LUT_FUNCTIONS and self._look_up()

    def _look_up(self) -> bool:
        if not self.has_lut or self.lut:
            return False
        y = self.steps[2]
        y.mode, self.lut, self.position = max(y.mode, Operand.REGISTER), 1, 3
        return True

    def add_eltwise(self, tensor: str, mode: Operand = Operand.PER_ELEMENT) -> bool:
        """Fold in an element-by-element operation with ``tensor``, or one with a value a channel of it."""
        last = 3 if self.has_y else 2
        position = self.position
        while position < last and self.steps[position].mode != Operand.OFF:
            position += 1
        if position >= last or self.lut:
            return False
        step = self.steps[position]
        step.mode, step.bytes, step.tensor = mode, 1, tensor
        self.position = position
        return True


@dataclass
class Stage:
    """``kind``: conv, sdp, pool, lrn, rubik, concat, view on the accelerator's side; host on a core."""

    kind: str
    nodes: list[Node]
    inputs: list[str]
    output: str
    sdp: Sdp | None = None
    pool: Node | None = None  # behind a convolution, on the fly: may be, until placed; then is

    @property
    def node(self) -> Node:
        return self.nodes[0]


@dataclass(frozen=True)
class FusionRules:
    residual: bool  # fold a residual add into the convolution before it
    pooling: bool = False  # pool on the fly behind a convolution


def fuse(network: Network, target: Target, rules: FusionRules) -> list[Stage]:
    """Return stages in an order in which they can run."""
    return _Fuser(network, target, rules).run()


class _Fuser:
    def __init__(self, network: Network, target: Target, rules: FusionRules):
        self.network, self.target, self.rules = network, target, rules
        self.nodes = rewritten(network, target)
        self.consumers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                self.consumers.setdefault(name, []).append(node)
        self.made_at = dict.fromkeys(network.inputs, -1)
        self.made_at |= {node.output: i for i, node in enumerate(self.nodes)}
        self.taken: set[str] = set()  # names of nodes folded into an earlier one

    def run(self) -> list[Stage]:
        stages: list[tuple[int, Stage]] = []
        for index, node in enumerate(self.nodes):
            if node.name in self.taken:
                continue
            for stage in self._stages_of(node):
                # a stage that took in a later add runs where that add stood: both operands exist there
                stages.append((max(self.made_at.get(stage.output, index), index), stage))
        return [stage for _, stage in sorted(stages, key=lambda pair: pair[0])]

    def _stages_of(self, node: Node) -> list[Stage]:
        if node.kind in ("conv", "fc"):
            return [self._convolution(node)]
        if node.kind == "eltwise":
            return self._eltwise(node)
        if node.kind in ("scale", "activation"):
            sdp = Sdp(self.target.eltwise, self.target.lut)
            done = sdp.add_scale() if node.kind == "scale" else sdp.add_activation(node.function)
            return (
                [self._grown(Stage("sdp", [node], [node.inputs[0]], node.output, sdp))]
                if done
                else [_host(node)]
            )
        if node.kind == "pool" and fits_pdp(node):
            return [Stage("pool", [node], list(node.inputs), node.output)]
        whole_atoms = self.network.tensors[node.output].channels % self.target.atom_bytes == 0
        if node.function == "depth_to_space" and self.target.rubik and whole_atoms:
            return [Stage("rubik", [node], list(node.inputs), node.output)]
        if node.kind == "lrn" or node.kind in ("concat", "view", "slice"):
            return [Stage(node.kind, [node], list(node.inputs), node.output)]
        return [_host(node)]

    def _convolution(self, node: Node) -> Stage:
        sdp = Sdp(self.target.eltwise, self.target.lut)
        if node.bias:
            sdp.add_scale()
        stage = self._grown(Stage("conv", [node], [node.inputs[0]], node.output, sdp))
        readers = self.consumers.get(stage.output, [])
        if self.rules.pooling and len(readers) == 1 and stage.output not in self.network.outputs:
            if readers[0].kind == "pool" and fits_pdp(readers[0]):
                stage.pool = readers[0]
        return stage

    def _eltwise(self, node: Node) -> list[Stage]:
        """One SDP launch for every operand after the first."""
        stages, source = [], node.inputs[0]
        for i, operand in enumerate(node.inputs[1:]):
            last = i == len(node.inputs) - 2
            output = node.output if last else f"{node.output}.{i}"
            if not last:
                self.network.tensors[output] = self.network.tensors[node.output]
            sdp = Sdp(self.target.eltwise, self.target.lut)
            sdp.add_eltwise(operand, self._mode(source, operand))
            stage = Stage("sdp", [node], [source, operand], output, sdp)
            stages.append(self._grown(stage) if last else stage)
            source = output
        return stages

    def _mode(self, source: str, operand: str) -> Operand:
        alike = self.network.tensors[source] == self.network.tensors[operand]
        return Operand.PER_ELEMENT if alike else Operand.PER_KERNEL

    def _grown(self, stage: Stage) -> Stage:
        """Fold the nodes behind ``stage`` into its SDP while each is the only reader of the one before."""
        assert stage.sdp is not None
        while stage.output not in self.network.outputs:
            readers = self.consumers.get(stage.output, [])
            if len(readers) != 1 or readers[0].name in self.taken:
                break
            node = readers[0]
            if node.kind == "scale":
                done = stage.sdp.add_scale()
            elif node.kind == "activation":
                done = stage.sdp.add_activation(node.function)
            elif node.kind == "eltwise" and len(node.inputs) == 2 and self._may_add(stage, node):
                other = next(name for name in node.inputs if name != stage.output)
                done = stage.sdp.add_eltwise(other, self._mode(stage.output, other))
                if done:
                    stage.inputs.append(other)
            else:
                done = False
            if not done:
                break
            self.taken.add(node.name)
            stage.nodes.append(node)
            stage.output = node.output
        return stage

    def _may_add(self, stage: Stage, node: Node) -> bool:
        """A residual add is folded into the later of its two producers."""
        if not self.rules.residual or stage.kind != "conv" or node.inputs[0] == node.inputs[1]:
            return False
        other = next(name for name in node.inputs if name != stage.output)
        if self.network.tensors[stage.output] != self.network.tensors[node.output]:
            return False  # this is the operand with one value a channel
        return self.made_at[other] < self.made_at[stage.node.output]


def _host(node: Node) -> Stage:
    return Stage("host", [node], list(node.inputs), node.output)
