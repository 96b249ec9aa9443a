"""A language model as steps: every phase once, in order, with the bytes that its passes have."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_helpers import ACTIVITY, TINY, whole

from simulator.config.model import load
from workloads.llm.kv import KvPlan
from workloads.llm.model import transformer
from workloads.llm.program import llm_program
from workloads.program import On

FLASH = {"preset": "m1_max_ssd", "sequential_chunk": "64 KiB", "sequential_depth": 3}
SHARED = {
    "backends": {"cpu0": {"preset": "m1_max_cpu"}},
    "flash": FLASH,
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
    "dram": {"standard": "LPDDR4-3200", "channels": 2},
}
OWN = {"backends": SHARED["backends"], "flash": FLASH}
BASE, FLASH_BASE = 1 << 30, 1 << 20


def read_by(tasks, index):
    """Return (address, bytes) of all that a task reads."""
    task = tasks[index]
    rows = tasks[index + 1 : index + 1 + task["runs"]] if task["runs"] else tasks[index : index + 1]
    return list(zip(rows["read_address"].tolist(), rows["read_bytes"].tolist(), strict=True))


@pytest.fixture
def programs(tmp_path):
    """Return a function: policy -> (program, what its steps are) on a shared memory, and on its own."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))

    def build(policy, **more):
        offload = {"policy": policy, "activity": ACTIVITY, "threads": 7}
        chat = {"model": str(path), "on": "cpu0", "prompt": 8, "tokens": 3, "offload": offload} | more
        found = []
        for system in (SHARED, OWN):
            config = load({"system": system, "workloads": {"chat": chat}})
            job = config.workloads["chat"]
            program, _, llm = llm_program("chat", job, config.system, 1, BASE, FLASH_BASE)
            found.append((program, llm))
        return found

    return build


@pytest.mark.parametrize("policy", ["resident", "naive", "window_bundled"])
def test_bytes_are_the_same_on_a_shared_memory_and_on_its_own(programs, policy):
    (shared, llm), (own, alone) = programs(policy)
    for program in (shared, own):
        moved = sum(int(batch.transfers["bytes"].sum()) for batch in program.batches)
        assert moved == sum(each.flash_bytes for each in llm.passes)
    assert shared.tasks["read_bytes"][whole(shared.tasks)].sum() == sum(
        each.dram_read_bytes for each in alone.passes
    )
    assert shared.tasks["write_bytes"].sum() == sum(each.dram_write_bytes for each in alone.passes)
    assert sum(own.spans_fs) == sum(phase.work.fs for phase in llm.phases)
    assert [each.tokens for each in llm.passes] == [0, 1, 1, 1]


