"""What a user gets wrong in a run that has to be lowered or simulated to be found: one line each, nothing written."""

import importlib.resources
import sys
from pathlib import Path

import pytest

from hw_models.errors import ConfigError
from simulator.cli import main as cli
from simulator.config.model import load

CONFIG = """\
name: small
system:
  accelerators:
    nvdla0: {preset: nv_small, clock: 500 MHz}
  cores:
    core0: {clock: 1 GHz}
  interconnect: {clock: 500 MHz, width: 8 B, latency: 8 cycles}
  dram: {standard: DDR3-1600}
workloads:
  net:
    on: nvdla0
    fallback: core0
    NETWORK
simulation:
  max_time: 10 us
"""


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Run the config with a network; return (exit code, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(network: str):
        (tmp_path / "c.yaml").write_text(CONFIG.replace("NETWORK", network))
        monkeypatch.setattr(sys, "argv", ["dlasim", "run", "c.yaml", "--out", "o", "--no-plots"])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        assert out == ""
        assert not [path for path in tmp_path.iterdir() if path.name not in ("c.yaml", "n.cfg", "n.onnx")]
        return exit_.value.code, err

    return run


def test_a_network_of_no_known_name(told):
    assert told("network: lenet6") == (
        2,
        "error: c.yaml:13: workloads.net.network: 'lenet6' is not a network; did you mean 'lenet5'?\n",
    )


def test_a_network_file_that_is_missing(told, tmp_path):
    said = f"error: {tmp_path}/n.onnx: no such file; write the path of an .onnx file\n"
    assert told("network: n.onnx") == (2, said)


def test_a_truncated_onnx_file(told, tmp_path):
    whole = (
        importlib.resources.files("onnx").joinpath("backend/test/data/light/light_resnet50.onnx").read_bytes()
    )
    (tmp_path / "n.onnx").write_bytes(whole[: len(whole) // 2])
    size = len(whole) // 2
    said = f"error: {tmp_path}/n.onnx: its {size} bytes are not a complete ONNX model; export or download the file again\n"
    assert told("network: n.onnx") == (2, said)


def test_a_truncated_darknet_file(told, tmp_path):
    (tmp_path / "n.cfg").write_text("[net]\nwidth=32\nheight=32\nchannels=3\n\n[conv")
    said = f"error: {tmp_path}/n.cfg:6: found '[conv'; write a section as [name]\n"
    assert told("network: n.cfg") == (2, said)


def test_a_layer_that_fits_the_buffer_in_no_split(told):
    code, err = told("layers: [{conv: {input: [4000, 64, 4096], kernels: 8, kernel: 31x31}}]")
    assert (code, err) == (
        2,
        "error: c.yaml:13: workloads.net.layers: a 31x31 convolution over 4096 channels fits CBUF in no cut: it needs "
        "4774 banks for 154 columns of the input lines of one output row and 961 for one kernel, and nv_small has 32; "
        "use fewer channels or an accelerator with a larger CBUF\n",
    )


def test_a_run_that_would_not_end_in_time(told):
    code, err = told("layers: [{conv: {input: [32, 32, 32], kernels: 32, kernel: 3x3}}]")
    assert code == 2
    assert err.startswith("error: c.yaml:15: simulation.max_time: 10 us of simulated time passed with ")
    assert err.endswith(" steps done; raise it, or shorten the run\n")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            "layers: [{conv: {input: [8, 8, 8], kernels: 8, kernel: 3x3, stride: 0}}]",
            ".layers.0.conv.stride: 0x0 is too small; write at least 1x1",
        ),
        (
            "layers: [{conv: {input: [8, 8, 8], kernels: 8, kernel: 3x3, padding: -1}}]",
            ".layers.0.conv.padding: -1x-1 is too small; write at least 0x0",
        ),
        (
            "layers: [{fc: {input: [8, 8, 8], kernels: 99999999999}}]",
            ".layers.0.fc.kernels: 99999999999 is too large; write at most 1048576",
        ),
    ],
)
def test_a_layer_of_impossible_numbers(told, network, message):
    assert told(network) == (2, f"error: c.yaml:13: workloads.net{message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "error: dlasim run: Missing argument 'CONFIG'; see dlasim run --help\n"),
        (
            ["run", "nv_small_tiny", "--timeout", "0 s"],
            "error: --timeout: '0 s' is no time to run in; write more than 0 s\n",
        ),
        (
            ["run", "nv_small_tiny", "--timeout", "1 h"],
            "error: --timeout: '1 h' is not a time; write a number and one of fs, ps, ns, us, µs, ms, s\n",
        ),
        (["runn"], "error: dlasim: No such command 'runn'. Did you mean 'run'?; see dlasim --help\n"),
    ],
)
def test_a_slip_on_the_command_line(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["dlasim", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 2
    assert capsys.readouterr().err == message


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no file that never ends")
def test_a_file_that_never_ends_is_refused():
    with pytest.raises(
        ConfigError, match=r"/dev/zero: has more than 67108864 B; write the path of a YAML config"
    ):
        load(Path("/dev/zero"))
