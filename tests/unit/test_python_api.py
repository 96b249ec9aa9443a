"""dlasim from Python: configs that are changed, runs that are saved, loaded and shown."""

import json
from pathlib import Path

import pytest
import yaml

import simulator
from hw_models.errors import ConfigError

TINY = "configs/nv_small_tiny.yaml"


@pytest.fixture(scope="module")
def run():
    return simulator.run(TINY)


def test_a_config_can_be_changed_by_paths():
    config = simulator.load(TINY)
    other = config.with_({"simulation.seed": 7, "system.accelerators.nvdla0.clock": "500 MHz"})
    assert (config.simulation.seed, other.simulation.seed) == (1, 7)
    assert other.system.accelerators["nvdla0"].clock_hz == 500_000_000
    said = "system.accelerators.nvdla0.clok: unknown key; did you mean 'clock'?"
    with pytest.raises(ConfigError) as caught:
        config.with_({"system.accelerators.nvdla0.clok": "1 GHz"})
    assert str(caught.value) == f"with_: {said}"
    with pytest.raises(ConfigError) as caught:
        simulator.load(TINY, set={"system.accelerators.nvdla0.clok": "1 GHz"})
    assert str(caught.value) == f"set: {said}"
    for bad in ({1: 2}, ["simulation.seed=7"], "simulation.seed=7"):
        with pytest.raises(ConfigError, match="values to set are a mapping"):
            config.with_(bad)
    with pytest.raises(ConfigError, match="values to set are a mapping"):
        simulator.load(TINY, set={1: 2})


def test_settings_may_be_a_dict(run):
    again = simulator.run(TINY, set={"simulation.seed": 1})
    assert again.ops == run.ops


def test_a_dict_from_plain_yaml_has_its_key_on(run):
    text = yaml.safe_load(Path(TINY).read_text())
    assert True in next(iter(text["workloads"].values()))  # YAML 1.1 reads `on` so
    assert simulator.run(text).ops == run.ops


def test_a_run_is_saved_and_loaded(run, tmp_path):
    folder = run.save(tmp_path / "r", plots=False)
    loaded = simulator.load_run(folder)
    assert loaded.summary == json.loads(json.dumps(run.summary))
    assert list(loaded.ops["cycles"]) == list(run.ops["cycles"])
    again = loaded.save(tmp_path / "again", plots=False)
    for name in sorted(path.name for path in folder.iterdir()):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_run_is_shown_in_a_line_and_in_a_table(run):
    assert repr(run).startswith("Result('")
    assert len(repr(run)) <= 300
    assert len(repr(simulator.load(TINY))) <= 300
    assert "<table>" in run._repr_html_()


def test_names_are_escaped_in_a_notebook(run):
    job = next(iter(run.summary["workloads"].values()))
    shown = type(run)(summary=run.summary | {"workloads": {"<script>": job}}, ops=run.ops, config=run.config)
    assert "<script>" not in shown._repr_html_()


PHONE = {
    "system": {"backends": {"gpu": {"preset": "m1_max_metal"}}},
    "workloads": {"chat": {"model": "phi-2", "on": "gpu", "prompt": 8, "tokens": 2}},
}
TWICE = {
    "base": PHONE,
    "axes": {"workloads.chat.tokens": [1, 2]},
    "objectives": {"workloads.chat.latency_s": "minimize"},
}


def test_one_setting_may_be_a_text():
    assert simulator.load(PHONE, set="workloads.chat.tokens=3").workloads["chat"].tokens == 3


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: simulator.run(PHONE, frames="first"), "--frames: 'first' is none of last, worst, all"),
        (lambda: simulator.run(None), "found None; write a path, the name of a shipped config or a mapping"),
        (lambda: simulator.sweep(7), "found 7; write a path, the name of a shipped config or a mapping"),
        (
            lambda: simulator.sweep(TWICE, workers=-1),
            "workers: found -1; write 1 or more, or 0 for none beside this process",
        ),
    ],
)
def test_what_cannot_be_is_told_in_a_line(call, said):
    with pytest.raises(ConfigError) as caught:
        call()
    assert str(caught.value) == said
