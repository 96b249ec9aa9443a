"""What a user can get wrong in a language model's job: each mistake told in one line."""

import json

import pytest

import simulator
from hw_models.errors import ConfigError
from hw_models.roofline.presets import PRESETS
from simulator.config.model import load
from workloads.llm.architectures import ARCHITECTURES

SYSTEM = {"backends": {"cpu0": {"preset": "m1_max_cpu"}}, "flash": {"preset": "m1_max_ssd"}}


def told(job, system=SYSTEM, *, run=False):
    config = {"system": system, "workloads": {"chat": {"on": "cpu0", "model": "opt-6.7b", **job}}}
    with pytest.raises(ConfigError) as error:
        simulator.run(config) if run else load(config)
    return str(error.value)


def test_model_that_fits_no_budget():
    assert told({"offload": {"policy": "window", "dram": "10 %"}}) == (
        "workloads.chat: offload.dram 10 % is 1.33 GB; opt-6.7b with policy window keeps all its weights but "
        "the FFN, and its predictor, in DRAM: 5.04 GB, 38 % of the model"
    )
    assert told({"offload": {"policy": "resident", "dram": "4 GiB"}}) == (
        "workloads.chat: offload.dram 4 GiB is 4.29 GB; opt-6.7b with policy resident keeps all its weights "
        "in DRAM: 13.32 GB, 100 % of the model"
    )


def test_model_that_fits_no_memory_of_the_backend():
    system = {"backends": {"cpu0": {"preset": "rtx_4090"}}}
    assert told({"model": "llama-2-7b", "precision": "fp32"}, system, run=True) == (
        "workloads.chat.offload: llama-2-7b keeps 26.43 GB of weights and 0.20 GB of keys and values in DRAM; "
        "cpu0 has 24.00 GB"
    )


def test_window_larger_than_the_context():
    assert told({"prompt": 8, "tokens": 4, "offload": {"policy": "window", "window": 13}}) == (
        "workloads.chat: offload.window 13 is larger than the context of 12 tokens (prompt 8 + tokens 4); "
        "write at most 12"
    )


def test_context_longer_than_the_model_has_positions():
    assert told({"prompt": 2000, "tokens": 64}) == (
        "workloads.chat: prompt 2000 + tokens 64 is a context of 2064 tokens; opt-6.7b has at most 2048"
    )


def test_unknown_architecture(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "rwkv"}))
    assert told({"model": str(path)}) == (
        f"workloads.chat.model: {path}: model_type: unknown architecture 'rwkv'; "
        f"write one of {', '.join(ARCHITECTURES)}"
    )


def test_unknown_model():
    assert told({"model": "opt-67b"}) == (
        "workloads.chat.model: 'opt-67b' is no built-in model; did you mean 'opt-6.7b'?"
    )


def test_sparse_policy_for_a_model_whose_activity_nobody_knows():
    assert told({"model": "opt-125m", "offload": {"policy": "window"}}) == (
        "workloads.chat: offload.policy window needs to know which neurons opt-125m uses; "
        "write offload.activity or offload.recorded"
    )


def test_budget_that_is_neither_share_nor_size():
    assert told({"offload": {"dram": 0.5}}) == (
        "workloads.chat.offload.dram: 0.5 is no DRAM budget; "
        "write a share of the model such as 50 %, or a size such as 4 GiB"
    )


def test_precision_that_no_backend_computes_in():
    assert told({"precision": "int8"}) == (
        "workloads.chat.precision: 'int8' is not computed in; "
        "write fp32, fp16 or bf16, and int8 under quantize"
    )
    system = {"backends": {"cpu0": {"memory_bandwidth": "10 GB/s", "peak": {"fp32": "1 TFLOPS"}}}}
    assert told({}, system, run=True) == (
        "workloads.chat.precision: cpu0 computes in fp32, not in fp16; write one of them"
    )


def test_unknown_backend_preset():
    system = {"backends": {"cpu0": {"preset": "m9"}}}
    assert told({}, system) == (
        f"system.backends.cpu0: preset 'm9' is not known; write one of {', '.join(PRESETS)}"
    )


def test_offload_without_flash():
    system = {"backends": SYSTEM["backends"]}
    assert told({"offload": {"policy": "naive"}}, system, run=True) == (
        "workloads.chat.offload.policy: policy naive reads from flash, and there is none; "
        "write system.flash, or policy: resident"
    )


def test_model_larger_than_the_flash_device():
    system = {**SYSTEM, "flash": {"preset": "m1_max_ssd", "blocks": 8}}
    assert told({"offload": {"policy": "naive"}}, system, run=True) == (
        "system.flash: opt-6.7b takes 13.32 GB on flash; the device has 7.99 GB"
    )


