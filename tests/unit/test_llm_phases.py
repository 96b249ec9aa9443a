"""Phases of a prompt and its tokens, without a machine around them: what is read, what is computed."""

import json

import pytest
from llm_helpers import TINY

from hw_models.roofline.params import Roofline
from workloads.llm.fits import check_fits
from workloads.llm.kv import kv_bytes, kv_plan
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun


def passes_of(tmp_path, preset="m1_max_cpu", config=TINY, **job):
    (tmp_path / "config.json").write_text(json.dumps(config))
    job = {"model": str(tmp_path), "on": "cpu0", "prompt": 8, "tokens": 2, **job}
    plan = make_plan(LlmJob.model_validate(job))
    return plan, LlmRun(plan, Roofline.model_validate({"preset": preset}), 1).passes()


@pytest.mark.parametrize("preset", ["rtx_4090", "m1_max_metal"])
def test_longer_context_takes_longer_whatever_the_floor(preset):
    times = []
    for prompt in (16, 4096, 8192):
        job = {"model": "llama-3.1-8b", "on": "gpu0", "prompt": prompt, "tokens": 1}
        plan = make_plan(LlmJob.model_validate(job))
        token = LlmRun(plan, Roofline.model_validate({"preset": preset}), 1).passes()[1]
        times.append(sum(phase.work.fs for phase in token.phases))
    assert times[0] < times[1] < times[2]
    read = 4096 * plan.model.kv_values_per_token() * 2  # bytes more of keys and values
    machine = Roofline.model_validate({"preset": preset})
    rate = machine.memory_bandwidth_bytes_per_s * machine.efficiency.attention
    assert times[2] - times[1] == pytest.approx(read / rate * 1e15, rel=1e-6)


def test_prompt_of_a_streamed_model_reads_the_output_projection_too(tmp_path):
    plan, (prompt, token, _) = passes_of(tmp_path, offload={"policy": "naive"})
    assert prompt.flash_bytes == token.flash_bytes == plan.flash.per_token


def test_layers_with_a_window_read_nothing_spilled_that_lies_behind_it(tmp_path):
    windows = {"sliding_window": 8, "layer_types": ["sliding_attention"] * 2 + ["full_attention"]}
    cell = 2 * 4 * 64 * 2  # bytes of a token in one layer
    cache = {"dram": f"{(8 + 8 + 10) * cell} B", "block": 1}
    plan, passes = passes_of(tmp_path, config=TINY | windows, prompt=40, kv_cache=cache)
    assert kv_plan(plan).dram_tokens == 10
    for number, each in enumerate(passes[1:], 41):
        spilled = [phase for phase in each.phases if phase.op == "kv" and not phase.flash.write]
        assert [phase.layer for phase in spilled] == [2]
        assert spilled[0].flash.bytes == (number - 10) * cell
    assert kv_bytes(plan) == 26 * cell


def test_model_that_drafts_for_itself_reads_its_weights_once_for_each_accepted_run(tmp_path):
    speculative = {"lambda": 3, "alpha": 0.5, "draft": "self"}
    _, (_, *rounds) = passes_of(tmp_path, tokens=40, speculative=speculative)
    _, (_, *alone) = passes_of(tmp_path, tokens=40)
    assert sum(each.tokens for each in rounds) == 40
    assert len(rounds) == pytest.approx(40 / (1 + 0.5 + 0.25 + 0.125), abs=2)
    weights = [sum(p.work.read_bytes for p in each.phases if p.op in ("ffn", "head")) for each in rounds]
    assert set(weights) == {sum(p.work.read_bytes for p in alone[0].phases if p.op in ("ffn", "head"))}
    assert not any(phase.op == "draft" for each in rounds for phase in each.phases)


def test_quantized_checkpoint_is_read_in_its_own_bits(tmp_path):
    packed = {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 64}}
    plain, _ = passes_of(tmp_path, offload={"policy": "naive"})
    awq, _ = passes_of(tmp_path, config=TINY | packed, offload={"policy": "naive"})
    assert awq.flash.ffn[0] == plain.flash.ffn[0] * (4 + 20 / 64) / 16
    assert awq.flash.head == plain.flash.head


def test_sparsity_goes_with_the_built_in_name_and_not_with_a_folders(tmp_path):
    folder = tmp_path / "opt-6.7b"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(TINY))
    job = LlmJob.model_validate({"model": str(folder), "on": "cpu0", "offload": {"policy": "window"}})
    with pytest.raises(ValueError, match=r"needs to know which neurons opt-6\.7b uses"):
        check_fits(job)
