"""Transformers as networks of the accelerator."""

import pytest

from hw_models.errors import ConfigError
from workloads import load_network, lower
from workloads.graph import node_macs, node_weights
from workloads.llm.graph import transformer_network
from workloads.llm.model import builtin_models, load_model, transformer
from workloads.params import NetworkJob

SHAPES = {name: load_model(name).shape for name in builtin_models()}
LOWERED = [name for name, shape in SHAPES.items() if shape.experts is None and shape.scan is None]


@pytest.mark.parametrize("name", LOWERED)
def test_network_has_the_arithmetic_of_the_linear_layers(name):
    model = load_model(name)
    shape = model.shape
    if shape.experts is not None or shape.latent is not None or shape.scan is not None:
        with pytest.raises(ValueError, match="which are not lowered"):
            transformer_network(model, 3)
        return
    network = transformer_network(model, 3)
    macs = sum(node_macs(network, node) for node in network.nodes)
    attention = shape.layers * 2 * (1 + 2 + 3) * shape.heads * shape.head_width
    assert macs == 3 * (model.values("attention", "ffn") + model.head_values) + attention
    assert network.outputs == ["lm_head"]


def test_small_transformer_lowers_to_operations_and_tasks():
    job = NetworkJob.model_validate({"network": "opt-125m", "input": "8x1", "on": "npu", "fallback": "core0"})
    program = lower(job, "nv_large")
    assert len(program.ops) >= 12 * 6 + 1
    kinds = [layer.kind for layer in program.layers]
    assert kinds.count("conv") == 12 * 6 + 1
    assert program.warnings == []


def test_more_tokens_than_the_model_takes_are_refused():
    job = NetworkJob.model_validate({"network": "opt-125m", "input": "4096x1", "on": "npu"})
    with pytest.raises(ConfigError) as error:
        load_network(job)
    assert str(error.value) == "input: 4096 tokens; opt-125m takes 1 to 2048; write input: TOKENSx1"


def test_model_with_experts_is_not_lowered():
    with pytest.raises(ConfigError, match="mixtral-8x7b has experts, latent attention or scans"):
        load_network(NetworkJob.model_validate({"network": "mixtral-8x7b", "on": "npu"}))


def test_projections_between_embedding_and_layers_are_layers_too():
    values = {"model_type": "opt", "hidden_size": 64, "ffn_dim": 128, "num_hidden_layers": 2}
    values |= {"num_attention_heads": 4, "vocab_size": 100, "word_embed_proj_dim": 32}
    names = [node.name for node in transformer_network(transformer("small", values), 4).nodes]
    assert names[0] == "project_in"
    assert names[-2:] == ["project_out", "lm_head"]


@pytest.mark.parametrize("name", ["opt-125m", "llama-3.2-3b"])
def test_keys_and_values_are_the_kernels_of_two_convolutions(name):
    shape = load_model(name).shape
    network = transformer_network(load_model(name), 1, 99)
    nodes = {node.name: node for node in network.nodes}
    cache = 0
    for part in ("scores", "values"):
        node = nodes[f"layers.0.{part}"]
        cache += node_weights(network, node)
        assert node.groups == shape.kv_heads
        assert node_macs(network, node) == 100 * shape.heads * shape.head_width
    assert cache == 100 * shape.kv_values
    whole = sum(node_macs(network, node) for node in network.nodes)
    assert whole == load_model(name).decode_macs(100)


def test_accelerator_reads_keys_and_values_of_all_the_context():
    read = []
    for context in (63, 127):
        keys = {"network": "opt-125m", "input": "1x1", "context": context, "strategy": "traffic"}
        job = NetworkJob.model_validate(keys | {"on": "npu", "fallback": "core0"})
        program = lower(job, "nv_large")
        read.append(program.memory.weight_bytes)
    assert read[1] - read[0] == 12 * 64 * 2 * 768


def test_context_is_of_language_models_that_take_as_many_tokens():
    for keys, told in (
        ({"network": "yolov3", "context": 7}, "context: yolov3 is no language model; only those look back"),
        (
            {"network": "opt-125m", "input": "8x1", "context": 2045},
            "8 tokens behind 2045; opt-125m takes 2048",
        ),
    ):
        with pytest.raises(ConfigError) as error:
            load_network(NetworkJob.model_validate({"on": "npu"} | keys))
        assert told in str(error.value)