def test_malformed_recording(tmp_path):
    path = tmp_path / "activity.csv"
    path.write_text("token,layer\n")
    assert told({"offload": {"policy": "window", "recorded": str(path)}}, run=True) == (
        f"{path}:1: first line is 'token,layer'; write token,layer,neurons"
    )


def test_predictor_ranks_that_do_not_fit_the_layers():
    assert told({"offload": {"policy": "window", "predictor_ranks": [-1]}}) == (
        "workloads.chat.offload.predictor_ranks.0: -1 is too small; write at least 0"
    )


def test_what_does_not_fit_is_told_with_its_line_beside_every_other_mistake(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "system:\n  backends: {cpu0: {preset: m1_max_cpu}}\nworkloads:\n"
        "  chat: {model: opt-125m, on: cpu0, prompt: 3000}\n"
    )
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value) == (
        f"{path}:4: workloads.chat: prompt 3000 + tokens 64 is a context of 3064 tokens; "
        "opt-125m has at most 2048"
    )


DRAM = {"dram": {"standard": "LPDDR4-3200"}}


def test_memory_of_its_own_beside_written_dram():
    backend = {"preset": "m1_max_cpu", "memory": "own"}
    assert told({}, {"backends": {"cpu0": backend}, **DRAM}) == (
        "system.backends.cpu0.memory: own, beside system.dram; write shared, or null for system.dram"
    )
    assert told({}, {"backends": {"cpu0": {**backend, "memory": "shared"}}}) == (
        "system.backends.cpu0.memory: shared, and the system has none; write system.dram, or own"
    )


@pytest.mark.parametrize("system", [{}, DRAM])
def test_backend_works_in_the_systems_memory_where_there_is_one(system):
    config = load({"system": {**SYSTEM, **system}, "workloads": {}})
    assert config.system.shares_memory("cpu0") == bool(system)


def test_size_of_a_backends_memory_is_its_capacity():
    for key in ("memory", "capacity"):
        config = load({"system": {"backends": {"cpu0": {"preset": "m1_max_cpu", key: "8 GB"}}}})
        assert config.system.backends["cpu0"].capacity_bytes == 8 * 10**9
        assert config.system.backends["cpu0"].memory is None
    assert told({}, {"backends": {"cpu0": {"preset": "m1_max_cpu", "memory": "mine"}}}) == (
        "system.backends.cpu0: memory 'mine' is neither own, shared nor a size; write one of them"
    )


def test_keys_and_values_of_a_long_context_need_room_too(tmp_path):
    values = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "vocab_size": 128256}
    values |= {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8}
    (tmp_path / "config.json").write_text(json.dumps(values | {"max_position_embeddings": 131072}))
    system = {"backends": {"cpu0": {"preset": "rtx_4090"}}}
    assert told({"model": str(tmp_path), "prompt": 131_000}, system, run=True) == (
        f"workloads.chat.offload: {tmp_path.name} keeps 15.01 GB of weights and 17.18 GB of keys and values in "
        "DRAM; cpu0 has 24.00 GB"
    )
    bus = {"interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"}}
    assert told({"model": str(tmp_path), "prompt": 131_000}, {**DRAM, **SYSTEM, **bus}, run=True).endswith(
        "in DRAM; system.dram has 2.15 GB"
    )


def test_experts_have_no_neurons_to_keep(tmp_path):
    values = {"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 128, "vocab_size": 1000}
    values |= {"num_hidden_layers": 2, "num_attention_heads": 4, "num_local_experts": 4}
    (tmp_path / "config.json").write_text(json.dumps(values | {"num_experts_per_tok": 2}))
    assert told({"model": str(tmp_path), "offload": {"policy": "window"}}).endswith(
        "has experts; write resident, naive or hybrid"
    )


def test_preset_named_by_software_is_the_papers_under_its_short_name():
    for name in ("m1_max_cpu", "m1_max_metal", "m2_ultra_metal", "rtx_4090"):
        assert PRESETS[f"{name}.llm_in_a_flash"] == PRESETS[name]


def test_memory_that_others_keep_is_told_beside_what_is_there():
    backend = {"preset": "m1_max_metal", "capacity": "16 GB", "reserved": "15 GB"}
    chat = {"model": "tinyllama-1.1b", "on": "gpu0"}
    with pytest.raises(ConfigError, match=r"gpu0 has 16.00 GB, 15.00 GB of it reserved$"):
        simulator.run({"system": {"backends": {"gpu0": backend}}, "workloads": {"chat": chat}})
