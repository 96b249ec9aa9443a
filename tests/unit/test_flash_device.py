"""Times of single mechanisms of the flash device, each worked out by hand from its parameters."""

import numpy as np
import pytest

from hw_models.flash.build import build
from hw_models.flash.names import PartialWrites
from hw_models.flash.params import Flash
from hw_models.flash.standalone import replay

FOREVER = 2**62
KIB = 1024
COMMAND = 290_000  # 20 + 6 x 25 + 100 + 20 ns
PLANE = 650_000  # 6 x 25 + 500 ns for a second plane
READ = 75_000_000
BYTE = 3_000  # 333 MT/s
FETCH = 7_500 + 8_000 + 23_000  # doorbell of 30 B, request of 32 B, command of 92 B at 250 ps a byte
COMPLETION = 11_000


def link(size):
    """Payload in packets of 128 B with 28 B each, at 250 ps a byte."""
    return (size + -(-size // 128) * 28) * 250


def device(**changes):
    """MQSim's device with an ideal map and data already in place."""
    fields = {
        "preset": "mqsim_default",
        "mapping": "resident",
        "preload": "100 %",
        "unwritten": "zeros",
        "blocks": 64,
    }
    return Flash(**{**fields, **changes})


def run(params, requests, states_memory=None):
    """Replay (arrival ps, page, bytes, write); return (done, state)."""
    states, memory = states_memory or build(params)
    table = np.array(requests, np.int64)
    columns = [table[:, 0], table[:, 1] * params.page_bytes, table[:, 2], table[:, 3]]
    accepted, done, version = (np.zeros(len(table), np.int64) for _ in range(3))
    replay(states[0], memory, *map(np.ascontiguousarray, columns), FOREVER, accepted, done, version)
    assert states[0]["violations"] == 0
    return done.tolist(), states[0]


def test_a_read_takes_fetch_command_array_bus_link_and_completion():
    done, _ = run(device(), [(0, 0, 8 * KIB, 0)])
    assert done == [FETCH + COMMAND + READ + 8192 * BYTE + link(8192) + COMPLETION]


def test_a_part_of_a_page_crosses_the_bus_alone():
    done, _ = run(device(), [(0, 0, 4 * KIB, 0)])
    assert done == [FETCH + COMMAND + READ + 4096 * BYTE + link(4096) + COMPLETION]


def test_two_planes_of_a_die_read_together():
    params = device(channels=1, chips=1, dies=1)
    done, state = run(params, [(0, 0, 16 * KIB, 0)])
    assert state["multiplane_reads"] == 1
    assert done == [FETCH + COMMAND + PLANE + READ + 2 * 8192 * BYTE + link(16384) + COMPLETION]


def test_planes_do_not_read_together_on_different_pages():
    params = device(channels=1, chips=1, dies=1)
    states, memory = build(params)
    done, state = run(params, [(0, 0, 8 * KIB, 0), (0, 3, 8 * KIB, 0)], (states, memory))
    assert state["multiplane_reads"] == 0
    assert done[1] - done[0] > READ


def test_a_shared_chip_runs_one_die_at_a_time_and_independent_dies_overlap():
    request = [(0, 0, 16 * KIB, 0)]
    one = {"channels": 1, "chips": 1, "planes": 1}
    shared, _ = run(device(**one), request)
    independent, _ = run(device(**one, independent_dies=True), request)
    rest = link(16384) + COMPLETION
    page = 8192 * BYTE
    assert shared == [FETCH + 2 * (COMMAND + READ + page) + rest]
    assert independent == [FETCH + COMMAND + READ + 2 * page + rest]


def test_cache_read_hides_the_array_behind_the_bus():
    one = {"channels": 1, "chips": 1, "dies": 1, "planes": 1, "bus_rate": "50 MB/s", "independent_dies": True}
    request = [(0, 0, 32 * KIB, 0)]
    plain, _ = run(device(**one), request)
    cached, _ = run(device(**one, cache_read=True), request)
    page = 8192 * 20_000  # longer than the array's 75 us
    rest = link(32768) + COMPLETION
    assert plain == [FETCH + 4 * (COMMAND + READ + page) + rest]
    # each next command goes out before the data that hides it; the last page has none to wait for
    assert cached == [FETCH + COMMAND + READ + 4 * page + 3 * COMMAND + rest]


def test_forwarding_page_by_page_overlaps_link_and_channel():
    request = [(0, 0, 64 * KIB, 0)]
    whole, _ = run(device(), request)
    pages, _ = run(device(forward="page"), request)
    assert whole == [FETCH + COMMAND + READ + 8192 * BYTE + link(65536) + COMPLETION]
    assert pages == [FETCH + COMMAND + READ + 8192 * BYTE + 8 * link(8192) + COMPLETION]


def test_a_missing_map_entry_costs_one_more_read_and_a_second_request_finds_it():
    params = device(mapping="cached")
    done, state = run(params, [(0, 0, 8 * KIB, 0), (10**9, 0, 8 * KIB, 0)])
    ideal = FETCH + COMMAND + READ + 8192 * BYTE + link(8192) + COMPLETION
    assert done == [ideal + COMMAND + READ + 512 * BYTE, 10**9 + ideal]
    assert (state["map_reads"], state["map_misses"], state["map_hits"]) == (1, 1, 1)


@pytest.mark.parametrize(("entries", "hits"), [(0, 0), (1, 1), (2, 2)])
def test_an_entry_that_finds_all_others_awaited_is_used_once(entries, hits):
    params = device(mapping="cached", map_cache=f"{8 * entries} B")
    far = params.logical_pages - 1
    both = [(0, 0, 8 * KIB, 0), (0, far, 8 * KIB, 0)]
    done, state = run(params, [*both, (10**9, 0, 8 * KIB, 0), (2 * 10**9, far, 8 * KIB, 0)])
    assert (state["map_hits"], state["map_misses"]) == (hits, 4 - hits)
    assert done[2] - 10**9 < done[0] if entries else done[2] - 10**9 == done[0]


def test_mapping_reads_go_before_host_reads():
    """A host read and a mapping read wait for the same die: the mapping read is served first."""
    params = device(mapping="cached", channels=1, chips=1, dies=1, planes=1, map_cache="4 KiB")
    states, memory = build(params)
    run(params, [(0, 0, 8 * KIB, 0), (10**9, 1, 8 * KIB, 0)], (states, memory))
    far = params.logical_pages - 1
    done, _ = run(
        params,
        [(2 * 10**9, 0, 8 * KIB, 0), (2 * 10**9 + 10, 1, 8 * KIB, 0), (2 * 10**9 + 20, far, 512, 0)],
        (states, memory),
    )
    assert done[0] < done[2] < done[1] + READ  # page 1 waits for the mapping read, the far page for both


def test_a_read_of_what_nobody_wrote_costs_no_flash_time():
    done, state = run(device(preload="0 %", writable=True), [(0, 0, 8 * KIB, 0)])
    assert done == [FETCH + link(8192) + COMPLETION]
    assert state["zero_reads"] == 1


def writable(**changes):
    fields = {
        "preset": "nvme_gen4_ssd",
        "channels": 1,
        "chips": 1,
        "dies": 1,
        "blocks": 16,
        "pages": 16,
        "overprovisioning": "50 %",
        "writable": True,
        "gc_threshold": 2,
    }
    return Flash(**{**fields, **changes})


def test_a_read_after_write_comes_from_the_buffer_until_the_program_is_done():
    params = writable(preload="0 %")
    done, state = run(params, [(0, 0, 16 * KIB, 1), (50 * 10**6, 0, 16 * KIB, 0)])
    assert state["buffer_reads"] == 1
    assert done[1] < done[0]


@pytest.mark.parametrize(("buffer", "waits"), [(False, True), (True, False)])
def test_a_protected_buffer_answers_before_the_program(buffer, waits):
    params = writable(preload="0 %", write_buffer=buffer)
    done, _ = run(params, [(0, 0, 16 * KIB, 1)])
    assert (done[0] > 390 * 10**6) == waits


def test_a_partial_write_reads_the_old_page_first():
    params = writable()
    whole, _ = run(params, [(0, 0, 16 * KIB, 1)])
    part, state = run(params, [(0, 0, 8 * KIB, 1)])
    assert state["page_reads"] == 1
    assert part[0] > whole[0] + 30 * 10**6


def test_by_sectors_only_what_holds_data_and_stays_is_read():
    params = writable(preload="0 %", partial_writes="sectors", write_buffer=False)
    later = 10**10  # ps: the write before is in the array
    _, state = run(params, [(0, 0, 4 * KIB, 1)])
    assert state["page_reads"] == 0
    _, state = run(params, [(0, 0, 4 * KIB, 1), (later, 0, 8 * KIB, 1)])  # covers all that was there
    assert state["page_reads"] == 0
    half = [(0, 0, 16 * KIB, 1), (later, 0, 4 * KIB, 1)]
    over, state = run(params, half)
    assert state["page_reads"] == 1
    whole, _ = run(params.model_copy(update={"partial_writes": PartialWrites.PAGE}), half)
    assert over[1] < whole[1]  # 12 KiB out and 4 in, against 16 and 16


def test_by_sectors_a_write_keeps_its_place_behind_its_read():
    """The program of an update is sent before that of a write that came later, to the same die."""
    params = writable(preload="0 %", partial_writes="sectors", suspend=False)
    later = 10**10
    done, _ = run(params, [(0, 0, 16 * KIB, 1), (later, 0, 4 * KIB, 1), (later + 1, 1, 16 * KIB, 1)])
    assert done[1] < done[2]


def test_the_device_works_on_as_many_commands_as_it_fetches():
    requests = [(0, page, 8 * KIB, 0) for page in range(64)]  # each on a die or plane of its own
    ends = [max(run(device(queue_fetch=fetch), requests)[0]) for fetch in (1, 2, 64)]
    one = run(device(), [(0, 0, 8 * KIB, 0)])[0][0]
    assert 60 * one < ends[0] <= 64 * one
    assert ends[0] > 1.9 * ends[1] > 10 * ends[2]


def test_a_deep_host_queue_takes_all_requests_when_they_arrive():
    params = device(queue_depth=65535, queue_fetch=4)
    states, memory = build(params)
    address = np.arange(3000) * 8192
    zeros = np.zeros(3000, np.int64)
    accepted, done, version = (np.zeros(3000, np.int64) for _ in range(3))
    size = np.full(3000, 8192)
    replay(states[0], memory, zeros, address, size, zeros, FOREVER, accepted, done, version)
    assert not accepted.any()
    assert done.all()
    shallow, memory = build(device(queue_depth=2))
    replay(shallow[0], memory, zeros, address, size, zeros, FOREVER, accepted, done, version)
    assert accepted[2] == done[:2].min()


@pytest.mark.parametrize("suspend", [True, False])
def test_a_read_suspends_a_program_and_the_program_resumes(suspend):
    params = writable(suspend=suspend)
    program = [(0, 0, 16 * KIB, 1)]
    alone, _ = run(params, program)
    done, state = run(params, [*program, (100 * 10**6, 1, 16 * KIB, 0)])
    assert state["suspends"] == int(suspend)
    assert (done[1] < alone[0]) == suspend
    # the program goes on where it stopped, after the read's array time, its data and the suspension itself
    assert (done[0] > alone[0]) == suspend


def test_a_program_is_suspended_at_most_so_often():
    params = writable(max_suspensions=2, suspend_worth="1 us")
    reads = [(k * 100 * 10**6, k, 16 * KIB, 0) for k in range(1, 6)]
    _, state = run(params, [(0, 0, 16 * KIB, 1), *reads])
    assert state["suspends"] == 2


def test_every_request_is_answered_once_and_untouched_through_the_block_interface():
    from hw_models.flash.block import accept, advance
    from hw_models.port import FIFO, NEVER, REQUEST

    params = device(queue_depth=4)
    states, memory = build(params)
    out = np.zeros(1, FIFO)[0]
    out["limit"] = 2
    request = np.zeros(1, REQUEST)[0]
    now, sent, answers = 0, 0, []
    while len(answers) < 20:
        if sent < 20:
            request["address"], request["bytes"], request["tag"] = sent * 8192, 8192, sent
            request["master"], request["stream"], request["issued"] = 2, sent % 3, 7 * sent
            sent += int(accept(states[0], memory, request, now))
        step = int(advance(states[0], memory, now, out))
        while out["count"]:
            row = out["rows"][out["head"]]
            answers.append((int(row["tag"]), int(row["stream"]), int(row["issued"]), int(row["bytes"])))
            assert row["master"] == 2
            out["head"] = (out["head"] + 1) % 256
            out["count"] -= 1
        now = now + 1000 if step == NEVER else max(step, now)
    assert sorted(answers) == [(k, k % 3, 7 * k, 8192) for k in range(20)]
    assert states[0]["in_flight"] == 0
