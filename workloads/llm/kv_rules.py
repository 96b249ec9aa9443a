"""What a job says of keys and values: rules that share, drop, narrow or quantize them, as a user writes them.

Rules are applied in order to cells, the keys or the values of one (layer, key-value head); later ones win.
"""

import math
import re
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from hw_models.units import Block
from workloads.llm.dtypes import bits_of

PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
SPAN = re.compile(r"(\d+)(?:-(\d+))?")
EVERY = re.compile(r"every (\d+)(?: from (\d+))?")


def share_of(value: Any) -> Fraction:
    """Return a share as written, `25 %`. Raises ValueError."""
    if isinstance(value, Fraction):
        return value
    match = PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 < Fraction(match[1]) <= 100:
        raise ValueError(f"{value!r} is no share; write more than 0 % and at most 100 %, such as 25 %")
    return Fraction(match[1]) / 100


def percent(share: Fraction) -> str:
    return f"{float(100 * share):g} %"


def picked(value: Any) -> str:
    """Return a choice of layers or heads in the form that `choose` reads. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | str | list):
        raise ValueError(f"{value!r} is no choice; write numbers such as [0, 4], 8-15, every 4, or 25 %")
    text = ", ".join(str(part) for part in value) if isinstance(value, list) else str(value).strip()
    parts = [part.strip() for part in text.split(",")]
    every, spans = EVERY.fullmatch(text), [SPAN.fullmatch(part) for part in parts]
    backwards = any(span and span[2] and int(span[2]) < int(span[1]) for span in spans)
    known = every or PERCENT.fullmatch(text) or all(spans)
    if not known or backwards or (every is not None and int(every[1]) == 0):
        raise ValueError(f"{value!r} is no choice; write numbers such as [0, 4], 8-15, every 4, or 25 %")
    return text


def choose(written: str | None, count: int) -> list[int]:
    """Return the numbers below ``count`` that are meant, None: all. Raises ValueError for one behind or none.

    A share takes numbers evenly spread, the last one among them.
    """
    if written is None:
        return list(range(count))
    found: list[int] = []
    every = EVERY.fullmatch(written)
    if PERCENT.fullmatch(written):
        share = share_of(written)
        found = [i for i in range(count) if int((i + 1) * share) > int(i * share)]
    elif every is not None:
        found = list(range(int(every[2] or 0), count, int(every[1])))
    else:
        found = _listed(written)
    if not found:
        raise ValueError(f"{written!r} is none of {count}; write more, or leave the rule out")
    if max(found) >= count:
        raise ValueError(f"number {max(found)} of {count}; write numbers from 0 to {count - 1}")
    return found


def _listed(written: str) -> list[int]:
    found: list[int] = []
    for part in written.split(","):
        span = SPAN.fullmatch(part.strip())
        assert span is not None
        found += range(int(span[1]), int(span[2] or span[1]) + 1)
    return sorted(set(found))


Share = Annotated[
    Fraction, BeforeValidator(share_of, json_schema_input_type=str), PlainSerializer(percent, return_type=str)
]
Picked = Annotated[str, BeforeValidator(picked, json_schema_input_type=str | int | list[int | str])]


def _bits(value: Any) -> Fraction:
    if isinstance(value, str) and not re.fullmatch(r"[0-9.]+(?:/[0-9]+)?", value):
        try:
            return bits_of(value)
        except KeyError:
            pass
    elif isinstance(value, int | float | str | Fraction) and not isinstance(value, bool):
        finite = not isinstance(value, float) or math.isfinite(value)
        bits = Fraction(value) if isinstance(value, str) else Fraction(value if finite else 0)
        if 0 < bits <= 64:
            return bits if isinstance(value, str) else bits.limit_denominator(4096)
    raise ValueError(
        f"{value!r} are no bits of a value; write a number such as 4.5, or a data type: int4, fp8"
    )


def _width(value: Any) -> int | Fraction:
    if not isinstance(value, int) or isinstance(value, bool):
        return share_of(value)
    if value < 1:
        raise ValueError(f"{value} values of a token; write at least 1, or stored: false")
    return value


Bits = Annotated[
    Fraction,
    BeforeValidator(_bits, json_schema_input_type=float | str),
    PlainSerializer(str, return_type=str),
]
Width = Annotated[
    int | Fraction,
    BeforeValidator(
        _width,
        json_schema_input_type=int | str,
    ),
    PlainSerializer(lambda v: v if isinstance(v, int) else percent(v), return_type=int | str),
]


class Keep(Block):
    """Which tokens of the past stay: without `sinks` and `recent` all, unless `share` or `most` says less."""

    sinks: int = Field(0, ge=0, description="of the beginning")
    recent: int = Field(0, ge=0, description="of the end")
    share: Share | None = Field(
        None, description="of those between; absent: none, or all without sinks and recent"
    )
    most: int | None = Field(None, ge=1, description="at most so many tokens in all")
    of: Literal["context", "answer"] = Field(
        "context", description="answer: the prompt stays as a whole, and this says what stays of the rest"
    )

    @property
    def between(self) -> Fraction:
        """Return the share of the tokens that are neither of the beginning nor of the end."""
        if self.share is not None:
            return self.share
        return Fraction(0 if self.sinks or self.recent else 1)


class Groups(Block):
    """Cells that share one: so many layers, and so many heads of each."""

    layers: int = Field(1, ge=1)
    heads: int = Field(1, ge=1)


class KvRule(Block):
    """One rule over the keys and values of some layers and heads."""

    layers: Picked | None = Field(
        None, description="0, 8-15, [0, 4], every 4, every 2 from 1, 25 %; absent: all"
    )
    heads: Picked | None = Field(
        None,
        description="key-value heads, as `layers`; a share is one of all heads of those; absent: all",
    )
    part: Literal["keys", "values"] | None = Field(None, description="absent: both")
    share: Groups | None = Field(None, description="neighbours that share one cell: {layers: 2, heads: 4}")
    owner: int | None = Field(None, ge=0, description="the layer whose cells these layers read")
    owners: list[Annotated[int, Field(ge=0)]] | None = Field(
        None, description="for each of these layers, the layer whose cells it reads"
    )
    width: Width | None = Field(None, description="values of a token, or a share of them: 60 %")
    bits: Bits | None = Field(None, description="of a value, scales included: 4.5, or a data type")
    keep: Keep | None = Field(None, description="which tokens stay")
    read: int | None = Field(None, ge=1, description="tokens that a step reads of those kept; absent: all")
    index_bits: int | None = Field(
        None, ge=1, description="bits of each kept token that a step reads to choose among them"
    )
    stored: bool | None = Field(None, description="false: neither stored nor read")
    state: int | None = Field(
        None,
        ge=1,
        description="values of fixed state in each of these layers, read and written by a step",
    )
    state_used: int | None = Field(
        None, ge=1, description="of it, how many values a step reads and writes; absent: all"
    )

    @model_validator(mode="after")
    def says_something(self) -> "KvRule":
        ways = [name for name in ("share", "owner", "owners") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"{ways[0]} and {ways[1]}; write one of them")
        if ways and (self.keep is not None or self.stored is False):
            raise ValueError(f"{ways[0]}, and what stays of it; write a rule for each")
        effects = set(type(self).model_fields) - {"layers", "heads", "part"}
        if all(getattr(self, name) is None for name in effects):
            raise ValueError(f"a rule without an effect; write one of {', '.join(sorted(effects))}")
        return self
