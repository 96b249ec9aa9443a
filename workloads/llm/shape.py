"""What an architecture leaves open: the sizes from which all tensors follow. Widths in values."""

from dataclasses import dataclass
from typing import NamedTuple


class Tensor(NamedTuple):
    name: str
    layer: int  # -1: not of a layer
    role: str  # embedding, position, projection, head, attention, state, ffn, expert, router, norm, bias
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True)
class Experts:
    """The FFN of a layer as experts, of which a token takes a few."""

    count: int
    per_token: int
    ffn: int  # neurons of one
    shared_ffn: int = 0  # neurons of the one that every token takes; 0: none
    shared_gate: bool = False  # a vector that weighs it
    bias: bool = False  # of experts and router
    router_values: int = 0  # further values of the router (DeepSeek's correction)

    def __post_init__(self) -> None:
        if not 0 < self.per_token <= self.count:
            raise ValueError(f"a token takes {self.per_token} of {self.count} experts")


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention: keys and values of all heads from one compressed vector."""

    query_rank: int  # 0: queries are not compressed
    rank: int  # of the vector that is cached
    rope_width: int  # of the key part with positions, cached too, one for all heads
    nope_width: int  # of a head's other key part
    value_width: int


@dataclass(frozen=True)
class Scan:
    """A state-space layer (Mamba) in place of attention: a state of fixed size instead of keys and values."""

    inner: int
    state: int
    kernel: int  # of the convolution in front
    step_rank: int
    norms: bool = False  # over step, input and output projections (Jamba)

    @property
    def state_values(self) -> int:
        """Return the numbers that a sequence keeps in one layer: state, and the convolution's last inputs."""
        return self.inner * (self.state + self.kernel - 1)


@dataclass(frozen=True)
class Shape:
    layers: int
    width: int  # d_model
    heads: int
    kv_heads: int
    head_width: int
    ffn: int  # neurons of one layer's FFN that is not made of experts
    vocabulary: int
    positions: int  # longest context
    gated: bool = False
    tied: bool = True  # output projection is the embedding
    learned_positions: int = 0  # rows of the position table; 0: rotary or none
    embedding_width: int = 0  # 0 becomes width
    embedding_norm: bool = False
    qkv_bias: bool = False
    attention_out_bias: bool = False
    ffn_bias: bool = False
    head_bias: bool = False
    norms: int = 2  # per layer
    norm_bias: bool = False
    qk_norms: int = 0  # 1: over a head's width, for queries and for keys; 2: over all heads together
    qk_norm_bias: bool | None = None  # absent: as the others
    final_norm: bool = True
    sinks: bool = False  # a learned logit of each head (gpt-oss)
    windows: tuple[int | None, ...] = ()  # of each layer's attention; None: all of the past; () becomes that
    experts: Experts | None = None
    expert_layers: tuple[bool, ...] = ()  # () with experts: all
    latent: Latent | None = None
    scan: Scan | None = None
    scan_layers: tuple[bool, ...] = ()
    parallel_scan: bool = False  # each layer has a scan beside its attention, outputs are added (Hymba)
    value_width: int = 0  # of a head's values; 0 becomes head_width
    kv_owners: tuple[int, ...] = ()  # the layer whose keys and values a layer reads; () becomes its own

    def __post_init__(self) -> None:
        def default(name: str, value: object) -> None:
            if not getattr(self, name):
                object.__setattr__(self, name, value)

        default("embedding_width", self.width)
        default("value_width", self.head_width)
        default("kv_owners", tuple(range(self.layers)))
        default("windows", (None,) * self.layers)
        default("expert_layers", (self.experts is not None,) * self.layers)
        default("scan_layers", (False,) * self.layers)
        if self.kv_heads > self.heads or (self.kv_heads > 0 and self.heads % self.kv_heads):
            raise ValueError(f"{self.kv_heads} key-value heads do not divide {self.heads} heads")
        for name in ("windows", "expert_layers", "scan_layers", "kv_owners"):
            if len(getattr(self, name)) != self.layers:
                raise ValueError(f"{name} of {len(getattr(self, name))} layers; the model has {self.layers}")

    @property
    def kv_values(self) -> int:
        """Return the numbers that one token adds to the cache of one layer with attention."""
        if self.latent is not None:
            return self.latent.rank + self.latent.rope_width
        return self.kv_heads * (self.head_width + self.value_width)

    @property
    def score_width(self) -> int:
        """Return the multiplications of one query head with one token's key and value, as they are cached."""
        if self.latent is not None:
            return 2 * self.latent.rank + self.latent.rope_width
        return self.head_width + self.value_width

    @property
    def kv_layers(self) -> int:
        """Return how many layers store keys and values."""
        own = [owner == layer for layer, owner in enumerate(self.kv_owners)]
        return sum(owns and not scans for owns, scans in zip(own, self.scan_layers, strict=True))

    @property
    def state_layers(self) -> int:
        """Return how many layers have a scan's state."""
        return self.layers if self.parallel_scan else sum(self.scan_layers)
