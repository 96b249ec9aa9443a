"""A transformer generating text, as a user writes it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hw_models.errors import ConfigError
from hw_models.units import Block, Bytes
from workloads.llm.activity import Activity
from workloads.llm.budget import DramBudget
from workloads.llm.dtypes import bits_of
from workloads.llm.experts import Router
from workloads.llm.hold import Hold, Home, What, one_of_each
from workloads.llm.kv_rules import KvRule
from workloads.llm.model import load_model
from workloads.llm.replacement import Replacement
from workloads.llm.shared_weights import SharedWeights
from workloads.llm.stack import Stack
from workloads.llm.table import Table

Dtype = Literal[
    "fp32", "fp16", "bf16", "fp8", "int8", "int4",
    "q8_0", "q6_k", "q5_k", "q4_k", "q4_k_m", "q4_0", "q3_k", "q2_k", "iq4_xs", "mxfp4", "nf4", "nvfp4",
]  # fmt: skip
Role = Literal["embedding", "attention", "ffn", "expert", "head", "kv", "predictor"]
Policy = Literal[
    "resident", "naive", "hybrid", "experts", "predictor", "window", "window_bundled", "window_coactivation"
]

POLICIES: dict[str, str] = {  # what each keeps in DRAM, and what a token reads from flash
    "resident": "the whole model in DRAM: nothing is read",
    "naive": "nothing in DRAM: every weight is read for every token, in order",
    "hybrid": "as much as `dram` allows in DRAM, the rest read for every token, in order",
    "experts": "all but the experts in DRAM; experts are read one by one into a cache of what `dram` leaves",
    "predictor": "all but the FFN in DRAM; the predicted FFN neurons are read for every token",
    "window": "as predictor, and the neurons of the last `window` tokens stay in DRAM",
    "window_bundled": "as window, with a neuron's vectors side by side on flash: one read each",
    "window_coactivation": "as window_bundled, a neuron with its closest friend: one read of twice the size",
}
AS_HOLD: dict[str, dict[str, str]] = {  # the policies that hold units, as lines of `hold`
    "experts": {"what": "experts"},
    "predictor": {"what": "ffn", "unit": "vector", "replace": "none"},
    "window": {"what": "ffn", "unit": "vector", "replace": "window"},
    "window_bundled": {"what": "ffn", "unit": "neuron", "replace": "window"},
    "window_coactivation": {"what": "ffn", "unit": "pair", "replace": "window"},
}


class Offload(Block):
    """Where the weights are while tokens are generated."""

    policy: Policy = Field(
        "resident", description="what stays in DRAM: " + "; ".join(f"{k}: {v}" for k, v in POLICIES.items())
    )
    dram: DramBudget | None = Field(
        None, description="DRAM for weights: 50 % of the model, or 4 GiB; absent: enough"
    )
    home: Home = Field("flash", description="where all weights are: flash, or the backend's `host`")
    window: int = Field(4, ge=1, description="tokens whose neurons stay in DRAM")
    threads: int = Field(32, ge=1, le=1024, description="threads that read from flash")
    chunk_bytes: Bytes | None = Field(
        None, alias="chunk", gt=0, description="size of a read; absent: one neuron's"
    )
    replace: Replacement = Field("lru", description="which expert leaves the cache: `hold` has what there is")
    accuracy: float = Field(1.0, ge=0, le=1, description="chance that a bit of `predicted` is right")
    router: Router = Field(Router(), description="which experts tokens are sent to")
    activity: Activity | None = Field(
        None, description="generative trace; absent: the model's own, where known"
    )
    recorded: str | None = Field(None, description="activity file: token,layer,neurons")
    predictor_ranks: list[Annotated[int, Field(ge=0)]] | None = Field(
        None, description="rank of the predictor for equal groups of layers; 0: none, the layer stays in DRAM"
    )
    start: Literal["warm", "cold"] = Field(
        "warm", description="warm: the prompt's last tokens leave their neurons in DRAM; cold: nothing there"
    )

    @property
    def as_hold(self) -> Hold | None:
        """Return the line of `hold` that the policy stands for, None where matrices stay whole."""
        line = AS_HOLD.get(self.policy)
        if line is None:
            return None
        own = {"replace": self.replace} if self.policy == "experts" else {}
        same = ("home", "window", "accuracy", "router", "threads", "chunk_bytes")
        return Hold.model_validate({**{name: getattr(self, name) for name in same}, **own, **line})


class Speculative(Block):
    """A small model drafts, the large one verifies all drafts at once."""

    draft_tokens: int = Field(4, ge=1, alias="lambda", description="tokens drafted per round")
    acceptance: float = Field(0.74, gt=0, lt=1, alias="alpha", description="chance that a draft is accepted")
    draft: str = Field(
        "opt-125m",
        description="the model that drafts, in DRAM; self: look-ahead tokens of the model's own pass",
    )

    @field_validator("draft")
    @classmethod
    def draft_is_known(cls, value: str) -> str:
        return value if value == "self" else known_model(value)


class KvCache(Block):
    """Keys and values of past tokens."""

    dram_bytes: Bytes | None = Field(
        None, alias="dram", description="DRAM for it; what is over lies in `home`"
    )
    home: Home = Field("flash", description="where older tokens lie: flash, or the backend's `host`")
    block_tokens: int = Field(
        16, ge=1, alias="block", description="tokens of one layer that lie together on flash"
    )
    rules: list[KvRule] = Field(
        default_factory=list, description="who shares them, how wide they are and which tokens stay, in order"
    )


class LlmJob(Block):
    """A transformer generating tokens."""

    model: str = Field(description="a built-in model, or the path of a Hugging Face config.json")
    on: str = Field(description="the backend that computes")
    prompt: int = Field(128, ge=1, description="tokens of the prompt")
    tokens: int = Field(64, ge=1, description="tokens to generate")
    chunk: int | None = Field(
        None, ge=1, description="tokens of the prompt that see each other whatever rules keep; absent: none"
    )
    batch: int = Field(1, ge=1, le=65536, description="sequences at once, alike")
    precision: Dtype = Field("fp16", description="data type of weights in DRAM and of arithmetic")
    stored: Dtype | None = Field(None, description="data type of weights on flash; absent: as in DRAM")
    quantize: dict[Role, Dtype] = Field(
        default_factory=dict, description="data types of single roles: {ffn: int4}"
    )
    offload: Offload = Field(
        default_factory=Offload, description="what stays in DRAM and what is read from flash"
    )
    speculative: Speculative | None = Field(None, description="speculative decoding; absent: none")
    kv_cache: KvCache = Field(
        default_factory=KvCache, description="where the keys and values of past tokens are"
    )

    table: Table | None = Field(None, description="memory layers: rows that tokens look up; absent: none")
    stack: Stack | None = Field(
        None, description="matrices as stacks of residual blocks, as many as DRAM has room for; absent: whole"
    )
    share_weights: list[SharedWeights] = Field(
        default_factory=list, description="layers that read the weights of another, in order"
    )
    hold: list[Hold] = Field(
        default_factory=list, description="what of neurons, experts, keys and values or rows stays in DRAM"
    )

    @field_validator("hold")
    @classmethod
    def each_kind_is_held_once(cls, value: list[Hold]) -> list[Hold]:
        return one_of_each(value)

    @model_validator(mode="after")
    def weights_are_placed_once(self) -> "LlmJob":
        units = [hold.what for hold in self.hold if hold.what in ("ffn", "experts")]
        if units and self.offload.policy != "resident":
            raise ValueError(
                f"offload.policy {self.offload.policy}, and hold of {units[0]}; write one of them"
            )
        if len(units) > 1:
            raise ValueError("hold of ffn and of experts; a model has one of them")
        return self

    @field_validator("model")
    @classmethod
    def model_is_known(cls, value: str) -> str:
        return known_model(value)

    @field_validator("precision")
    @classmethod
    def precision_can_be_computed(cls, value: str) -> str:
        if value not in ("fp32", "fp16", "bf16"):
            raise ValueError(
                f"{value!r} is not computed in; write fp32, fp16 or bf16, and {value} under quantize"
            )
        return value

    def held(self, what: What) -> Hold | None:
        """Return how data of a kind are held unit by unit, None where they are not."""
        for hold in self.hold:
            if hold.what == what:
                return hold
        usual = self.offload.as_hold
        return usual if usual is not None and usual.what == what else None

    def home_of(self, op: str) -> Home:
        """Return where the data of an operation lie that DRAM does not hold."""
        if op == "table" and self.table is not None and self.table.home != "dram":
            return self.table.home
        if op == "kv":
            return self.kv_cache.home
        hold = self.held("experts") or self.held("ffn")
        return (hold.home if hold is not None else None) or self.offload.home

    def threads_of(self, op: str) -> int:
        """Return how many threads read the data of an operation."""
        kinds: dict[str, What] = {"experts": "experts", "neurons": "ffn", "kv": "kv", "table": "table"}
        hold = self.held(kinds[op]) if op in kinds else None
        return hold.threads if hold is not None else self.offload.threads

    @property
    def context(self) -> int:
        """Return the tokens of prompt and answer together."""
        return self.prompt + self.tokens

    def dtype(self, role: str, checkpoint: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the data type of ``role`` in DRAM: as written, as the checkpoint has it, or `precision`."""
        own = {"bias": "attention", "norm": "attention", "position": "embedding", "projection": "attention"}
        role = (own | {"router": "attention"}).get(role, role)
        return self.quantize.get(role, checkpoint.get(role, self.precision))  # type: ignore[call-overload]

    def stored_dtype(self, role: str, checkpoint: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the data type of ``role`` on flash."""
        dtype = self.dtype(role, checkpoint)
        return self.stored if self.stored is not None and bits_of(self.stored) < bits_of(dtype) else dtype


def known_model(value: str) -> str:
    """Return ``value`` if it names a model. Raises ValueError."""
    try:
        load_model(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return value
