"""YAML with places: the dialect, base files, --set."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.errors import ConfigError
from simulator.config.yaml_lines import Document, Place, apply_setting, parse_text, read_document, yaml_text

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=12) | st.floats(-1e9, 1e9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_on_and_yes_are_words_and_numbers_are_numbers():
    text = (
        "{on: core1, a: yes, b: 12:30, c: 416x416, d: 0x10, e: 1.5, f: 1e3, g: true, h: ~, i: '12', j: 010}"
    )
    assert parse_text(text, "f").data == {
        "on": "core1",
        "a": "yes",
        "b": "12:30",
        "c": "416x416",
        "d": 16,
        "e": 1.5,
        "f": 1000.0,
        "g": True,
        "h": None,
        "i": "12",
        "j": 10,
    }


@given(PLAIN)
def test_written_yaml_reads_back_unchanged(data):
    text = yaml_text(data)
    read = parse_text(text, "f").data
    assert read == data
    assert yaml_text(read) == text


def test_a_key_that_is_a_word_of_yaml_1_1_is_written_without_quotes():
    assert yaml_text({"on": "nvdla0"}) == "on: nvdla0\n"


def test_every_key_has_its_line():
    places = parse_text("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "f.yaml").places
    assert places[("a", "b")] == Place("f.yaml", 2)
    assert places[("a", "c", 1, "d")] == Place("f.yaml", 5)


def test_a_base_file_is_merged_under_and_keeps_its_places(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path, "sub/base.yaml", "a:\n  b: 1\n  c: 2\nlist: [1, 2]\ngone: {x: 1}\n")
    path = write(tmp_path, "top.yaml", "base: sub/base.yaml\n\na: {c: 3}\nlist: [4]\ngone: null\n")
    document = read_document(path)
    assert document.data == {"a": {"b": 1, "c": 3}, "list": [4], "gone": None}
    assert document.place_of(("a", "b")) == Place(str(tmp_path / "sub/base.yaml"), 2)
    assert document.place_of(("a", "c")) == Place(str(path), 3)
    assert document.place_of(("gone", "x")) == Place(str(path), 5)
    assert document.place_of(("list", 1)) == Place(str(path), 4)


def test_a_name_that_looks_like_a_file_stays_a_name(tmp_path):
    path = write(tmp_path, "top.yaml", "name: yolov3.cfg\n")
    assert read_document(path).data == {"name": "yolov3.cfg"}


def test_a_path_of_a_file_is_relative_to_the_config_that_writes_it(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path, "sub/base.yaml", "network: nets/a.onnx\n")
    path = write(tmp_path, "top.yaml", "base: sub/base.yaml\n")
    assert read_document(path).data == {"network": str(tmp_path / "sub/nets/a.onnx")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\n", "c.yaml:2: not YAML: did not find expected node content; "),
        ("a: 1\n\tb: 2\n", "c.yaml:2: not YAML: found a tab character that violates indentation; "),
        ("a: 1\nb: 2\na: 3\n", "c.yaml:3: a: key written twice; write each key once, as a word"),
        ("a: 1\n? [x]\n: 2\n", "c.yaml:2: a key that is not a word; write each key once, as a word"),
        ("- 1\n", "c.yaml:1: found a list; a config is a mapping of keys to values"),
        ("", "c.yaml:1: found nothing; a config is a mapping of keys to values"),
        ("base: nope.yaml\n", "c.yaml:1: base: 'nope.yaml' does not exist beside this file; "
         "write the path of the YAML file to start from"),
        ("a: 1\nbase: [x]\n", "c.yaml:2: base: found a list; write the path of the YAML file to start from"),
        ("base: c.yaml\n", "c.yaml:1: base: the files start from each other in a circle; take one of these lines away"),
    ],
)  # fmt: skip
def test_what_is_not_a_config_is_told_with_its_line(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "c.yaml", text)
    if message.endswith("; "):
        message += "write `key: value` lines, indented with spaces"
    with pytest.raises(ConfigError) as caught:
        read_document(Path("c.yaml"))
    assert str(caught.value) == message


def test_a_missing_file_a_folder_and_a_binary_file_are_told(tmp_path):
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    for path, said in [
        (tmp_path / "no.yaml", "no such file; write the path of a YAML config"),
        (tmp_path, "is a folder; write the path of a YAML config"),
        (binary, "not text; write the path of a YAML config"),
    ]:
        with pytest.raises(ConfigError) as caught:
            read_document(path)
        assert str(caught.value) == f"{path}: {said}"


def test_a_setting_replaces_adds_and_says_that_it_did():
    document = parse_text("a: {b: 1}\nlist: [{x: 1}]\n", "f.yaml")
    for setting in ("a.b=4 MiB", "list.0.x=[1, 2]", "new.deep.key=null", "a.c=on"):
        document = apply_setting(document, setting)
    assert document.data == {
        "a": {"b": "4 MiB", "c": "on"},
        "list": [{"x": [1, 2]}],
        "new": {"deep": {"key": None}},
    }
    assert document.place_of(("a", "b")) == Place("--set a.b=4 MiB")
    assert document.place_of(("list", 0, "x", 1)) == Place("--set list.0.x=[1, 2]")
    assert document.place_of(("a",)) == Place("f.yaml", 1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("a", "--set a: write PATH=VALUE, such as system.llc.size=4MiB"),
        ("a..b=1", "--set a..b=1: write PATH=VALUE, such as system.llc.size=4MiB"),
        ("a.b=1", "--set a.b=1: a: is the number 1, which has no key 'b'"),
        ("list.7=1", "--set list.7=1: list.7: '7' is not an item of a list of 2; write a number from 0"),
        ("a=[1", "--set a=[1: a: not YAML: did not find expected ',' or ']'; "
         "write `key: value` lines, indented with spaces"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_laid_is_told(setting, message):
    with pytest.raises(ConfigError) as caught:
        apply_setting(parse_text("a: 1\nlist: [1, 2]\n", "f.yaml"), setting)
    assert str(caught.value) == message


def test_a_setting_leaves_the_document_it_was_laid_on_alone():
    document = Document({"a": {"b": 1}})
    apply_setting(document, "a.b=2")
    assert document.data == {"a": {"b": 1}}
