"""Sweeps on GPUs, without one: layouts, PTX, and the launches on a stand-in that is a CPU."""

import ctypes
import re

import llvmlite.binding as ll
import numba
import numpy as np
import pytest
from cuda_host import Host

import simulator
from hw_models.dram import reference_runs as references
from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from hw_models.dram.standalone import TRACE, drive
from hw_models.dram.state import CHANNEL
from hw_models.errors import ConfigError
from simulator.cuda import driver, points
from simulator.cuda.compile import _DIVIDED, _DIVISION, _QUOTIENTS, ptx_of
from simulator.cuda.dram import Memories, Memory, bytes_of, prepare, server
from simulator.cuda.dram_layout import INSIDE, LAYOUT
from simulator.cuda.layout import pack, packed, unpack

compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="there is nothing to compile")
FR_FCFS = Dram(standard="DDR4-2400")
OTHERS = {
    "channels": 2,
    "scheduler": "bliss",
    "page": "adaptive",
    "refresh": "per_bank",
    "standard": "LPDDR4-3200",
}


def trace(name="poisson8", requests=150):
    rows = np.zeros(requests, TRACE)
    rows["address"], rows["write"], rows["cycle"] = (column[:requests] for column in references.trace(name))
    return rows


@pytest.fixture(scope="module")
def memories():
    """Return two kinds of controllers, the one of them with two timings, and two traces."""
    slow = FR_FCFS.model_copy(update={"timing": {"CL": 20}})
    traces = trace(), trace("rand_rw21")
    return [Memory(dram, rows) for dram in (FR_FCFS, Dram(**OTHERS), slow) for rows in traces]


@pytest.fixture(scope="module")
def host():
    return Memories(Host())


def differences(memory, ended):
    """Yield what is not as `drive` has it on the CPU."""
    states = build_channels(memory.dram)
    accepted, done, _ = drive(memory.dram, states, memory.requests)
    yield from (
        name
        for name, a, b in (("accepted", ended.accepted, accepted), ("done", ended.done, done))
        if (a != b).any()
    )
    for name in CHANNEL.names:
        if name not in INSIDE and ended.states[name].tobytes() != states[name].tobytes():
            yield name


def test_a_layout_keeps_small_fields_first_and_says_what_does_not_fit():
    kind = np.dtype([("many", np.int64, (40,)), ("flag", np.int64), ("time", np.int64), ("gone", np.int64)])
    layout = packed(kind, {"many": 16, "flag": 8}, ["gone"])
    places = {name: layout.fields[name][1] for name in layout.names}
    assert (places, layout.itemsize) == ({"time": 0, "flag": 8, "many": 10}, 96)
    rows = np.zeros(2, kind)
    rows["many"], rows["flag"], rows["time"] = -3, [1, -128], 2**62
    kept = pack(rows, layout)
    assert (unpack(kept, kind) == rows).all()
    rows["flag"] = 128
    with pytest.raises(OverflowError, match="flag does not fit int8"):
        pack(rows, layout)
    with pytest.raises(TypeError, match="is no integer"):
        packed(np.dtype([("share", np.float32)]))


def test_a_layout_keeps_hot_fields_before_all_others_and_records_within_sectors():
    inner = np.dtype([("cold", np.int64, (9,)), ("hot", np.int64)])
    kind = np.dtype([("few", np.int64), ("inner", inner, (3,)), ("hot", np.int64), ("pair", np.int64, (2,))])
    layout = packed(kind, hot={"hot", "pair", "inner"})
    places = {name: layout.fields[name][1] for name in layout.names}
    assert places == {"hot": 0, "pair": 8, "inner": 32, "few": 320}
    assert (layout["inner"].base.fields["hot"][1], layout["inner"].base.itemsize) == (0, 96)


def test_states_of_channels_fit_their_layout():
    states = build_channels(Dram(**OTHERS))
    assert all((unpack(pack(states, LAYOUT), CHANNEL)[name] == states[name]).all() for name in LAYOUT.names)


@compiled
def test_every_time_and_counter_is_as_on_the_cpu(memories, host):
    ended = dict(host.run(memories))
    assert sorted(ended) == list(range(len(memories)))
    assert [list(differences(memory, ended[k])) for k, memory in enumerate(memories)] == [[]] * len(memories)


@compiled
def test_more_points_than_fit_run_in_waves(memories, host):
    few = [memory for memory in memories if memory.dram.channels == 1]
    room = 3 * max(map(bytes_of, few)) + 2 * few[0].requests.nbytes
    host.device._room, before = room, host.device._room
    try:
        waves = list(host.waves(few))
        ended = dict(host.run(few))
        assert len(waves) == 2
        assert not any(any(differences(few[k], end)) for k, end in ended.items())
        host.device._room = bytes_of(few[0])
        with pytest.raises(ConfigError, match=r"^--device: a point takes \d+ B of memory, this CPU has"):
            list(host.waves(few))
    finally:
        host.device._room = before


def test_memories_of_a_kind_stand_side_by_side(memories):
    order = [k for wave in Memories.waves(type("", (), {"device": Host()})(), memories) for k in wave]
    wave = prepare([memories[k] for k in order])
    assert [channels for _, channels in wave.kinds] == [range(4), range(4, 8)] or [
        channels for _, channels in wave.kinds
    ] == [range(4), range(4, 8)][::-1]
    assert wave.jobs["mates_end"].max() == wave.jobs.size == 8
    assert wave.traces.size < sum(memory.requests.size for memory in memories)


