"""A language model as steps: every phase once, in order, with the bytes that its passes have."""

import json

import numpy as np
import pytest
from llm_helpers import ACTIVITY, TINY

from simulator.config.model import load
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


@pytest.fixture
def programs(tmp_path):
    """Return a function: policy -> (program, what its steps are) on a shared memory, and on its own."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))

    def build(policy):
        offload = {"policy": policy, "activity": ACTIVITY, "threads": 7}
        chat = {"model": str(path), "on": "cpu0", "prompt": 8, "tokens": 3, "offload": offload}
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
    assert shared.tasks["read_bytes"].sum() == sum(each.dram_read_bytes for each in alone.passes)
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
    assert (program.tasks["read_address"] + program.tasks["read_bytes"]).max() <= end


def test_streams_are_read_as_the_device_says_and_records_as_the_job_says(programs):
    for policy, threads in (("naive", {3}), ("window_bundled", {3, 7})):
        program, _ = programs(policy)[0]
        assert {batch.threads for batch in program.batches} == threads
        assert all(batch.in_order == (batch.threads == 3) for batch in program.batches)
        assert max(int(batch.transfers["bytes"].max()) for batch in program.batches) <= 64 * 1024
