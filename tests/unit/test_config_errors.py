"""pydantic's complaints re-told, over small models that have every kind of field."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from hw_models.errors import ConfigError, ConfigErrors
from hw_models.units import Block, Bytes, Femtoseconds, Hertz
from simulator.config.errors import raise_all, retell
from simulator.config.yaml_lines import parse_text


class Policy(Enum):
    LRU = "lru"
    RANDOM = "random"


class Memory(Block):
    size_bytes: Bytes = Field(alias="size", description="its size, such as 2 MiB")
    clock_hz: Hertz = Field(1, alias="clock")
    ways: int = Field(8, gt=0, le=64)
    policy: Policy = Policy.LRU
    mode: Literal["read", "write"] = "read"

    @model_validator(mode="after")
    def size_divides(self):
        if self.size_bytes % self.ways:
            raise ValueError(f"size {self.size_bytes} B does not divide into ways={self.ways}")
        return self


class Cat(Block):
    lives: int


class Dog(Block):
    bark: Femtoseconds | None = None


Pet = Annotated[
    Annotated[Cat, Tag("Cat")] | Annotated[Dog, Tag("Dog")],
    Discriminator(lambda value: "Cat" if "lives" in value else "Dog"),
]


class Top(Block):
    memory: Memory | None = None
    by_name: dict[str, Memory] = {}
    pets: list[Pet] = Field([], max_length=2)
    row: tuple[Memory, ...] = ()
    flag: bool = False
    share: float = Field(0.5, ge=0, le=1)
    text: str = ""
    plain_union: int | Cat = 1


def told(text: str) -> list[str]:
    document = parse_text(text, "c.yaml")
    with pytest.raises(ValidationError) as caught:
        Top.model_validate(document.data)
    return [str(error) for error in retell(caught.value, Top, document)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memory: {size: 4096}", "c.yaml:1: memory.size: 4096 is not a size; "
         "write a number and one of B, KiB, MiB, GiB, TiB, kB, KB, MB, GB, TB"),
        ("memory:\n  size: 1 KiB\n  clok: 1 GHz", "c.yaml:3: memory.clok: unknown key; did you mean 'clock'?"),
        ("memory:\n  size: 1 KiB\n  zzz: 1",
         "c.yaml:3: memory.zzz: unknown key; write one of size, clock, ways, policy, mode"),
        ("memory: {ways: 4}", "c.yaml:1: memory.size: missing; write its size, such as 2 MiB"),
        ("memory: {size: 1 KiB, ways: 0}", "c.yaml:1: memory.ways: 0 is too small; write a number greater than 0"),
        ("memory: {size: 1 KiB, ways: 65}", "c.yaml:1: memory.ways: 65 is too large; write at most 64"),
        ("memory: {size: 1 KiB, ways: many}", "c.yaml:1: memory.ways: found the text 'many'; write a whole number"),
        ("memory: {size: 1 KiB, ways: 1.5}", "c.yaml:1: memory.ways: found the number 1.5; write a whole number"),
        ("memory: {size: 9 B}", "c.yaml:1: memory: size 9 B does not divide into ways=8"),
        ("memory: {size: 1 KiB, policy: lruu}", "c.yaml:1: memory.policy: 'lruu' is not known; did you mean 'lru'?"),
        ("memory: {size: 1 KiB, mode: up}", "c.yaml:1: memory.mode: 'up' is not known; write one of read, write"),
        ("memory: 5", "c.yaml:1: memory: found the number 5; write a mapping of keys to values"),
        ("memory: [1]", "c.yaml:1: memory: found a list; write a mapping of keys to values"),
        ("by_name:\n  a:\n    size: 1",
         "c.yaml:3: by_name.a.size: 1 is not a size; write a number and one of "
         "B, KiB, MiB, GiB, TiB, kB, KB, MB, GB, TB"),
        ("pets:\n - {lives: x}", "c.yaml:2: pets.0.lives: found the text 'x'; write a whole number"),
        ("pets:\n - {lives: 1, fur: 2}", "c.yaml:2: pets.0.fur: unknown key; write one of lives"),
        ("pets:\n - {brk: 1 s}", "c.yaml:2: pets.0.brk: unknown key; did you mean 'bark'?"),
        ("pets: [{}, {}, {}]", "c.yaml:1: pets: the list is too long; write at most this many items: 2"),
        ("row:\n - {size: 1 KiB, wys: 1}", "c.yaml:2: row.0.wys: unknown key; did you mean 'ways'?"),
        ("row: [{}]", "c.yaml:1: row.0.size: missing; write its size, such as 2 MiB"),
        ("flag: maybe", "c.yaml:1: flag: found the text 'maybe'; write true or false"),
        ("share: 1.5", "c.yaml:1: share: 1.5 is too large; write at most 1.0"),
        ("text: {a: 1}", "c.yaml:1: text: found a mapping; write text"),
        ("text:", "c.yaml:1: text: found nothing; write text"),
        ("flg: true", "c.yaml:1: flg: unknown key; did you mean 'flag'?"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_whole(text, message):
    assert told(text) == [message]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    document = parse_text("text: [1]\nmemory: {size: 1, ways: x}\nflag: 7\n", "c.yaml")
    with pytest.raises(ValidationError) as invalid:
        Top.model_validate(document.data)
    with pytest.raises(ConfigErrors) as caught:
        raise_all(reversed(retell(invalid.value, Top, document)))
    assert [(e.line, e.key) for e in caught.value.errors] == [
        (1, "text"),
        (2, "memory.ways"),
        (2, "memory.size"),
        (3, "flag"),
    ]


def test_one_mistake_is_raised_as_itself_and_none_not_at_all():
    raise_all([])
    error = ConfigError("x", file=Path("f"))
    with pytest.raises(ConfigError) as caught:
        raise_all([error])
    assert caught.value is error


def test_a_union_of_plain_types_is_told_in_one_line():
    assert told("plain_union: x") == [
        "c.yaml:1: plain_union: found the text 'x'; write a whole number or a mapping of keys to values"
    ]
