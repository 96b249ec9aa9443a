"""A choice is written once: the config's words, the schema and the kernels' numbers follow."""

from enum import auto

import pytest
from pydantic import ValidationError

from hw_models.choice import Choice
from hw_models.units import Block, one_of


class Colour(Choice):
    RED = auto()
    DARK_BLUE = auto()


class Paint(Block):
    colour: Colour = Colour.RED
    tin: one_of({"small": 1, "large": 2}) = "small"


def test_words_and_codes_follow_the_members():
    assert [(str(c), c.code) for c in Colour] == [("red", 0), ("dark_blue", 1)]


def test_a_config_writes_the_word_and_gets_it_back():
    paint = Paint.model_validate({"colour": "dark_blue", "tin": "large"})
    assert paint.colour is Colour.DARK_BLUE
    assert paint.model_dump(mode="json") == {"colour": "dark_blue", "tin": "large"}


@pytest.mark.parametrize("given", [{"colour": "blue"}, {"colour": 1}, {"tin": "huge"}])
def test_another_word_is_refused(given):
    with pytest.raises(ValidationError):
        Paint.model_validate(given)


def test_the_schema_lists_the_words():
    schema = Paint.model_json_schema()
    assert schema["$defs"]["Colour"]["enum"] == ["red", "dark_blue"]
    assert schema["properties"]["tin"]["enum"] == ["small", "large"]
