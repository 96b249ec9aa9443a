"""Keys and values cell by cell: against sets of tokens, and against the closed formulas."""

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from llm_helpers import SYSTEM, TINY, whole

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import load
from workloads.llm.cell_totals import totals
from workloads.llm.cells import cells_of
from workloads.llm.kv_rules import KvRule, choose
from workloads.llm.model import load_model, transformer
from workloads.llm.program import llm_program

LAYERS, HEADS, WIDTH = 4, 4, 64  # of the model below
SMALL = TINY | {"num_hidden_layers": LAYERS, "vocab_size": 64, "num_key_value_heads": HEADS}
WINDOWS = {"sliding_window": 7, "layer_types": ["full_attention", "sliding_attention"] * 2}


def rules(*written):
    return [KvRule.model_validate(rule) for rule in written]


def tokens_kept(cells, part, layer, head, window, context, prompt):
    """Return the set of tokens that a cell keeps: one after the other, as a person would go through them."""
    at = (part, layer, head)
    kept = {name: int(getattr(cells.kept, name)[at]) for name in cells.kept._fields}
    seen = [t for t in range(context) if t >= context - window]
    found = {t for t in seen if kept["answer"] and t < prompt}
    rest = [t for t in seen if t not in found]
    ends = set(rest[: kept["sinks"]]) | set(rest[len(rest) - min(kept["recent"], len(rest)) :])
    between = [t for t in rest if t not in ends]
    credit = 0
    for t in between:  # every token brings its share of a place; a place that is begun is given
        credit -= kept["between"]
        if credit < 0:
            found.add(t)
            credit += kept["over"]
    return set(sorted(found | ends)[: kept["most"]])


def by_hand(cells, context, prompt):
    """Return bytes stored and read, from sets of tokens and of cells."""
    _, layers, heads = cells.owner.shape
    windows = cells.kept.window
    stored, read = 0, 0
    for part in range(2):
        owners = {int(o) for o in cells.owner[part].reshape(-1) if o >= 0}
        for owner in owners:
            at = divmod(owner, heads)
            tokens = tokens_kept(cells, part, *at, int(windows[(part, *at)]), context, prompt)
            stored += len(tokens) * int(cells.row[(part, *at)])
        for layer in range(layers):
            for owner in {int(o) for o in cells.owner[part, layer] if o >= 0}:
                at = divmod(owner, heads)
                window = min(int(windows[part, layer, 0]), int(windows[(part, *at)]))
                tokens = tokens_kept(cells, part, *at, window, context, prompt)
                read += len(tokens) * int(cells.row[(part, *at)])
    return stored, read


keeps = st.fixed_dictionaries(
    {},
    optional={
        "sinks": st.integers(0, 3), "recent": st.integers(0, 5), "most": st.integers(1, 12),
        "share": st.sampled_from(["20 %", "35 %", "50 %", "100 %"]), "of": st.sampled_from(["context", "answer"]),
    },
)  # fmt: skip
where = st.fixed_dictionaries(
    {},
    optional={
        "layers": st.sampled_from(["0", "1-2", "every 2", "every 2 from 1", "50 %"]),
        "heads": st.sampled_from(["0", [1, 3], "25 %"]),
        "part": st.sampled_from(["keys", "values"]),
    },
)
effects = st.one_of(
    st.builds(lambda keep: {"keep": keep}, keeps),
    st.sampled_from([{"bits": 4.5}, {"bits": "int8"}, {"width": "60 %"}, {"width": 16}, {"stored": False}]),
)
sharing = st.sampled_from(
    [[], [{"share": {"layers": 2}}], [{"share": {"heads": 2}}], [{"share": {"layers": 4, "heads": 4}}],
     [{"layers": "1-3", "owner": 0}], [{"owners": [0, 0, 2, 2], "part": "keys"}]]
)  # fmt: skip


@settings(max_examples=120)
@given(sharing, st.lists(st.builds(lambda a, b: a | b, where, effects), max_size=3), st.booleans(),
       st.integers(1, 24), st.integers(1, 24))  # fmt: skip
