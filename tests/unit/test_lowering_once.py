"""Networks and programs are made once in a process, and nobody sees what another does to them."""

from collections import OrderedDict

import numpy as np
import pytest

from workloads import load_network, lower
from workloads.lowering import job as lowering
from workloads.lowering import once
from workloads.lowering.homes import Home, Homes
from workloads.lowering.storage import add_storage
from workloads.params import NetworkJob, NetworkStorage

CONV = {"conv": {"input": [8, 6, 6], "kernels": 16, "kernel": 1}}
CFG = (
    "[net]\nwidth=8\nheight=8\nchannels=8\n\n[convolutional]\nfilters={}\nsize=1\nstride=1\nactivation=relu\n"
)


def job(**fields):
    return NetworkJob.model_validate({"on": "nvdla0", "layers": [CONV]} | fields)


@pytest.fixture
def made(monkeypatch):
    """Count what is lowered."""
    count = []
    plain = lowering.lower_network

    def counted(*arguments):
        count.append(arguments)
        return plain(*arguments)

    monkeypatch.setattr(lowering, "lower_network", counted)
    monkeypatch.setattr(once, "_programs", OrderedDict())
    return count


def test_what_a_job_says_of_its_frames_lowers_nothing_anew(made):
    lower(job(), "nv_small")
    lower(job(frames=3, period="2 ms", deadline="1 ms"), "nv_small")
    assert len(made) == 1
    lower(job(), "nv_small_256")
    lower(job(planner="separate"), "nv_small")
    lower(job(), "nv_small", 1 << 32)
    lower(job(layers=[CONV, CONV]), "nv_small")
    assert len(made) == 5


def test_whoever_changes_a_program_changes_its_own(made):
    storage = NetworkStorage.model_validate({"weights": "flash", "record": "4 KiB"})
    first = lower(job(core_work=2.0), "nv_small")
    assert add_storage(first, storage, 0, 0) > 0
    first.ops["src"] += 1
    second, third = lower(job(), "nv_small"), lower(job(), "nv_small")
    assert len(made) == 1
    assert len(second.steps) < len(first.steps)
    assert second.batches == []
    assert second.memory.span_bytes < first.memory.span_bytes
    assert np.array_equal(second.ops, third.ops)
    assert not np.array_equal(first.ops, second.ops)


@pytest.mark.parametrize("one", [False, True])
def test_a_program_with_memories_of_its_own_leaves_of_them_what_the_first_left(made, one):
    def homes(size):
        weights = Home("sram", 1 << 40, size)
        return Homes(weights, weights if one else Home("cvsram", 1 << 41, size))

    first, second, other = homes(4096), homes(4096), homes(64)
    programs = [lower(job(), "nv_small", homes=each) for each in (first, second, other)]
    assert len(made) == 2
    assert first == second
    assert second.placed["sram"]["weight_bytes"] > 0
    assert second.weights.bytes < 4096
    assert (second.weights is second.features) == one
    assert np.array_equal(programs[0].ops, programs[1].ops)
    assert not np.array_equal(programs[1].ops, programs[2].ops)
    second.placed["sram"]["weight_bytes"] = 0
    again = homes(4096)
    lower(job(), "nv_small", homes=again)
    assert again == first


def test_a_network_s_file_is_read_again_when_it_has_changed(tmp_path):
    file = tmp_path / "net.cfg"
    kernels = []
    for count in (16, 128):
        file.write_text(CFG.format(count))
        network = load_network(job(layers=None, network=str(file)))
        network.tensors.clear()
        kernels.append(load_network(job(layers=None, network=str(file))).nodes[0].kernels)
    assert kernels == [16, 128]
