"""`dlasim network` and `check`: what was read, and exit code 2 where `run` would refuse."""

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hw_models.errors import ConfigError
from simulator.cli.main import app
from simulator.cli.network import print_network
from simulator.config.model import load
from simulator.config.networks import check_networks
from simulator.validate.networks import CASES, figures

CONFIG = """\
name: t
system:
  accelerators: {nvdla0: {preset: nv_small, clock: 1 GHz}}
  cores: {core0: {clock: 1 GHz}}
  interconnect: {clock: 1 GHz, width: 32 B, latency: 8 cycles}
  memory: {latency: 50 cycles, bandwidth: 32 B/cycle}
workloads:
  n: {network: NETWORK, on: nvdla0, fallback: core0}
"""
ROWS = list(csv.DictReader(CASES.read_text(encoding="utf-8").splitlines()))


def run(*arguments: str):
    result = CliRunner().invoke(app, ["network", *arguments], catch_exceptions=True)
    return result


def test_every_case_is_exact():
    found = list(figures())
    assert len(found) == 75
    assert [f for f in found if f.reference != f.ours] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["network"])
def test_the_json_has_macs_weights_and_layers(row):
    path = CASES.parent / row["network"]
    if not path.is_file() or not row["macs"]:
        return
    result = run(str(path), "--json", *(["--input", row["input"]] if row["input"] else []))
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["macs"], found["weights"]) == (int(row["macs"]), int(row["weights"]))
    assert sum(layer["macs"] for layer in found["layers"]) == found["macs"]
    for layer in found["layers"]:
        assert layer["runs_on"]
        assert layer["output"]


def test_the_table_says_what_each_layer_is_and_where_it_runs():
    lines = run("lenet5").stdout.splitlines()
    assert lines[0].split() == ["layer", "operator", "in", "out", "MACs", "weights", "runs", "on"]
    conv = next(line for line in lines if line.startswith("conv1 "))
    assert re.split(r"\s{2,}", conv) == [
        "conv1",
        "conv",
        "1x28x28",
        "6x28x28",
        "117,600",
        "150",
        "convolution",
    ]
    assert next(line for line in lines if line.startswith("conv1.relu")).endswith("with conv1")
    assert next(line for line in lines if line.startswith("softmax")).endswith("core: no unit computes it")
    assert lines[-1] == "lenet5: 416,520 MACs, 61,470 weights, 13 lines"


def test_a_config_lists_its_networks(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("NETWORK", "lenet5"))
    assert run(str(path)).stdout.splitlines()[-1] == "n: 416,520 MACs, 61,470 weights, 13 lines"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lenet6", []), "FILE|NAME: 'lenet6' is not a network; did you mean 'lenet5'?"),
        (("lenet5", ["big"]), "--input: 'big' is not a size; write WIDTHxHEIGHT, such as 3x3"),
        (("lenet5", ["x=1xz"]), "--input: 'x=1xz' is not a size; write WIDTHxHEIGHT or NAME=1x3x640x640"),
        (("lenet5", ["x=1x3"]), "input: names inputs, which only ONNX files have; write WIDTHxHEIGHT"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(ConfigError) as error:
        print_network(*arguments, "nv_large", False, False)
    assert str(error.value) == message


def test_a_network_that_cannot_be_lowered_is_counted_and_refused(tmp_path):
    path = tmp_path / "wide.cfg"
    path.write_text(
        "[net]\nwidth=4096\nheight=64\nchannels=4096\n[convolutional]\nfilters=8\nsize=3\npad=1\n"
    )
    found = json.loads(run(str(path), "--json").stdout)
    assert found["macs"] == 8 * 64 * 4096 * 9 * 4096
    assert found["refused"].startswith("network: a 3x3 convolution over 4096 channels fits CBUF in no cut")
    assert run(str(path)).stdout.splitlines()[-1] == f"refused: {found['refused']}"


def test_check_refuses_what_run_would_refuse(tmp_path):
    network = CASES.parent / "dk_typo.cfg"
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("NETWORK", str(network)))
    with pytest.raises(ConfigError) as error:
        check_networks(load(path))
    assert str(error.value) == f"{network}:16: [convolutional] strid: unknown key; did you mean 'stride'?"


def test_check_under_strict_refuses_what_is_approximated(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("NETWORK", str(CASES.parent / "onnx_lstm_h.onnx")))
    check_networks(load(path))
    with pytest.raises(ConfigError, match="operator LSTM is not known; a core does it; strict allows none"):
        check_networks(load(path, strict=True))


def test_shapes_of_inputs_come_through_a_config(tmp_path):
    path = tmp_path / "c.yaml"
    source = str(CASES.parent / "onnx_nhwc.onnx")
    path.write_text(CONFIG.replace("NETWORK,", f"{source}, input: {{x: [1, 32, 64, 3]}},"))
    job = load(path).workloads["n"]
    assert job.input == {"x": (1, 32, 64, 3)}
    check_networks(load(path))


def test_a_shape_that_is_none_is_told_at_its_line(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("NETWORK,", "lenet5, input: {x: [1, -3]},"))
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value) == (
        f"{path}:8: workloads.n.input: x: [1, -3] is not a shape; write whole numbers, such as [1, 3, 640, 640]"
    )


def test_the_shipped_cases_are_small():
    assert sum(Path(path).stat().st_size for path in CASES.parent.iterdir()) < 300_000


def test_check_sees_that_there_is_no_flash(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("NETWORK,", "lenet5, storage: {weights: flash},"))
    with pytest.raises(ConfigError, match="asks for flash, and there is none"):
        check_networks(load(path))
