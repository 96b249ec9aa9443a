"""A transformer generating text, as a user writes it."""

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from hw_models.errors import ConfigError
from hw_models.units import SIZE_UNITS, Block, Bytes, format_quantity, parse_quantity
from workloads.llm.activity import Activity
from workloads.llm.dtypes import bits_of
from workloads.llm.experts import Replacement, Router
from workloads.llm.kv_rules import KvRule
from workloads.llm.model import load_model
from workloads.llm.table import Table

Dtype = Literal[
    "fp32", "fp16", "bf16", "fp8", "int8", "int4",
    "q8_0", "q6_k", "q5_k", "q4_k", "q4_0", "q3_k", "q2_k", "iq4_xs", "mxfp4",
]  # fmt: skip
Home = Literal["flash", "host"]
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
SPARSE_POLICIES = ("predictor", "window", "window_bundled", "window_coactivation")


class Budget(NamedTuple):
    """DRAM for weights: a share of the model, or bytes."""

    share: Fraction | None = None
    size_bytes: int | None = None

    def __str__(self) -> str:
        if self.share is None:
            return format_quantity(self.size_bytes or 0, SIZE_UNITS)
        return f"{float(100 * self.share):g} %"

    def bytes_of(self, model_bytes: int) -> int:
        return int(self.share * model_bytes) if self.share is not None else self.size_bytes or 0


def _budget(value: Any) -> Budget:
    if isinstance(value, Budget):
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*", value) if isinstance(value, str) else None
    if match is not None and 0 < Fraction(match[1]) <= 100:
        return Budget(share=Fraction(match[1]) / 100)
    try:
        return Budget(size_bytes=parse_quantity(value, "size", SIZE_UNITS))
    except ValueError:
        message = (
            f"{value!r} is no DRAM budget; write a share of the model such as 50 %, or a size such as 4 GiB"
        )
        raise ValueError(message) from None


DramBudget = Annotated[
    Budget,
    BeforeValidator(_budget, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]


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
    replace: Replacement = Field(
        "lru",
        description="which expert leaves the cache; predicted: as a bit of each says; belady: the one needed "
        "last, a bound",
    )
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
