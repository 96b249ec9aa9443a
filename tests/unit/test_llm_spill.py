"""Keys and values that do not fit DRAM: written to flash once, before they are read; DRAM is never exceeded."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_helpers import FLASH, SYSTEM, TINY

import simulator
from hw_models.errors import ConfigError
from hw_models.roofline.params import Roofline
from workloads.llm.kv import kv_plan
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun

WINDOWS = {"sliding_window": 9, "layer_types": ["sliding_attention", "full_attention", "full_attention"]}
SHARED = [{"layers": 2, "owner": 1}]
CELL = 2 * 4 * 64 * 2  # bytes of a token in one layer
RULES = st.sampled_from([[], SHARED, [{"layers": 1, "bits": "int8"}]])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the folders of a model without windows, and with."""
    found = []
    for name, more in (("full", {}), ("windows", WINDOWS)):
        folder = tmp_path_factory.mktemp(name)
        (folder / "config.json").write_text(json.dumps(TINY | more))
        found.append(str(folder))
    return found


@settings(max_examples=60)
@given(st.booleans(), st.integers(0, 60), st.integers(1, 7), st.integers(1, 30), st.integers(1, 12),
       st.integers(1, 3), RULES)  # fmt: skip
def test_every_block_is_written_once_before_it_is_read_and_dram_is_never_exceeded(
    folders, windowed, room, block, prompt, tokens, batch, rules
):
    cache = {"dram": f"{room * CELL} B", "block": block, "rules": rules}
    job = {"model": folders[windowed], "on": "cpu0", "prompt": prompt, "tokens": tokens}
    plan = make_plan(LlmJob.model_validate(job | {"batch": batch, "kv_cache": cache}))
    kv = kv_plan(plan)
    written = set()
    for number, each in enumerate(
        LlmRun(plan, Roofline.model_validate({"preset": "m1_max_cpu"}), 1).passes()
    ):
        for phase in each.phases:
            if phase.flash is None:
                continue
            (start,), (size,) = phase.flash.addresses.tolist(), phase.flash.sizes.tolist()
            assert plan.end_at <= start <= start + size <= kv.end_at
            touched = set(range(start, start + size, CELL // 64))
            if phase.flash.write:
                assert not touched & written
                written |= touched
            else:
                assert touched <= written
        assert each.kv_dram_bytes <= max(room * CELL, 0)
        seen = sum(plan.model.seen(layer, prompt + number) * int(kv.token_bytes[layer]) for layer in range(3))
        assert each.kv_dram_bytes + each.kv_flash_bytes >= seen


def test_what_is_read_back_lies_where_its_owner_put_it(folders):
    job = {"model": folders[0], "on": "cpu0", "prompt": 20, "tokens": 2}
    cache = {"dram": f"{10 * CELL} B", "block": 5, "rules": SHARED}
    plan = make_plan(LlmJob.model_validate(job | {"kv_cache": cache}))
    token = LlmRun(plan, Roofline.model_validate({"preset": "m1_max_cpu"}), 1).passes()[2]
    reads = [p for p in token.phases if p.flash is not None and not p.flash.write]
    assert [(p.layer, p.owner) for p in reads] == [(0, 0), (1, 1), (2, 1)]
    assert reads[1].flash.addresses[0] == reads[2].flash.addresses[0] != reads[0].flash.addresses[0]


def test_device_that_can_only_be_read_takes_no_keys_and_values(folders):
    cache = {"dram": f"{10 * CELL} B"}
    chat = {"model": folders[0], "on": "cpu0", "prompt": 20, "tokens": 2, "kv_cache": cache}
    with pytest.raises(ConfigError) as error:
        simulator.run({"system": SYSTEM, "workloads": {"chat": chat}})
    assert str(error.value).startswith("system.flash.writable: ")
    assert str(error.value).endswith("the device can only be read; write writable: true")


@pytest.mark.parametrize("shared", [False, True])
def test_run_writes_and_reads_on_the_device_what_its_steps_say(folders, shared):
    chat = {"model": folders[0], "on": "cpu0", "prompt": 40, "tokens": 4}
    chat["kv_cache"] = {"dram": f"{10 * CELL} B", "block": 4}
    system = {"backends": SYSTEM["backends"], "flash": FLASH | {"writable": True}}
    if shared:
        system["interconnect"] = {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"}
        system["dram"] = {"standard": "LPDDR4-3200", "channels": 2}
    result = simulator.run({"system": system, "workloads": {"chat": chat}})
    told, flash = result.summary["workloads"]["chat"]["kv_cache"], result.summary["flash"]
    assert flash["write_bytes"] == told["flash_write_bytes"] == told["flash_bytes"] > 0
    ops = result.ops
    for way in ("read", "write"):
        moved = [n for n, unit in zip(ops[f"{way}_bytes"], ops["unit"], strict=True) if unit == "flash"]
        assert sum(moved) == flash[f"{way}_bytes"]
    writes = [end for end, kind in zip(ops["end_s"], ops["kind"], strict=True) if kind == "write_kv"]
    assert writes
    assert all(b >= a for a, b in zip(ops["end_s"], ops["start_s"][1:], strict=False))
