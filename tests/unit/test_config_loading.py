"""The whole config: the example of the docs, key order, names that must exist, files it starts from."""

import re
from pathlib import Path

import pytest
import yaml

from hw_models.errors import ConfigError, ConfigErrors
from hw_models.limits import WIDE
from simulator.config.model import config_sha256, load, load_part, resolved
from simulator.config.yaml_lines import yaml_text
from simulator.sweeps.file import Sweep

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = {
    "name": "example",
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_large", "clock": "3.2 GHz"}},
        "cores": {"core0": {"clock": "3.2 GHz"}},
        "interconnect": {
            "clock": "3.2 GHz",
            "width": "8 B",
            "latency": "20 cycles",
            "arbitration": "round_robin",
        },
        "llc": {"size": "2 MiB", "ways": 8, "line": "64 B", "mshrs": 8, "replacement": "random"},
        "dram": {"standard": "DDR3-2133", "channels": 1, "ranks": 4, "scheduler": "fr_fcfs"},
    },
    "workloads": {"detect": {"network": "yolov3", "input": "416x416", "on": "nvdla0", "fallback": "core0"}},
    "corunners": [{"on": "core1", "kind": "bandwidth_write", "footprint": "16 MiB"}],
    "simulation": {"seed": 1, "until": "workloads"},
}


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(item) for key, item in reversed(value.items())}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def changed(path: str, value) -> dict:
    """Return the example with ``value`` at ``path``."""
    return resolved(load(EXAMPLE, values={path: value}))


def errors_of(source) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(source)
    return [str(error) for error in getattr(caught.value, "errors", [caught.value])]


def with_value(path: str, value) -> dict:
    def lay(node, keys):
        return {**node, keys[0]: lay(node.get(keys[0], {}), keys[1:]) if len(keys) > 1 else value}

    return lay(EXAMPLE, path.split("."))


def test_the_order_of_keys_changes_nothing():
    two = with_value("system.accelerators.nvdla1", {"preset": "nv_small", "clock": "1 GHz"})
    two["workloads"] = {
        **two["workloads"],
        "again": {"network": "lenet5", "on": "nvdla1", "fallback": "core0"},
    }
    config, other = load(two), load(reversed_keys(two))
    assert config_sha256(config) == config_sha256(other)
    assert yaml_text(resolved(config)) == yaml_text(resolved(other))


def test_a_value_changes_the_digest():
    digests = {
        config_sha256(load(EXAMPLE, values=values)) for values in ({}, {"simulation.seed": 2}, {"name": "x"})
    }
    assert len(digests) == 3