def test_bytes_are_those_of_sets_of_tokens_and_cells(shared, others, windowed, context, prompt):
    model = transformer("small", SMALL | (WINDOWS if windowed else {}))
    assume(not (shared and any("stored" in rule for rule in others)))  # owners store their own
    cells = cells_of(model, "fp16", rules(*others, *shared))
    stored, read = by_hand(cells, context, prompt)
    assert cells.stored_bytes(context, prompt).sum() == stored
    assert cells.read_bytes(context, prompt).sum() == read
    many = np.array([context, context + 1, 0])
    sums = totals(cells, many, prompt)
    assert sums.stored.tolist() == [cells.stored_bytes(n, prompt).sum() for n in many.tolist()]
    assert sums.read.tolist() == [cells.read_bytes(n, prompt).sum() for n in many.tolist()]
    one_by_one = sum(int(cells.score_macs(n, prompt).sum()) for n in range(1, prompt + 1))
    assert cells.prompt_macs(prompt) == one_by_one


def test_heads_that_stream_see_all_of_a_chunk_and_what_they_keep_of_the_tokens_before():
    model = transformer("small", SMALL | {"num_hidden_layers": 1, "num_key_value_heads": 1})
    cells = cells_of(model, "fp16", rules({"keep": {"sinks": 2, "recent": 3}}))
    seen = [1, 2, 3, 4, 5, 6, 7, 8, 5 + 1, 5 + 2]  # chunks of 8 tokens: ten tokens
    assert cells.prompt_macs(10, 8) == sum(seen) * 2 * 256
    assert cells.prompt_macs(10, 10) == cells_of(model, "fp16").prompt_macs(10)


FAMILIES = {  # values of a token in one layer, by the closed formula
    "MHA": ({"num_attention_heads": 8, "num_key_value_heads": 8}, 2 * 8 * 32),
    "GQA": ({"num_attention_heads": 8, "num_key_value_heads": 2}, 2 * 2 * 32),
    "MQA": ({"num_attention_heads": 8, "num_key_value_heads": 1}, 2 * 32),
    "MLA": (
        {"model_type": "deepseek_v2", "kv_lora_rank": 96, "qk_rope_head_dim": 16, "qk_nope_head_dim": 32,
         "v_head_dim": 32, "q_lora_rank": None, "n_routed_experts": None, "first_k_dense_replace": 3,
         "num_attention_heads": 8, "num_key_value_heads": 8},
        96 + 16,
    ),
}  # fmt: skip


@pytest.mark.parametrize("chunk", [None, 7])
def test_long_prompts_are_counted_part_by_part(monkeypatch, chunk):
    some = rules({"heads": "50 %", "keep": {"sinks": 2, "recent": 5}})
    counted = cells_of(load_model("tinyllama-1.1b"), "fp16", some)
    at_once = counted.prompt_macs(100, chunk)
    monkeypatch.setattr("workloads.llm.cells.AT_ONCE", 9)
    assert counted.prompt_macs(100, chunk) == at_once


@pytest.mark.parametrize("family", FAMILIES)
def test_sums_over_cells_are_the_closed_formulas(family):
    written, values = FAMILIES[family]
    model = transformer("small", TINY | written)
    cells = cells_of(model, "bf16")
    for context in (1, 77):
        assert cells.stored_bytes(context).sum() == 3 * values * 2 * context
        assert cells.read_bytes(context).sum() == 3 * values * 2 * context
    macs = model.prefill_linear_macs(50) + cells.prompt_macs(50)
    assert macs == model.prefill_macs(50)