@compiled
def test_the_kernels_become_ptx(memories):
    (known, _), *_ = prepare(memories[:1]).kinds
    ptx = ptx_of((server(known),), "sm_80")
    assert ".target sm_80" in ptx
    assert ".visible .entry serve(" in ptx
    assert ".extern" not in ptx  # nothing is left that only a CPU has
    assert not re.search(r"\b(max|min)\.[su](8|16)", ptx)  # ptxas makes wrong machine code of them


@compiled
def test_the_search_for_a_first_bank_stands_once_in_a_kernel(memories):
    (known, _), *_ = prepare(memories[:1]).kinds
    assert re.search(r"(?m)^\.func \S*find_first", ptx_of((server(known),), "sm_80"))


def test_a_kind_is_compiled_for_what_its_memories_agree_in(memories):
    slow = Memory(FR_FCFS.model_copy(update={"timing": {"tRP": 30}}), memories[0].requests)
    (values,) = prepare([memories[0], slow]).values.values()
    (alone,) = prepare(memories[:1]).values.values()
    assert {name for name, _ in set(alone) - set(values)} == {"TIMING.rp", "TIMING.rp_all"}
    assert dict(values)["CHANNEL.burst_bytes"] == 64


@pytest.fixture
def sweep_file(tmp_path):
    lines = [
        f"{address:#x} {'WRITE' if write else 'READ'} {cycle}" for address, write, cycle in trace(requests=60)
    ]
    (tmp_path / "some.trace").write_text("\n".join(lines) + "\n")
    (tmp_path / "base.yaml").write_text("system: {dram: {standard: DDR4-2400}}\n")
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "base: base.yaml\ntrace: some.trace\n"
        "axes:\n  system.dram.read_queue: [2, 32]\n  system.dram.channels: [1, 2]\n"
        "objectives: {read_latency_cycles.p99: minimize}\nmetrics: [dram.*.activates, trace.cycles]\n"
    )
    return file


@compiled
def test_a_sweep_of_a_memory_is_the_same_on_all_devices(sweep_file, tmp_path, monkeypatch):
    simulator.sweep(sweep_file, out=tmp_path / "cpu")
    monkeypatch.setattr(points, "count_gpus", lambda: 2)
    monkeypatch.setattr(points, "Gpu", lambda number: Host())
    outcome = simulator.sweep(sweep_file, out=tmp_path / "cuda", device="cuda")
    table = (tmp_path / "cpu" / "results.csv").read_text()
    assert (tmp_path / "cuda" / "results.csv").read_text() == table
    assert len(table.splitlines()) == 5
    assert outcome.device.startswith("4 points on 2 x this CPU: ")


def told(sweep_file, **keys):
    with pytest.raises(ConfigError) as error:
        simulator.sweep(sweep_file, **keys)
    return str(error.value)


@compiled
def test_what_cannot_run_on_a_gpu_is_said_in_a_line(sweep_file, monkeypatch):
    monkeypatch.setattr(
        driver, "driver", lambda: (_ for _ in ()).throw(ConfigError(driver.EXTRA, key="--device"))
    )
    assert (
        told(sweep_file, device="cuda")
        == "--device: cuda-bindings is not installed; pip install 'dlasim[cuda]'"
    )
    assert told(sweep_file, device="gpu").startswith("--device: 'gpu' is not known; ")
    assert told(sweep_file, device="cuda", point_timeout_s=1.0).startswith(
        "--point-timeout: goes with points on the CPU"
    )
    monkeypatch.setattr(points, "LINKED", False)
    assert told(sweep_file, device="cuda").startswith("--device: needs numba 0.68 and its compiler; found ")
    monkeypatch.setattr(points, "LINKED", True)
    sweep_file.write_text(sweep_file.read_text().replace("some.trace", "none.trace"))
    assert told(sweep_file).endswith(
        "sweep.yaml:2: trace: 'none.trace' is no file; write the path of a trace"
    )


@pytest.fixture(scope="module")
def quotients():
    """Return the GPU's divisions as functions of Python's."""
    ll.initialize_native_target()
    ll.initialize_native_asmprinter()
    module = ll.parse_assembly(_QUOTIENTS.replace("internal ", ""))
    engine = ll.create_mcjit_compiler(module, ll.Target.from_default_triple().create_target_machine())
    engine.finalize_object()
    kinds = {"u": ctypes.c_uint64, "s": ctypes.c_int64}
    yield {
        sign + what: ctypes.CFUNCTYPE(kind, kind, kind)(engine.get_function_address(f"dlasim.{sign}{what}"))
        for sign, kind in kinds.items()
        for what in ("div", "rem")
    }
    engine.close()


def test_a_division_by_way_of_doubles_is_that_of_integers(quotients):
    others = (1, 2, 3, 7, 10**6, 1_250_000, 2**31 - 1, 2**32 + 1, 2**51 - 1, 2**52 - 1, 2**52 + 1)
    for other in others:
        for whole in (0, 1, 2, 3, 10**9 + 7, 2**40 - 1, (2**52 - 1) // other, (2**62 - 1) // other):
            for one in (whole * other - 1, whole * other, whole * other + 1):
                if 0 <= one < 2**63:
                    right = divmod(one, other)
                    assert (quotients["udiv"](one, other), quotients["urem"](one, other)) == right
                    assert (quotients["sdiv"](one, other), quotients["srem"](one, other)) == right
    assert (quotients["sdiv"](-7, 2), quotients["srem"](-7, 2)) == (-3, -1)


def test_only_divisions_by_what_is_not_known_are_replaced():
    known = "  %a = udiv i64 %b, 8"
    assert _DIVISION.sub(_DIVIDED, known) == known
    found = _DIVISION.sub(_DIVIDED, '  %a = srem i64 100, %".5"')
    assert found == '  %a = call i64 @dlasim.srem(i64 100, i64 %".5")'
