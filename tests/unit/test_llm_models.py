"""Transformers from config.json: parameter counts as published, MACs, caches, and what is refused."""

import json

import pytest

from hw_models.errors import ConfigError
from workloads.llm.architectures import ARCHITECTURES
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import builtin_models, load_model, transformer

PUBLISHED = {  # parameters of the checkpoints on Hugging Face
    "opt-125m": 125_239_296,
    "opt-6.7b": 6_658_473_984,
    "falcon-7b": 6_921_720_704,
    "phi-2": 2_779_683_840,
    "llama-2-7b": 6_738_415_616,
    "llama-3.2-3b": 3_212_749_824,
    "llama-3.1-8b": 8_030_261_248,
    "mixtral-8x7b": 46_702_792_704,
    "qwen3-8b": 8_190_735_360,
    "qwen3-30b-a3b": 30_532_122_624,
    "gpt-oss-20b": 20_914_757_184,
    "llama-2-13b": 13_015_864_320,
    "tinyllama-1.1b": 1_100_048_384,
    "llama-3-8b-1048k": 8_030_261_248,
    "yi-6b-200k": 6_061_035_520,
    "pythia-160m": 162_322_944,
    "opt-13b": 12_853_473_280,
    "deepseek-v2-lite": 15_706_484_224,
}

OTHERS = {  # config values of models that are not built in, and their published parameters
    "mistral-7b": (
        {"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
        | {"num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000}
        | {"max_position_embeddings": 32768, "sliding_window": 4096, "tie_word_embeddings": False},
        7_241_732_096,
    ),
    "qwen2-7b": (
        {"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28}
        | {"num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}
        | {"max_position_embeddings": 131072, "tie_word_embeddings": False},
        7_615_616_512,
    ),
    "qwen3-8b": (
        {"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36}
        | {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936}
        | {"max_position_embeddings": 40960, "tie_word_embeddings": False},
        8_190_735_360,
    ),
    "opt-350m": (
        {"model_type": "opt", "hidden_size": 1024, "ffn_dim": 4096, "num_hidden_layers": 24}
        | {"num_attention_heads": 16, "vocab_size": 50272, "max_position_embeddings": 2048}
        | {"word_embed_proj_dim": 512, "do_layer_norm_before": False},
        331_196_416,
    ),
    "falcon-40b": (
        {"model_type": "falcon", "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128}
        | {"num_kv_heads": 8, "new_decoder_architecture": True, "bias": False, "vocab_size": 65024},
        41_303_293_952,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_built_in_model_has_the_published_number_of_parameters(name):
    assert load_model(name).parameters == PUBLISHED[name]


def test_persimmon_has_the_9_4_billion_parameters_of_its_checkpoint():
    assert round(load_model("persimmon-8b").parameters / 1e9, 1) == 9.4


def test_glm_5_has_743_of_its_744_billion_parameters_without_its_attentions_index_and_40_active():
    model = load_model("glm-5")
    assert round(model.parameters / 1e9) == 743
    assert round(model.active_parameters / 1e9) == 41
    assert model.values("expert") * 4.5 / 8 == pytest.approx(407e9, rel=0.002)  # its experts in 4 bits


def test_hymba_has_1_5_billion_parameters_and_half_of_its_window_layers_store_keys():
    model = load_model("hymba-1.5b")
    assert round(model.parameters / 1e6) == 1522
    assert model.shape.kv_layers == 3 + 14
    assert model.shape.state_layers == 32
    per_layer = 5 * (64 + 128)
    assert model.kept_values(8000) == per_layer * (3 * 8000 + 14 * 1024) + 32 * 3200 * (16 + 3)


def test_every_built_in_model_is_checked_above_and_names_its_source():
    assert set(builtin_models()) == {*PUBLISHED, "persimmon-8b", "glm-5", "hymba-1.5b"}
    for name in builtin_models():
        assert load_model(name).name == name


@pytest.mark.parametrize("name", OTHERS)
def test_other_model_has_the_published_number_of_parameters(name):
    values, parameters = OTHERS[name]
    assert transformer(name, values).parameters == parameters


def test_tensors_have_unique_names_and_cover_every_layer():
    model = load_model("llama-3.2-3b")
    names = [tensor.name for tensor in model.tensors]
    assert len(set(names)) == len(names)
    assert {tensor.layer for tensor in model.tensors} == {-1, *range(28)}


def test_decode_macs_are_every_matrix_once_plus_scores():
    model = load_model("opt-6.7b")
    matrices = 32 * (4 * 4096 * 4096 + 2 * 4096 * 16384) + 50272 * 4096
    assert model.decode_macs(100) == matrices + 32 * 2 * 4096 * 100


def test_prefill_of_one_token_costs_what_decoding_it_costs():
    for name in builtin_models():
        assert load_model(name).prefill_macs(1) == load_model(name).decode_macs(1)


def test_sliding_attention_window_bounds_what_a_token_reads():
    model = transformer("mistral", OTHERS["mistral-7b"][0])
    assert model.decode_macs(5000) == model.decode_macs(4096)


@pytest.mark.parametrize(("name", "values"), [("opt-6.7b", 2 * 32 * 4096), ("falcon-7b", 2 * 32 * 64)])
def test_kv_cache_grows_by_heads_that_have_their_own_keys(name, values):
    assert load_model(name).kv_values_per_token() == values


def test_kv_cache_of_2048_tokens_is_8_percent_of_opt():
    model = load_model("opt-6.7b")
    cache = bytes_of(2048 * model.kv_values_per_token(), "fp16")
    assert round(100 * cache / bytes_of(model.parameters, "fp16")) == 8


def test_grouped_integers_carry_scale_and_offset():
    assert bytes_of(64, "int4") == 32 + 4
    assert bytes_of(64, "int8") == 64 + 4
    assert bytes_of(3, "int4") == 2


def refused(call):
    with pytest.raises(ConfigError) as error:
        call()
    return str(error.value)


def test_unknown_name_is_refused_with_a_suggestion():
    assert (
        refused(lambda: load_model("opt-6.7")) == "'opt-6.7' is no built-in model; did you mean 'opt-6.7b'?"
    )
    assert refused(lambda: load_model("zzz")) == (
        f"'zzz' is no built-in model; write one of {', '.join(builtin_models())}, or a config.json"
    )


def test_config_json_of_an_unknown_architecture_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "rwkv"}))
    assert refused(lambda: load_model(str(path))) == (
        f"{path}: model_type: unknown architecture 'rwkv'; write one of {', '.join(ARCHITECTURES)}"
    )
    path.write_text("[]")
    assert refused(lambda: load_model(str(path))) == (
        f"{path}: model_type: no model_type; write one of {', '.join(ARCHITECTURES)}"
    )


def test_config_json_that_lacks_a_value_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4}))
    assert (
        refused(lambda: load_model(str(path)))
        == f"{path}: num_hidden_layers: missing; a llama model needs it"
    )


def test_config_json_whose_heads_do_not_divide_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", "hidden_size": 65, "num_attention_heads": 4}))
    assert refused(lambda: load_model(str(path))) == (
        f"{path}: not a llama model: hidden_size 65 does not divide into num_attention_heads 4"
    )


def test_file_that_is_no_json_or_not_there_is_refused(tmp_path):
    path = tmp_path / "config.json"
    assert refused(lambda: load_model(str(path))) == (
        f"{path} cannot be read (no such file or directory); write the path of a config.json"
    )
    path.write_text("{")
    assert refused(lambda: load_model(str(path))) == (
        f"{path}: not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)); "
        "write a Hugging Face config.json"
    )
