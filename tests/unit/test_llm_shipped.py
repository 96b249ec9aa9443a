"""Every shipped preset of a language model: it loads, it is short, it names its source, it runs."""

import re

import pytest

import simulator
from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.validate.llm_published import preset, systems
from workloads.llm.params import LlmJob

FILES = sorted((CONFIGS / "llm").glob("*.yaml"))
OWN = {
    "experts_from_flash",
    "glm5_experts_m5_max",
    "gpt_oss_20b_m1_max",
    "serve_experts",
    "serve_rtx4090",
}  # no published system
SERVE = ["pensieve", "batch_llm"]
SERVED = [
    "serve_experts", "serve_latent", "serve_duo_attention", "mos", "adapter_swap", "camphor", "hippo_rag",
]  # fmt: skip
TRAINED = ["uni_pt", "vit_attention", "one_byte"]
RUN = [
    "mlkv",
    "duo_attention",
    "cross_layer_pairs",
    "think_kivi",
    "mla",
    "mom",
    "lamini",
    "bitstack",
    "foldgpt",
    "flexigpt",
    "head_wise",
    "tiny_sepformer",
    "parameter_shared",
    "movie_chat",
    "xmem",
    "gcn_gather",
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_preset_is_short_and_names_its_source(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 20
    assert text.startswith("# ")
    if path.stem not in OWN:
        assert re.search(r"arXiv \d{4}\.\d{5}", text)
    config = load(path)
    assert len(config.workloads) == 1
    assert config.name != "unnamed"


@pytest.mark.parametrize("name", RUN)
def test_preset_runs_and_holds_what_its_rules_say(name):
    config = load(CONFIGS / "llm" / f"{name}.yaml")
    ((job_name, job),) = config.workloads.items()
    assert isinstance(job, LlmJob)
    told = simulator.run(config).summary["workloads"][job_name]
    assert told["tokens"] == job.tokens
    assert told["dram_bytes"]["kv"] == preset(name).stored_bytes()


@pytest.mark.parametrize("name", SERVE)
def test_server_of_a_preset_serves_all_and_finds_what_was_there(name):
    config = load(CONFIGS / "llm" / f"{name}.yaml")
    told = simulator.run(config).summary["workloads"]["serve"]
    assert told["requests"] == config.workloads["serve"].requests.count
    assert told["prefix_hit_share"] + told["host_hit_share"] > 0.75


@pytest.mark.parametrize("name", SERVED)
def test_server_of_any_model_serves_all(name):
    config = load(CONFIGS / "llm" / f"{name}.yaml")
    told = simulator.run(config).summary["workloads"]["serve"]
    assert told["requests"] == config.workloads["serve"].requests.count
    if "adapters" in told:
        assert 0 < told["adapters"]["hit_rate"] <= 1


@pytest.mark.parametrize("name", TRAINED)
def test_part_that_is_trained_takes_less_than_all_of_the_model(name):
    config = load(CONFIGS / "llm" / f"{name}.yaml")
    everything = {"workloads.step.trained": "all", "workloads.step.side": None}
    whole = load(
        CONFIGS / "llm" / f"{name}.yaml",
        values=everything | {"system.backends.gpu0.capacity": "1 TB"},
    )
    told, all_of_it = (simulator.run(each).summary["workloads"]["step"] for each in (config, whole))
    assert told["card_bytes"]["peak"] < all_of_it["card_bytes"]["peak"]
    assert told["latency_s"] < all_of_it["latency_s"]


def test_requests_in_groups_are_served_faster_than_as_they_come_by_what_batch_llm_says():
    rates = []
    for order in ("prefix", "first_come"):
        config = load(CONFIGS / "llm" / "batch_llm.yaml", values={"workloads.serve.engine.order": order})
        rates.append(simulator.run(config).summary["workloads"]["serve"]["requests_per_s"])
    assert 1.1 < rates[0] / rates[1] < 2


def test_what_only_restates_a_parameter_is_not_counted_and_within_a_percent():
    found = list(systems())
    assert [figure.row["preset"] for figure in found if figure.counted] == ["mlkv"]
    batches = [f for f in found if f.quantity == "batch that fits, times"]  # whole sequences
    assert max(abs(figure.error_percent) for figure in found if figure not in batches) < 1.2
    assert 0 < max(abs(figure.error_percent) for figure in batches) < 5