def test_windows_and_scans_keep_what_the_model_says():
    for name in ("gpt-oss-20b", "llama-2-7b", "mixtral-8x7b"):
        model = load_model(name)
        for context in (100, 4000):
            assert cells_of(model, "fp16").stored_bytes(context).sum() == 2 * model.kept_values(context)
    mamba = {
        "model_type": "mamba",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "vocab_size": 50,
        "state_size": 16,
    }
    cells = cells_of(transformer("m", mamba | {"intermediate_size": 128, "time_step_rank": 4}), "fp16")
    assert cells.stored_bytes(1).sum() == cells.stored_bytes(10**6).sum() == 2 * 2 * 128 * (16 + 3)
    assert cells.read_bytes(9).sum() == 0


SHARED_MEMORY = {
    "backends": SYSTEM["backends"],
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
    "dram": {"standard": "LPDDR4-3200", "channels": 2},
}
PRESET_RULES = [
    [],
    [{"share": {"layers": 2}}],
    [{"layers": "1-3", "owner": 0, "part": "keys"}, {"bits": "int8"}],
    [{"heads": "75 %", "keep": {"sinks": 1, "recent": 4}}],
    [{"read": 3, "index_bits": 64}],
    [{"layers": "0, 3", "keep": {"most": 1}, "state": 512}],
]


@pytest.mark.parametrize("written", PRESET_RULES)
@pytest.mark.parametrize("batch", [1, 3])
def test_both_backends_move_the_same_bytes_in_every_step(tmp_path, written, batch):
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    chat = {"model": str(tmp_path), "on": "cpu0", "prompt": 8, "tokens": 3, "batch": batch}
    chat["kv_cache"] = {"rules": written}
    told = []
    for system in (SHARED_MEMORY, {"backends": SYSTEM["backends"]}):
        config = load({"system": system, "workloads": {"chat": chat}})
        told.append(llm_program("chat", config.workloads["chat"], config.system, 1, 1 << 30, 0))
    (shared, _, mine), (_, _, alone) = told
    phases = [
        [
            p._replace(work=p.work._replace(fs=0), retrieved=np.array(p.retrieved).tolist())
            for p in each.phases
        ]
        for each in (mine, alone)
    ]
    assert phases[0] == phases[1]
    tasks = shared.tasks[whole(shared.tasks)]
    assert tasks["read_bytes"].tolist() == [phase.work.read_bytes for phase in alone.phases]
    assert tasks["write_bytes"].tolist() == [phase.work.write_bytes for phase in alone.phases]
    cells = mine.plan.cells
    for number, each in enumerate(alone.passes[1:], 9):
        moved = sum(p.work.read_bytes for p in each.phases if p.op == "attention")
        weights = int(mine.plan.dram.dense.sum())
        expected = cells.read_bytes(number, 8).sum() + cells.state.sum()
        assert moved == weights + batch * expected
    spans = [
        (task["read_address"], task["read_address"] + task["read_bytes"])
        for task in shared.tasks
        if task["runs"] == 0
    ]
    end = (1 << 30) + shared.memory.weight_bytes
    assert all((1 << 30) <= first <= last <= end for first, last in spans)


