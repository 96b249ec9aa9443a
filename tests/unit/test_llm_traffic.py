"""Tokens as traffic: the same bytes as the run that times them."""

import json

import numpy as np
import pytest
from llm_helpers import ACTIVITY, TINY

from hw_models.flash.params import Flash
from hw_models.roofline.params import Roofline
from workloads.llm.flash import FlashDevice
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun
from workloads.llm.traffic import TrafficSource

MACHINE = Roofline.model_validate({"preset": "m1_max_cpu"})
FLASH = Flash.model_validate({"preset": "m1_max_ssd", "sequential_chunk": "64 KiB", "sequential_depth": 3})


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    offload = {"policy": "window_bundled", "activity": ACTIVITY}
    return make_plan(LlmJob.model_validate({"model": str(path), "on": "cpu0", "offload": offload}))


def test_traffic_is_what_the_timed_run_moves(plan):
    source = TrafficSource(plan, MACHINE, 1, flash=FLASH, clock_hz=10**9, base=1 << 30)
    run = LlmRun(plan, MACHINE, FlashDevice(Flash.model_validate({"preset": "m1_max_ssd"}), 32), 1)
    for k in range(4):
        traffic, timed = (source.next_token(), run.decode(1)) if k else (source.prompt(), run.prefill())
        assert traffic.reads["bytes"].sum() == timed.flash_bytes
        assert traffic.tasks["read_bytes"].sum() == timed.dram_read_bytes
        assert traffic.tasks["write_bytes"].sum() == timed.dram_write_bytes
        assert traffic.tokens == timed.tokens == min(k, 1)


def test_phases_take_every_read_and_every_task_once_in_order(plan):
    source = TrafficSource(plan, MACHINE, 1, flash=FLASH, clock_hz=10**9, base=0)
    source.prompt()
    traffic = source.next_token()
    tasks = traffic.phases["task"][traffic.phases["task"] >= 0]
    assert tasks.tolist() == list(range(len(traffic.tasks)))
    assert not (traffic.phases["reads"][traffic.phases["task"] >= 0]).any()
    ends = np.cumsum(traffic.phases["reads"])
    assert traffic.phases["first_read"][1:].tolist() == ends[:-1].tolist()
    assert ends[-1] == len(traffic.reads)
    assert traffic.phases["layer"][-1] == -1


def test_every_address_lies_behind_the_base_and_before_the_end(plan):
    source = TrafficSource(plan, MACHINE, 1, flash=FLASH, clock_hz=10**9, base=1 << 20)
    for k in range(4):
        traffic = source.next_token() if k else source.prompt()
        ends = traffic.reads["dram_address"] + traffic.reads["bytes"]
        assert traffic.reads["dram_address"].min(initial=1 << 20) >= 1 << 20
        assert ends.max(initial=0) <= source.end_address
        assert (traffic.tasks["read_address"] + traffic.tasks["read_bytes"]).max() <= source.end_address


def test_streams_are_read_as_the_device_says_and_records_as_the_job_says(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    threads = {}
    for policy in ("naive", "window_bundled"):
        offload = {"policy": policy, "threads": 7, "activity": ACTIVITY}
        job = LlmJob.model_validate({"model": str(path), "on": "cpu0", "offload": offload})
        source = TrafficSource(make_plan(job), MACHINE, 1, flash=FLASH, clock_hz=10**9, base=0)
        assert set(source.prompt().phases["threads"].tolist()) == {0, 3}
        traffic = source.next_token()
        reading = traffic.phases[traffic.phases["reads"] > 0]
        threads[policy] = set(reading["threads"].tolist())
        assert traffic.reads["bytes"].max() <= 64 * 1024
    assert threads == {"naive": {3}, "window_bundled": {7}}
