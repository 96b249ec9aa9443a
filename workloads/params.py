"""What a config may say about a network and how it is lowered. No numba here: `--help` reads this."""

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from hw_models.units import Block, Bytes, Femtoseconds
from workloads.graph import MOST
from workloads.llm.model import builtin_models
from workloads.networks.builtin import NETWORKS

MOST_FRAMES = 100_000  # of a job: each has its latency kept
NETWORK_FILES = (".cfg", ".onnx", ".prototxt", ".json")
_PAIR = re.compile(r"\s*([0-9]+)\s*[x,]\s*([0-9]+)\s*")


def _pair(value: Any) -> tuple[int, int]:
    """Read `3`, `3x3` or `[3, 3]`: width first."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, str) and (match := _PAIR.fullmatch(value)):
        return int(match[1]), int(match[2])
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, int) for part in value):
        return value[0], value[1]
    raise ValueError(f"{value!r} is not a size; write WIDTHxHEIGHT, such as 3x3")


def _size(value: Any) -> tuple[int, int]:
    return _at_least(1, _pair(value))


def _input(value: Any) -> Any:
    """Read WIDTHxHEIGHT, or whole shapes by the names of the inputs."""
    if not isinstance(value, dict):
        return _size(value)
    for name, dims in value.items():
        whole = isinstance(dims, list | tuple) and all(type(size) is int for size in dims)
        if not whole or not all(0 < size <= MOST for size in dims):
            raise ValueError(
                f"{name}: {dims!r} is not a shape; write whole numbers, such as [1, 3, 640, 640]"
            )
    if not value:
        raise ValueError("found no input; write {NAME: [1, 3, 640, 640]}, or WIDTHxHEIGHT")
    return {str(name): tuple(dims) for name, dims in value.items()}


def _padding(value: Any) -> tuple[int, int]:
    return _at_least(0, _pair(value))


def _at_least(least: int, pair: tuple[int, int]) -> tuple[int, int]:
    if min(pair) < least:
        raise ValueError(f"{pair[0]}x{pair[1]} is too small; write at least {least}x{least}")
    return pair


PAIR_INPUT: Any = str | int | list[int]
Size = Annotated[tuple[int, int], BeforeValidator(_size, json_schema_input_type=PAIR_INPUT)]
InputShapes = dict[str, tuple[int, ...]]
Input = Annotated[
    tuple[int, int] | InputShapes,
    BeforeValidator(_input, json_schema_input_type=PAIR_INPUT | dict[str, list[int]]),
]
Padding = Annotated[tuple[int, int], BeforeValidator(_padding, json_schema_input_type=PAIR_INPUT)]
Positive = Annotated[int, Field(gt=0, le=MOST)]


class InlineLayer(Block):
    """Fields that every inline layer has. ``source`` defaults to the layer before."""

    name: str | None = None
    input: tuple[Positive, Positive, Positive] | None = Field(None, description="width, height, channels")
    source: str | tuple[str, ...] | None = Field(None, alias="from", description="earlier layers by name")


class ConvLayer(InlineLayer):
    kernels: Positive
    kernel: Size
    stride: Size = (1, 1)
    padding: Padding = (0, 0)
    dilation: Size = (1, 1)
    groups: Positive = 1
    bias: bool = True
    activation: str = "linear"


class FcLayer(InlineLayer):
    kernels: Positive
    bias: bool = True
    activation: str = "linear"


class PoolLayer(InlineLayer):
    function: Literal["max", "average"] = "max"
    kernel: Size | None = Field(None, description="absent: the whole image")
    stride: Size | None = Field(None, description="absent: as the kernel")
    padding: Padding = (0, 0)


class JoinLayer(InlineLayer):
    """add or concat: the layers that `from` names; if it names one, that and the layer before."""


class UpsampleLayer(InlineLayer):
    factor: Positive = 2


class LrnLayer(InlineLayer):
    size: Positive = 5


class ActivationLayer(InlineLayer):
    function: str = "relu"


class AnyLayer(Block):
    """One inline layer: exactly one of these keys."""

    conv: ConvLayer | None = None
    deconv: ConvLayer | None = None
    fc: FcLayer | None = None
    pool: PoolLayer | None = None
    add: JoinLayer | None = None
    concat: JoinLayer | None = None
    upsample: UpsampleLayer | None = None
    lrn: LrnLayer | None = None
    activation: ActivationLayer | None = None
    softmax: InlineLayer | None = None
    yolo: InlineLayer | None = None

    @model_validator(mode="after")
    def one_kind(self) -> "AnyLayer":
        kinds = [kind for kind in AnyLayer.model_fields if getattr(self, kind) is not None]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "no layer"
            raise ValueError(f"found {found}; write one of {', '.join(AnyLayer.model_fields)}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in AnyLayer.model_fields if getattr(self, kind) is not None)


class LoadableFile(Block):
    """A published loadable: the hardware operations themselves, as a table."""

    loadable: str


class ProgramFile(Block):
    """A register-level program for NVDLA: a text trace (.cfg, .txn) and its memory images beside it."""

    program: str


def _source(value: Any) -> str:
    """Return the tag of a network's source."""
    if isinstance(value, ProgramFile) or (isinstance(value, dict) and "program" in value):
        return "ProgramFile"
    return "LoadableFile" if isinstance(value, dict | LoadableFile) else "str"


