"""`dlasim search`: bisection finds the edge of what a deadline allows."""

import pytest

from hw_models.errors import ConfigError
from simulator.cli import main as cli
from simulator.config.yaml_lines import yaml_text
from simulator.sweeps import workers
from simulator.sweeps.search import search

BASE = {
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "1 GHz"}},
        "cores": {"core1": {"clock": "1 GHz"}},
        "interconnect": {"clock": "1 GHz", "width": "8 B", "latency": "4 cycles"},
        "dram": {"standard": "DDR3-1600"},
    },
    "workloads": {"detect": {"on": "nvdla0", "frames": 4, "deadline": "10 ms", "layers": [
        {"conv": {"input": [8, 8, 8], "kernels": 8, "kernel": "1x1"}}]}},
    "corunners": [{"on": "core1", "kind": "bandwidth_read", "footprint": "1 MiB", "rate": "100 MB/s"}],
}  # fmt: skip
EDGE = 731_000_000  # B/s of the co-runner at which the deadline is just met


@pytest.fixture
def config(tmp_path, monkeypatch):
    def answer(config):
        rate = int(config["corunners"][0]["rate"].split()[0]) * {"kB": 10**3, "MB": 10**6, "GB": 10**9, "B": 1}[
            config["corunners"][0]["rate"].split()[1].removesuffix("/s")]  # fmt: skip
        misses = 0 if rate <= EDGE else 2
        return {
            "summary": {"workloads": {"detect": {"latency_s": rate * 1e-12, "deadline": {"misses": misses}}}}
        }

    monkeypatch.setattr(workers, "simulate_point", answer)
    (tmp_path / "c.yaml").write_text(yaml_text(BASE))
    return tmp_path / "c.yaml"


def rate(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"B/s": 1, "kB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9}[unit]


def test_the_highest_rate_that_meets_the_deadline_is_found_within_the_tolerance(config, tmp_path):
    found = search(
        config, path="corunners.0.rate", goal="maximize", subject_to=["deadline"], out=tmp_path / "s"
    )
    assert 0.99 * EDGE <= rate(found.value) <= EDGE < rate(found.broken) <= 1.02 * EDGE
    assert len(found.outcome.rows) <= 14
    assert (tmp_path / "s/results.csv").is_file()
    assert len(list((tmp_path / "s/points").glob("*.json"))) == len(found.outcome.rows)


def test_the_lowest_of_what_a_limit_allows_is_found(config):
    found = search(config, path="corunners.0.rate", goal="minimize", subject_to=["workloads.detect.latency_s >= 200 us"],
                   between=("1 MB/s", "1 GB/s"))  # fmt: skip
    assert 200e6 <= rate(found.value) <= 203e6


def test_a_range_without_an_edge_is_told(config):
    found = search(
        config,
        path="corunners.0.rate",
        goal="maximize",
        subject_to=["deadline"],
        between=("1 MB/s", "2 MB/s"),
    )
    assert str(found).endswith("2 MB/s, the end of the range")
    with pytest.raises(ConfigError, match="not kept even at 1 GB/s"):
        search(
            config,
            path="corunners.0.rate",
            goal="maximize",
            subject_to=["deadline"],
            between=("1 GB/s", "2 GB/s"),
        )


SIZES = {**BASE, "system": BASE["system"] | {"llc": {"size": "64 KiB", "ways": 8, "line": "64 B"}}}


@pytest.fixture
def sized(tmp_path, monkeypatch):
    """A config whose latency in seconds is 1 over the LLC's bytes, plus 1 over the MSHRs."""

    def answer(config):
        llc = config["system"]["llc"]
        number, unit = llc["size"].split()
        size = int(number) * {"KiB": 1 << 10, "MiB": 1 << 20}[unit]
        return {"summary": {"workloads": {"detect": {"latency_s": 1 / size + 1 / llc["mshrs"]}}}}

    monkeypatch.setattr(workers, "simulate_point", answer)
    (tmp_path / "c.yaml").write_text(yaml_text(SIZES))
    return tmp_path / "c.yaml"


@pytest.mark.parametrize(
    ("goal", "sign", "best"), [("minimize", "<=", "256 KiB"), ("maximize", ">=", "128 KiB")]
)
def test_a_size_that_the_config_cannot_have_is_neither_kept_nor_broken(sized, goal, sign, best):
    found = search(sized, path="system.llc.size", goal=goal, between=("32 KiB", "4 MiB"), out=sized.parent / "s",
                   subject_to=[f"workloads.detect.latency_s {sign} {1 / (200 << 10) + 1 / 8}"])  # fmt: skip
    assert {str(found.value), str(found.broken)} == {"128 KiB", "256 KiB"}
    assert found.value == best


def test_ends_that_the_config_cannot_have_are_told(sized):
    limit = ["workloads.detect.latency_s <= 1"]
    with pytest.raises(ConfigError, match="not a power of two of sets"):
        search(
            sized, path="system.llc.size", goal="maximize", between=("32 KiB", "100 KiB"), subject_to=limit
        )


def test_plain_numbers_may_be_ends_on_the_command_line(sized, monkeypatch, capsys):
    monkeypatch.chdir(sized.parent)
    limit = ["--subject-to", "workloads.detect.latency_s <= 0.2"]
    monkeypatch.setattr(
        "sys.argv",
        ["dlasim", "search", "c.yaml", "--minimize", "system.llc.mshrs", "--between", "1", "16", *limit],
    )
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert not done.value.code
    assert capsys.readouterr().out.endswith("lowest system.llc.mshrs that keeps the limits: 6; 5 does not\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--maximize", "corunners.0.rat"], "corunners.0.rat: the config has no such key; write a path of `dlasim check`"),
        (["--maximize", "workloads.detect.on"], "workloads.detect.on: found 'nvdla0'; write --between LOW HIGH"),
        (["--maximize", "corunners.0.rate", "--between", "2 MB/s", "1 MB/s"],
         "--between: from '2 MB/s' is not below to '1 MB/s'"),
        (["--maximize", "corunners.0.rate", "--subject-to", "fast"],
         "--subject-to: found 'fast'; write deadline, or PATH <= LIMIT"),
        ([], "search: write one of --maximize PATH and --minimize PATH"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(config, arguments, said, monkeypatch, capsys):
    monkeypatch.chdir(config.parent)
    monkeypatch.setattr("sys.argv", ["dlasim", "search", str(config), *arguments])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 2
    assert capsys.readouterr().err == f"error: {said}\n"