@pytest.mark.parametrize("policy", ["resident", "naive"])
def test_keys_and_values_are_written_before_a_step_reads_them_and_not_over_weights(programs, policy):
    (program, llm), _ = programs(policy)
    tasks = [program.tasks[step["index"]] if step["on"] == On.CORE else None for step in program.steps]
    places, row = llm.plan.dram.own, 2 * 256 * 2  # bytes of a token's keys and values
    for layer in range(3):
        mine = [(p, t) for p, t in zip(llm.phases, tasks, strict=True) if p.layer == layer and t is not None]
        steps = [(p, t) for p, t in mine if p.op == "attention"]
        first = int(steps[0][1]["read_address"]) + places(0, layer)
        written = {
            int(t["write_address"] - first) // row + k
            for p, t in mine
            if p.op == "prefill"
            for k in range(int(t["write_bytes"]) // row)
        }
        assert written == set(range(8))
        for phase, task in steps:
            assert task["write_address"] == first + row * phase.token
            assert task["write_bytes"] == row
            written.add(phase.token)
            end = int(task["read_address"] + task["read_bytes"]) - first
            assert end <= row * (max(written) + 1)


def test_steps_are_the_phases_in_order_each_after_the_one_before(programs):
    for program, llm in programs("window_bundled"):
        assert len(program.steps) == len(llm.phases)
        for step, phase in zip(program.steps, llm.phases):
            assert (step["on"] == On.FLASH) == (phase.flash is not None)
        assert program.deps[program.steps["first_dep"][1:]].tolist() == list(range(len(program.steps) - 1))
        assert llm.phases[-1].op == "head"


def test_every_address_lies_behind_the_base_and_within_the_programs_memory(programs):
    program, _ = programs("window_bundled")[0]
    end = BASE + program.memory.weight_bytes
    transfers = np.concatenate([batch.transfers for batch in program.batches])
    assert transfers["dram_address"].min() >= BASE
    assert (transfers["dram_address"] + transfers["bytes"]).max() <= end
    assert transfers["address"].min() >= FLASH_BASE
    read = program.tasks[program.tasks["runs"] == 0]
    assert (read["read_address"] + read["read_bytes"]).max() <= end


def test_streams_are_read_as_the_device_says_and_records_as_the_job_says(programs):
    for policy, threads in (("naive", {3}), ("window_bundled", {3, 7})):
        program, _ = programs(policy)[0]
        assert {batch.threads for batch in program.batches} == threads
        assert all(batch.in_order == (batch.threads == 3) for batch in program.batches)
        assert max(int(batch.transfers["bytes"].max()) for batch in program.batches) <= 64 * 1024


def test_prompt_reads_weights_where_later_steps_read_them(programs):
    """Not from a buffer of all layers, which a cache could keep from one to the next."""
    (program, llm), _ = programs("resident")
    tasks = [int(step["index"]) for step in program.steps]
    head = program.tasks[tasks[-1]]
    for layer in range(3):
        mine = {p.op: i for p, i in zip(llm.phases, tasks, strict=True) if p.layer == layer}
        (attention, own), (ffn, neurons), (at, rest) = read_by(program.tasks, mine["prefill"])
        assert attention == program.tasks[mine["attention"]]["read_address"]
        assert (ffn, neurons) == read_by(program.tasks, mine["ffn"])[0]
        assert own == llm.plan.dram.own(0, layer)
        assert head["read_address"] <= at < at + rest <= head["read_address"] + head["read_bytes"]
    assert (whole(program.tasks)).sum() == len(program.steps)


RETRIEVE = {"rules": [{"read": 40, "index_bits": 16}], "block_tokens": 16}


def test_keys_and_values_that_a_step_retrieves_are_read_in_blocks_where_they_lie(programs):
    """Of 208 tokens 40: two blocks of 16 spread over all, others at each step, and the newest."""
    (program, llm), (_, alone) = programs("resident", prompt=208, tokens=4, kv_cache=RETRIEVE)
    row, places = 2 * 256 * 2, []
    for step, phase in zip(program.steps, llm.phases, strict=True):
        if phase.op != "attention" or phase.layer != 1:
            continue
        index, first = int(step["index"]), llm.plan.dram.own(0, 1)
        (at, before), *blocks, (newest, near) = read_by(program.tasks, index)
        kept = phase.token + 1
        assert before == first + 2 * 4 * (kept * 16 // 8)  # weights, and what is read to choose
        assert before + sum(size for _, size in blocks) + near == phase.work.read_bytes
        assert [size for _, size in blocks] == [16 * row] * 2
        assert newest + near == at + first + kept * row
        tokens = [(block - at - first) // row for block, _ in blocks]
        assert all(token % 16 == 0 for token in tokens)
        places.append(tuple(tokens))
    assert len(places) == 4
    assert len(set(places)) > 1
    assert program.tasks["read_bytes"][whole(program.tasks)].sum() == sum(
        each.dram_read_bytes for each in alone.passes
    )


@given(st.integers(1, 400), st.integers(1, 300), st.integers(1, 33), st.integers(0, 120))
def test_what_is_retrieved_are_so_many_tokens_of_the_window_each_once(context, read, block, window):
    shape = {**TINY, "num_hidden_layers": 1, "model_type": "mistral", "sliding_window": window or None}
    model, one = transformer("tiny", shape), np.array([1])
    plan = KvPlan(model, one, None, block, np.array([read]), one, 0)
    seen = min(context, window or context)
    spans = plan.retrieved(0, context)
    assert (spans is None) == (read >= seen)
    if spans is not None:
        tokens = [first + k for first, many in spans.tolist() for k in range(many)]
        assert len(tokens) == len(set(tokens)) == read
        assert context - seen <= min(tokens)
        assert max(tokens) < context
        assert (spans[:, 1] > 0).all()