def test_a_file_counts_by_its_contents_and_not_by_its_place(tmp_path):
    digests = []
    for folder, text in (("a", "[net]\n"), ("b", "[net]\n"), ("c", "[net]\n\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "n.cfg").write_text(text)
        config = {**EXAMPLE, "workloads": {"x": {"network": "n.cfg", "on": "nvdla0", "fallback": "core0"}}}
        (tmp_path / folder / "c.yaml").write_text(yaml_text(config))
        digests.append(config_sha256(load(tmp_path / folder / "c.yaml")))
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_the_resolved_config_means_the_same(path):
    config = load(path)
    again = load(resolved(config))
    assert again.model_dump() == config.model_dump()
    assert config_sha256(again) == config_sha256(config)


@pytest.mark.parametrize("path", sorted((ROOT / "configs/dram").glob("*.yaml")), ids=lambda path: path.name)
def test_every_dram_config_loads(path):
    assert load(path).system.dram is not None


@pytest.mark.parametrize("path", sorted((ROOT / "configs/sweeps").glob("*.yaml")), ids=lambda path: path.name)
def test_every_sweep_file_loads(path):
    sweep = load_part(path, Sweep, bases=False)
    load(path.parent / sweep.base)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_whole_configs_in_the_docs_load(page):
    blocks = re.findall(r"^```yaml\n(name: .*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for block in blocks:
        data = yaml.load(block, yaml.BaseLoader)
        load_part(data, Sweep, bases=False) if "axes" in data else load_text(block)


def load_text(text: str):
    from simulator.config.yaml_lines import parse_text

    return load(parse_text(text, "docs").data)


def test_a_file_may_start_from_another_and_take_away(tmp_path):
    (tmp_path / "base.yaml").write_text(yaml_text(EXAMPLE))
    (tmp_path / "top.yaml").write_text(
        "base: base.yaml\nsystem:\n  llc: null\n  cores: {core1: {clock: 1 GHz}}\ncorunners: null\n"
        "workloads: {detect: null, tiny: {network: lenet5, on: nvdla0, fallback: core0}}\n"
    )
    config = load(tmp_path / "top.yaml", settings=["system.dram.ranks=2"])
    assert config.system.llc is None
    assert set(config.system.cores) == {"core0", "core1"}
    assert set(config.workloads) == {"tiny"}
    assert config.corunners == []
    assert config.system.dram.ranks == 2


def test_a_corunner_may_use_a_core_like_the_listed_ones():
    config = load(EXAMPLE)
    assert config.system.cores["core1"] == config.system.cores["core0"]
    assert set(config.system.cores) == {"core0", "core1"}


def test_a_corunner_on_one_of_different_cores_must_be_listed():
    cores = {"core0": {"clock": "1 GHz"}, "big": {"clock": "3 GHz"}}
    assert errors_of(with_value("system.cores", cores)) == [
        "corunners.0.on: 'core1' is not known; did you mean 'core0'?"
    ]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("workloads.detect.on", "nvdla7", "workloads.detect.on: 'nvdla7' is not known; did you mean 'nvdla0'?"),
        ("workloads.detect.fallback", "cpu", "workloads.detect.fallback: 'cpu' is not known; write one of core0, core1"),
        ("system.memory", {"latency": "5 cycles"},
         "system.memory: written beside system.dram; write one of them, and null for the other"),
        ("system.dram", None, "system: no memory; write system.dram or system.memory"),
        ("system.cores.nvdla0", {"clock": "3.2 GHz"},
         "system.cores.nvdla0: also the name of an accelerator; write another"),
        ("system.backends", {"core0": {"preset": "m1_max_metal"}},
         "system.backends.core0: also the name of a core; write another"),
        ("system.llc.partition", {"nvdla1": [0]},
         "system.llc.partition.nvdla1: 'nvdla1' is not known; did you mean 'nvdla0'?"),
        ("system.interconnect.masters", {"core9": {}},
         "system.interconnect.masters.core9: 'core9' is not known; did you mean 'core1'?"),
        ("simulation.until", "later",
         "simulation.until: 'later' is not an end; write workloads, or a time such as 5 ms"),
        ("simulation.until", "0 s",
         "simulation.until: '0 s' is no time at all; write workloads, or a time such as 5 ms"),
        ("workloads.detect.deadline", "0 s",
         "workloads.detect.deadline: 0 s is too small; write a number greater than 0"),
        ("workloads.detect.network", {"loadble": "x.csv"},
         "workloads.detect.network.loadble: unknown key; did you mean 'loadable'?"),
        ("workloads.detect.network", {"loadable": 3},
         "workloads.detect.network.loadable: found the number 3; write text"),
        ("corunners", [{"on": "core1", "footprint": "17 GiB"}],
         "corunners.0.footprint: 17 GiB is more than the 16 GiB of system.dram; write less"),
        ("corunners", [{"on": "core1", "footprint": "64 KiB", "frames": "33 KiB"}],
         "corunners.0: frames 33792 B is no power of two of 4 KiB frames, at least two"),
        ("simulation.max_time", "10",
         "simulation.max_time: '10' is not a time; write a number and one of fs, ps, ns, us, µs, ms, s"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_told(path, value, message):
    assert errors_of(with_value(path, value)) == [message]


def test_references_are_told_together_with_everything_else():
    source = with_value("workloads.detect.on", "nvdla7") | {"simulation": {"seed": -1}}
    with pytest.raises(ConfigErrors):
        load(source)
    assert errors_of(source) == [
        "simulation.seed: -1 is too small; write at least 0",
        "workloads.detect.on: 'nvdla7' is not known; did you mean 'nvdla0'?",
    ]


def test_an_error_without_a_place_gets_that_of_its_key(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(yaml_text(EXAMPLE))
    located = load(path).locate(ConfigError("too small", key="system.llc.size"))
    assert (located.file, located.line, located.key) == (str(path), 16, "system.llc.size")
    elsewhere = ConfigError("x", file="net.cfg", line=3, key="system.llc.size")
    assert load(path).locate(elsewhere) is elsewhere


def test_an_error_of_a_part_is_put_under_it():
    assert str(ConfigError("bad", key="network").under("workloads.a")) == "workloads.a.network: bad"
    assert str(ConfigError("bad").under("workloads.a")) == "workloads.a: bad"
    assert str(ConfigError("bad", file="n.cfg", line=2).under("workloads.a")) == "n.cfg:2: bad"


def test_a_config_object_loads_as_itself():
    config = load(EXAMPLE)
    assert load(config) is config
    assert load(config, seed=5).simulation.seed == 5


def test_more_masters_than_the_kernel_has_rows_are_refused():
    cores = {f"c{i}": {"clock": "3.2 GHz"} for i in range(WIDE)}
    source = with_value("system.cores", {"core0": {"clock": "3.2 GHz"}, **cores}) | {"corunners": []}
    assert errors_of(source) == ["system: 66 masters are too many; write at most 64"]
