"""A backend's host as a tier: what lies there, what crosses the link, what is retrieved of it."""

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

CELL = 2 * 4 * 64 * 2  # bytes of a token in one layer
LINK = 10**9
HOST = {"preset": "m1_max_cpu", "host": "1 GB", "link": "1 GB/s"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny")
    (path / "config.json").write_text(json.dumps(TINY))
    return str(path)


def run(folder, system=None, **job):
    system = system or {"backends": {"cpu0": HOST}}
    chat = {"model": folder, "on": "cpu0", "prompt": 20, "tokens": 3, **job}
    return simulator.run({"system": system, "workloads": {"chat": chat}})


def test_streamed_weights_come_over_the_link_in_the_time_of_their_bytes(folder):
    told = run(folder, offload={"policy": "naive", "home": "host"}).summary["workloads"]["chat"]
    flash = run(folder, SYSTEM, offload={"policy": "naive"}).summary["workloads"]["chat"]
    assert told["host"]["read_bytes_per_token"] == flash["flash_bytes_per_token"]
    assert told["per_token"]["io_s"] == pytest.approx(told["host"]["read_bytes_per_token"] / LINK, rel=1e-9)
    assert told["flash_bytes_per_token"] == 0
    assert told["per_token"]["compute_s"] == pytest.approx(flash["per_token"]["compute_s"])


def test_keys_and_values_of_the_host_are_those_of_flash(folder):
    cache = {"dram": f"{3 * 8 * CELL} B", "block": 4}
    on_flash = {"backends": SYSTEM["backends"], "flash": FLASH | {"writable": True}}
    told = run(folder, kv_cache=cache | {"home": "host"}).summary["workloads"]["chat"]
    flash = run(folder, on_flash, kv_cache=cache).summary["workloads"]["chat"]
    assert told["kv_cache"]["host_write_bytes"] == flash["kv_cache"]["flash_write_bytes"] > 0
    assert told["kv_cache"]["host_bytes"] == flash["kv_cache"]["flash_bytes"]
    assert told["host"]["read_bytes_per_token"] == flash["flash_bytes_per_token"]
    assert told["read_bytes"] == flash["read_bytes"]


@settings(max_examples=60)
@given(st.integers(0, 30), st.integers(1, 7), st.integers(1, 60), st.integers(1, 8), st.integers(1, 40))
def test_retrieved_blocks_are_as_many_as_a_step_asks_for_and_were_written(
    folder, room, block, prompt, tokens, read
):
    cache = {"dram": f"{3 * room * CELL} B", "block": block, "home": "host", "rules": [{"read": read}]}
    job = {"model": folder, "on": "cpu0", "prompt": prompt, "tokens": tokens, "kv_cache": cache}
    plan = make_plan(LlmJob.model_validate(job))
    kv, written = kv_plan(plan), set()
    for number, each in enumerate(LlmRun(plan, Roofline.model_validate(HOST), 1).passes()):
        moved = [phase.flash for phase in each.phases if phase.flash is not None]
        for transfers in moved:
            spans = zip(transfers.addresses.tolist(), transfers.sizes.tolist(), strict=True)
            touched = [at for start, size in spans for at in range(start, start + size, CELL)]
            assert len(set(touched)) == len(touched)
            if transfers.write:
                written |= set(touched)
            else:
                assert set(touched) <= written
        if number:
            context = prompt + number
            on_host = kv.on_flash(0, context)
            near = context - on_host.end * block
            wanted = min(-(-max(read - near, 0) // block), on_host.end - on_host.first)
            assert each.host_bytes == 3 * wanted * block * CELL
        assert each.kv_dram_bytes <= 3 * room * CELL


def test_retrieval_from_flash_is_read_block_by_block(folder):
    cache = {"dram": f"{3 * 4 * CELL} B", "block": 4, "rules": [{"read": 12}]}
    system = {"backends": SYSTEM["backends"], "flash": FLASH | {"writable": True}}
    result = run(folder, system, prompt=60, tokens=1, kv_cache=cache)
    reads = [
        n for n, kind in zip(result.ops["read_bytes"], result.ops["kind"], strict=True) if kind == "read_kv"
    ]
    assert reads == [3 * 4 * CELL] * 3  # 1 token near, 11 of the 12 wanted in three blocks, of each layer


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ({"preset": "m1_max_cpu"}, "host, and cpu0 has none; write system.backends.cpu0.host, such as 64 GB"),
        (
            HOST | {"host": "1 MB"},
            "of weights and 0.00 GB of keys and values there; the host of cpu0 has 0.00 GB",
        ),
    ],
)
def test_host_that_cannot_hold_it_is_told_in_one_line(folder, backend, told):
    with pytest.raises(ConfigError) as error:
        run(folder, {"backends": {"cpu0": backend}}, offload={"policy": "naive", "home": "host"})
    assert str(error.value).startswith("workloads.chat.offload.home: ")
    assert told in str(error.value)


def test_backend_in_the_systems_memory_has_no_host(folder):
    system = {
        "backends": {"cpu0": HOST},
        "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
        "dram": {"standard": "LPDDR4-3200", "channels": 2},
    }
    with pytest.raises(ConfigError, match="cpu0 works in the system's memory; write flash, or memory: own"):
        run(folder, system, offload={"policy": "naive", "home": "host"})
