"""A language model that serves requests, as a user writes it."""

from fractions import Fraction
from typing import Literal

from pydantic import Field, field_validator, model_validator

from hw_models.units import FS_PER_S, Block, Bytes, BytesPerSecond, Femtoseconds, quantity
from workloads.llm.kv_rules import KvRule, Share
from workloads.llm.params import known_model

RATE_UNITS = {"/min": 1, "/s": 60}
Rate = quantity("rate of requests", RATE_UNITS, Field(gt=0))


class Requests(Block):
    """Requests of a trace, or drawn: arrivals of a Poisson process, lengths with exponential tails."""

    trace: str | None = Field(None, description="a trace file; docs/llm_serving.md has the kinds")
    count: int | None = Field(
        None, ge=1, description="how many are drawn, or taken from the trace's beginning"
    )
    rate_per_min: Rate | None = Field(  # type: ignore[valid-type]  # built by quantity()
        None, alias="rate", description="arrivals, such as 2 /s"
    )
    prompt: int = Field(160, ge=1, description="mean tokens of a prompt")
    output: int = Field(340, ge=1, description="mean tokens of an answer")
    prefix: int = Field(
        0, ge=0, description="tokens that prompts of a group begin with alike, before their own"
    )
    groups: int = Field(1, ge=1, description="such beginnings; requests have them by turns")
    turns: int = Field(
        1, ge=1, description="requests of a conversation, each with all before it in its prompt"
    )
    think_fs: Femtoseconds = Field(
        60 * FS_PER_S, alias="think", description="mean time between an answer and the next turn"
    )

    @model_validator(mode="after")
    def a_trace_or_a_rate(self) -> "Requests":
        if (self.trace is None) == (self.rate_per_min is None):
            found = "both" if self.trace is not None else "neither"
            raise ValueError(f"found {found} of trace and rate; write one of them")
        if self.trace is not None and (self.turns > 1 or self.prefix):
            raise ValueError("a trace has its own turns and beginnings; write a rate instead")
        if self.turns > 1 and self.prefix:
            raise ValueError("found both turns and prefix; write one of them")
        if self.rate_per_min is not None and self.count is None:
            raise ValueError("requests that are drawn need a count; write count: 300")
        return self


class EngineLimits(Block):
    """What an operator sets of a serving engine."""

    token_budget: int = Field(2048, ge=1, description="tokens of a step, prompts and answers together")
    sequences: int = Field(128, ge=1, description="sequences that run at once")
    block: int = Field(16, ge=1, description="tokens of a block of the KV cache")
    kv_tokens: int | None = Field(
        None, ge=1, description="tokens that the KV cache holds; absent: what 90 % of the memory leave"
    )
    prefix_cache: bool = Field(True, description="keep blocks for prompts that begin alike")
    prefix_once: bool = Field(False, description="a step reads what sequences share once for all of them")
    prompts: Literal["chunked", "alone"] = Field(
        "chunked", description="alone: a step has whole prompts or those that decode, not both"
    )
    order: Literal["first_come", "priority", "prefix"] = Field(
        "first_come", description="who is next: `prefix` puts prompts that begin alike behind each other"
    )
    preempt: Literal["recompute", "swap"] = Field(
        "recompute", description="what becomes of the blocks of one that makes room; swap: into `host`"
    )
    host_bytes: Bytes = Field(
        0, alias="host", description="memory of the host for blocks that the card gives up"
    )
    link_bytes_per_s: BytesPerSecond = Field(
        25 * 10**9, alias="link", gt=0, description="between card and host, each way"
    )
    reserve: Literal["blocks", "max", "pow2", "oracle"] = Field(
        "blocks",
        description="room for an answer: blocks as needed, or set aside as a whole when it begins: of the "
        "longest there can be, of a power of two, or (not knowable) just of what it takes",
    )

    @model_validator(mode="after")
    def what_goes_to_the_host_has_room_there(self) -> "EngineLimits":
        if self.preempt == "swap" and self.host_bytes == 0:
            raise ValueError("preempt: swap needs memory of the host; write host: 64 GiB")
        if self.reserve != "blocks" and (self.host_bytes or self.prefix_once):
            raise ValueError(f"reserve: {self.reserve} has no blocks to share or move; write blocks")
        return self


class ServedCache(Block):
    """Keys and values of the requests."""

    rules: list[KvRule] = Field(
        default_factory=list, description="who shares them, how wide they are and which tokens stay, in order"
    )


class TenantAdapters(Block):
    """Low-rank factors of each tenant beside the model."""

    tenants: int = Field(ge=1, description="that send requests; each has an adapter")
    rank: int = Field(16, ge=1, description="of the factors beside each matrix of attention and FFN")
    stored: Share = Field(
        Fraction(1),
        description="of an adapter's values, what each tenant adds; the rest is shared",
    )
    dram_bytes: Bytes | None = Field(
        None,
        alias="dram",
        description="of the card for adapters; others come by `engine.link`; absent: all",
    )
    skew: float = Field(0.0, ge=0, lt=1, description="0: tenants alike; larger: a few send most requests")


class Objective(Block):
    """What a request may take at most to count as good."""

    ttft_fs: Femtoseconds | None = Field(None, alias="ttft", description="time to the first token")
    tpot_fs: Femtoseconds | None = Field(None, alias="tpot", description="time per token behind it")


class ServeJob(Block):
    """A language model on a graphics card that answers many requests at once."""

    model: str = Field(description="a built-in model, a folder, or the path of a Hugging Face config.json")
    on: str = Field(description="the backend that computes: one with `kernels`")
    requests: Requests
    engine: EngineLimits = Field(EngineLimits(), description="limits of the engine")
    kv_cache: ServedCache = Field(ServedCache(), description="what requests leave behind")
    adapters: TenantAdapters | None = Field(None, description="absent: none")
    slo: Objective = Field(Objective(), description="what counts as good")

    @field_validator("model")
    @classmethod
    def model_is_known(cls, value: str) -> str:
        return known_model(value)