def test_layer_that_shares_reads_at_the_address_of_its_owner(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    chat = {"model": str(tmp_path), "on": "cpu0", "prompt": 8, "tokens": 1}
    chat["kv_cache"] = {"rules": [{"share": {"layers": 4}}]}
    config = load({"system": SHARED_MEMORY, "workloads": {"chat": chat}})
    program, _, llm = llm_program("chat", config.workloads["chat"], config.system, 1, 0, 0)
    reads = {
        (phase.layer, phase.owner): int(task["read_address"])
        for phase, task in zip(llm.phases, program.tasks[whole(program.tasks)], strict=True)
        if phase.op == "attention"
    }
    dense = int(llm.plan.dram.dense[0])
    assert {where: reads[0, -1] + dense for where in reads if where[1] == 0} == {
        where: at for where, at in reads.items() if where[1] == 0
    }
    assert len([where for where in reads if where[1] == 0]) == LAYERS - 1


def test_summary_and_steps_tell_what_is_held(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    chat = {"model": str(tmp_path), "on": "cpu0", "prompt": 8, "tokens": 3, "batch": 2}
    result = simulator.run({"system": SYSTEM, "workloads": {"chat": chat}})
    row = 2 * LAYERS * HEADS * WIDTH * 2 * 2
    held = [
        kv for kv, op in zip(result.ops["kv_held_bytes"], result.ops["kind"], strict=True) if op == "head"
    ]
    assert held == [9 * row, 10 * row, 11 * row]
    assert result.summary["workloads"]["chat"]["dram_bytes"]["kv"] == 11 * row


WRONG = {
    "kv_cache.rules.0: 4 layers of 4 heads do not divide into groups of 3 layers and 1 heads": {
        "share": {"layers": 3}
    },
    "kv_cache.rules.0: number 4 of 4; write numbers from 0 to 3": {"layers": "2-4", "bits": 4},
    "kv_cache.rules.0: 'every 3 from 9' is none of 4; write more, or leave the rule out": {
        "layers": "every 3 from 9",
        "bits": 4,
    },
    "kv_cache.rules.0: '1 %' is none of 16; write more, or leave the rule out": {"heads": "1 %", "bits": 4},
    "kv_cache.rules.0: 2 owners for 4 layers; write one for each": {"owners": [0, 0]},
    "kv_cache.rules: keys of layer 0 are read from layer 1, which does not store its own; "
    "write an owner that does": {"owners": [1, 0, 2, 3]},
}


@pytest.mark.parametrize("message", WRONG)
def test_rule_that_cannot_be_is_told_in_one_line(tmp_path, message):
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    chat = {"model": str(tmp_path), "on": "cpu0", "kv_cache": {"rules": [WRONG[message]]}}
    with pytest.raises(ConfigError) as error:
        load({"system": SYSTEM, "workloads": {"chat": chat}})
    assert str(error.value) == f"workloads.chat: {message}"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"layers": "first"}, "no choice; write numbers such as"),
        ({"bits": "int5"}, "are no bits of a value; write a number such as 4.5"),
        ({"width": "0 %"}, "is no share; write more than 0 %"),
        ({"width": -5}, "-5 values of a token; write at least 1, or stored: false"),
        ({"bits": float("nan")}, "nan are no bits of a value"),
        ({"layers": "8-2", "bits": 4}, "'8-2' is no choice; write numbers such as"),
        ({"layers": "every 0", "bits": 4}, "'every 0' is no choice; write numbers such as"),
        ({"layers": 1}, "a rule without an effect; write one of bits, index_bits"),
        ({"share": {}, "owner": 1}, "share and owner; write one of them"),
    ],
)
def test_rule_that_says_nothing_sensible_is_refused(written, told):
    chat = {"model": "opt-125m", "on": "cpu0", "kv_cache": {"rules": [written]}}
    with pytest.raises(ConfigError, match=told):
        load({"system": SYSTEM, "workloads": {"chat": chat}})


def test_batches_and_spills_refuse_what_does_not_go_with_them():
    chat = {"model": "opt-6.7b", "on": "cpu0", "batch": 2, "offload": {"policy": "window"}}
    with pytest.raises(ConfigError, match=r"a batch of 2, and .* window works on one sequence"):
        load({"system": SYSTEM, "workloads": {"chat": chat}})
    chat = {"model": "opt-125m", "on": "cpu0"}
    chat["kv_cache"] = {"dram": "1 MiB", "rules": [{"keep": {"recent": 4}}]}
    with pytest.raises(ConfigError, match=r"puts the oldest tokens on flash, .* write one of them"):
        load({"system": SYSTEM, "workloads": {"chat": chat}})


@given(st.integers(1, 40), st.integers(1, 100))
def test_share_takes_numbers_evenly(count, percent):
    if count * percent < 100:
        with pytest.raises(ValueError, match=f"'{percent} %' is none of {count}"):
            choose(f"{percent} %", count)
        return
    found = choose(f"{percent} %", count)
    assert len(found) == count * percent // 100
    assert found == sorted(set(found))
    if len(found) > 1:
        gaps = np.diff(found)
        assert gaps.max() - gaps.min() <= 1