NetworkSource = Annotated[
    Annotated[str, Tag("str")]
    | Annotated[LoadableFile, Tag("LoadableFile")]
    | Annotated[ProgramFile, Tag("ProgramFile")],
    Discriminator(_source),
]


MOST_REQUESTS = 2**20  # of a frame, to flash


class NetworkStorage(Block):
    """What a network's frames move between DRAM and `system.flash`."""

    weights: Literal["dram", "flash"] = Field(
        "dram", description="flash: read into DRAM every frame, each operation's before it starts"
    )
    record_bytes: Bytes = Field(
        0, alias="record", description="written to flash every frame, from its start on"
    )
    chunk_bytes: Bytes = Field(131072, alias="chunk", ge=512, le=2**20, description="of a request")
    threads: Positive = Field(4, le=1024, description="requests that are made at once")

    @model_validator(mode="after")
    def requests_can_be_held(self) -> "NetworkStorage":
        requests = -(-self.record_bytes // self.chunk_bytes)
        if requests > MOST_REQUESTS:
            raise ValueError(
                f"{requests} requests record a frame; write a larger chunk: at most {MOST_REQUESTS}"
            )
        return self


class Place(Block):
    """Memories with addresses of their own, by name, for what fits there; the rest lies in the usual one."""

    weights: str | None = Field(None, description="memory for weights and operands")
    features: str | None = Field(None, description="memory for feature maps")


class NetworkJob(Block):
    """A neural network on an accelerator, what it cannot do on a core."""

    network: NetworkSource | None = Field(
        None,
        description="a name of `dlasim list networks`, a .cfg or .onnx file, a transformer by name or "
        "config.json, {loadable: FILE.csv}, or {program: FILE.cfg}",
    )
    layers: tuple[AnyLayer, ...] | None = Field(None, description="the network, written inline")
    input: Input | None = Field(
        None,
        description="WIDTHxHEIGHT in place of the network's own, or {NAME: [1, 3, 640, 640]} of an ONNX file",
    )
    context: int | None = Field(
        None,
        ge=0,
        description="of a language model: tokens before these. Attention to their keys and values is then "
        "the accelerator's, as convolutions; absent: none, and it is the core's",
    )
    precision: Literal["int8"] = "int8"
    on: str = Field(description="accelerator")
    fallback: str | None = Field(None, description="core for what the accelerator cannot do")
    threads: Positive = Field(1, description="cores that share parallel loops of that work")
    core_work: float = Field(
        1.0,
        gt=0,
        le=100,
        description="cycles of that work, as a multiple of the assumed ones (docs/lowering.md)",
    )
    strict: bool = Field(
        False, description="refuse operators that are not known instead of giving them to a core"
    )
    strategy: Literal["nvidia", "traffic"] = Field(
        "nvidia", description="nvidia: as NVIDIA's compiler; traffic: the fewest bytes moved"
    )
    fuse_residual: bool | None = Field(None, description="absent: as the strategy")
    fuse_pooling: bool | None = Field(None, description="absent: as the strategy")
    concat: Literal["copy", "in_place"] | None = Field(None, description="absent: as the strategy")
    dependencies: Literal["serial", "data"] = "serial"
    planner: Literal["greedy_by_size", "greedy_by_breadth", "first_fit", "separate", "regions"] = Field(
        "greedy_by_size",
        description="regions: every tensor and its own power of two of pages, as Linux's DMA pool",
    )
    storage: NetworkStorage | None = None
    place: Place | None = Field(None, description="memories for its tensors besides the usual one")
    frames: Annotated[int, Field(gt=0, le=MOST_FRAMES)] = 1
    period_fs: Femtoseconds | None = Field(None, alias="period", description="a frame starts every so often")
    jitter_fs: Femtoseconds = Field(
        0, alias="jitter", ge=0, description="a frame starts at random up to this much after its time"
    )
    deadline_fs: Femtoseconds | None = Field(
        None, alias="deadline", gt=0, description="a frame must be done by then"
    )

    @field_validator("network")
    @classmethod
    def a_name_or_a_file(
        cls, network: str | LoadableFile | ProgramFile | None
    ) -> str | LoadableFile | ProgramFile | None:
        if not isinstance(network, str) or network in NETWORKS or network.lower().endswith(NETWORK_FILES):
            return network
        if network in builtin_models():
            return network
        close = get_close_matches(network, [*NETWORKS, *builtin_models()], 1)
        advice = (
            f"did you mean {close[0]!r}?"
            if close
            else f"write a .cfg or .onnx file, or {', '.join(NETWORKS)}"
        )
        raise ValueError(f"{network!r} is not a network; {advice}")

    @model_validator(mode="after")
    def one_source(self) -> "NetworkJob":
        if self.layers == ():
            raise ValueError("found no layers; write at least one, or a network")
        if (self.network is None) == (self.layers is None):
            found = "both" if self.network is not None else "neither"
            raise ValueError(f"found {found} of network and layers; write one of them")
        return self
