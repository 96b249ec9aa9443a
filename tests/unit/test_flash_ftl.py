"""Laws of NAND and of the translation layer, over garbage collection and power cuts at any instant."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw_models.flash.block import run_until
from hw_models.flash.build import build
from hw_models.flash.ftl import find, lane_of, owner, pick_victim, plane_of
from hw_models.flash.params import Flash
from hw_models.flash.recovery import cut_power
from hw_models.flash.standalone import replay
from hw_models.flash.state import (
    BLOCK_WORDS,
    ERASES,
    ERASING,
    FREE_BLOCKS,
    FULL,
    PAGE_WORDS,
    PLANE_WORDS,
    STATUS,
    TRANSACTIONS,
    USED,
    VALID,
    WRITTEN,
)

PAGE = 4096
FOREVER = 2**62


def small(**changes):
    """A device of 8 planes x 8 blocks x 4 pages, a quarter of it spare: it collects garbage all the time."""
    fields = {
        "preset": "nvme_gen4_ssd",
        "channels": 2,
        "chips": 1,
        "dies": 2,
        "planes": 2,
        "blocks": 8,
        "pages": 4,
        "page": "4 KiB",
        "overprovisioning": "50 %",
        "gc_threshold": 3,
        "wear_threshold": 4,
        "writable": True,
        "queue_depth": 16,
    }
    return Flash(**{**fields, **changes})


def test_partial_writes_by_sectors_obey_the_laws_under_collection():
    params = small(partial_writes="sectors")
    states, memory = build(params)
    rng = np.random.default_rng(5)
    count = 2000
    columns = [
        np.cumsum(rng.integers(0, 300, count)) * 10**6,
        rng.integers(0, 8 * (params.logical_pages - 2), count) * 512,
        rng.integers(1, 16, count) * 512,
        (rng.random(count) < 0.7).astype(np.int64),
    ]
    accepted, done, version = (np.zeros(count, np.int64) for _ in range(3))
    replay(states[0], memory, *columns, FOREVER, accepted, done, version)
    assert (done > columns[0]).all()
    assert states[0]["violations"] == 0
    assert states[0]["erases"] > 0


def run(states, memory, ops, until=FOREVER, start=0):
    """Replay (gap in us, page, pages, write); return (done, version) arrays, 0 where not done by ``until``."""
    table = np.array(ops, np.int64).reshape(-1, 4)
    columns = [start + np.cumsum(table[:, 0]) * 10**6, table[:, 1] * PAGE, table[:, 2] * PAGE, table[:, 3]]
    accepted, done, version = (np.zeros(len(table), np.int64) for _ in range(3))
    replay(states[0], memory, *map(np.ascontiguousarray, columns), until, accepted, done, version)
    return done, version


def page_versions(states, memory, logical):
    """What a reader would get now: version of each logical page, 0 as laid out, -1 for nothing."""
    versions = []
    for lpn in range(logical):
        ppn = find(states[0], memory, lpn)
        if ppn < 0:
            versions.append(-1)
            continue
        assert owner(states[0], memory, ppn) == lpn
        versions.append(int(memory[states[0]["at_page"] + PAGE_WORDS * ppn + 1]))
    return versions


LOGICAL = 8 * 8 * 4 // 2
OPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 50, 700]),
        st.integers(0, LOGICAL - 3) | st.integers(0, 7),
        st.integers(1, 2),
        st.sampled_from([0, 1, 1, 1]),
    ),
    min_size=20,
    max_size=250,
)
SLOW = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@SLOW
@given(
    ops=OPS, gc=st.sampled_from(["greedy", "cost_benefit"]), mapping=st.sampled_from(["resident", "cached"])
)
def test_no_law_of_nand_is_broken_and_every_write_is_readable(ops, gc, mapping):
    """No page is read before it is programmed, none programmed twice without erase; the last write wins."""
    states, memory = build(small(gc=gc, mapping=mapping, map_cache="2 KiB"))
    done, version = run(states, memory, ops)
    assert states[0]["violations"] == 0
    assert (done > 0).all()
    run_until(states[0], memory, FOREVER - 1)
    versions = page_versions(states, memory, LOGICAL)
    last = {}
    for k, (_, page, pages, write) in enumerate(ops):
        if write and pages == 1:
            last[page] = int(version[k])
        elif write:
            last.pop(page, None), last.pop(page + 1, None)
    for page, wanted in last.items():
        assert versions[page] >= wanted


def blocks_being_erased(state):
    """Numbers of the blocks whose erase has begun, also of suspended ones."""
    found = set()
    for die in state["die"][: state["dies_total"]]:
        lists = (("doing", "active", "actives"), ("stopped_doing", "stopped", "stoppeds"))
        for doing, rows, count in lists:
            if die[doing] == ERASING:
                found |= {int(state["transaction"][i]["ppn"]) // 4 for i in die[rows][: die[count]]}
    return found


def cut_and_check(states, memory, params, wanted):
    """Cut the power; every page must be readable, none older than ``wanted``. Return the restarted device."""
    assert states[0]["violations"] == 0
    gone = blocks_being_erased(states[0])
    again = cut_power(states, memory, params)
    versions = page_versions(again, memory, LOGICAL)
    assert min(versions) >= 0
    assert all(versions[page] >= version for page, version in wanted.items())
    assert not gone & {int(find(again[0], memory, lpn)) // 4 for lpn in range(LOGICAL)}
    return again


def acknowledged(ops, done, version, instant):
    newest: dict[int, int] = {}
    for k, (_, page, _, write) in enumerate(ops):
        if write and 0 < done[k] <= instant:
            newest[page] = max(newest.get(page, 0), int(version[k]))
    return newest


def survive(ops, cuts, params):
    """Run ``ops`` once for each cut, the power going at that share of the run; then once to the end.

    A share is of the time that an undisturbed new device takes.
    """
    ops = [(gap, page, 1, write) for gap, page, _, write in ops]
    end = int(run(*build(params), ops)[0].max())
    states, memory = build(params)
    start = 0
    wanted: dict[int, int] = {}
    for cut in cuts:
        instant = start + int(cut * end)
        done, version = run(states, memory, ops, until=instant, start=start)
        wanted |= acknowledged(ops, done, version, instant)
        states = cut_and_check(states, memory, params, wanted)
        start = instant + 10**9
    done, _ = run(states, memory, ops, start=start)
    assert states[0]["violations"] == 0
    assert (done > 0).all()
    return states, memory


@SLOW
@given(
    ops=OPS,
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    gc=st.sampled_from(["greedy", "cost_benefit"]),
    buffer=st.booleans(),
)
def test_acknowledged_writes_survive_power_cuts_at_any_instant(ops, cuts, gc, buffer):
    """The map is recovered from out-of-band data: no page older than acknowledged, none unreadable."""
    survive(ops, cuts, small(gc=gc, write_buffer=buffer))


ONE_PLANE = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 700]),
        st.integers(0, LOGICAL // 8 - 1),
        st.just(1),
        st.sampled_from([0, 1, 1, 1]),
    ),
    min_size=20,
    max_size=120,
)


@SLOW
@given(
    ops=ONE_PLANE,
    cuts=st.lists(st.floats(0, 1), min_size=0, max_size=12),
    gc=st.sampled_from(["greedy", "cost_benefit"]),
    buffer=st.booleans(),
    spare=st.sampled_from(["50 %", "38 %"]),
    wear=st.sampled_from([1, 4]),
)
def test_a_plane_under_pressure_never_runs_out_of_blocks(ops, cuts, gc, buffer, spare, wear):
    """All writes go to one plane, with as little spare as is allowed, and the power goes again and again."""
    ops = [(gap, 8 * row + 3, 1, write) for gap, row, _, write in ops]
    params = small(gc=gc, write_buffer=buffer, overprovisioning=spare, wear_threshold=wear, gc_threshold=2)
    survive(ops, cuts, params)


def test_recovery_undoes_a_collection_that_took_the_last_free_block():
    """After this cut no block of plane 6 is free, and two of them are written in part.

    Counting the one page that collection had already copied to its new block as moved left a plane from
    which nothing could be erased: writes waited for ever.
    """
    read, wait, write = (0, 0, 1, 0), (700, 0, 1, 0), (0, 3, 1, 1)
    ops = [read] * 15 + [(0, 11, 1, 1), (0, 59, 1, 1), wait] + [read] * 26 + [write] * 4 + [(0, 35, 1, 1)]
    ops += [wait] * 5 + [write] + [wait] * 5 + [(700, 3, 1, 1), wait]
    params = small(write_buffer=True)
    states, memory = build(params)
    end = int(run(states, memory, ops)[0].max())
    states, memory = build(params)
    run(states, memory, ops, until=end)
    again = cut_power(states, memory, params)
    at = int(again[0]["at_block"]) + 6 * 8 * BLOCK_WORDS
    records = memory[at : at + 8 * BLOCK_WORDS].reshape(8, BLOCK_WORDS)
    assert memory[int(again[0]["at_plane"]) + 6 * PLANE_WORDS + FREE_BLOCKS] == 0
    assert list(records[:, USED]) == [1, 4, 4, 4, 4, 4, 4, 1]
    assert records[:, VALID].min() == 0
    done, _ = run(again, memory, ops, start=end + 10**9)
    assert again[0]["violations"] == 0
    assert (done > 0).all()


def test_all_planes_may_collect_at_the_same_time():
    """One write to each of 1024 planes starts 1024 collections of 31 pages: more than there are transactions."""
    params = small(
        channels=32, chips=4, planes=4, pages=32, overprovisioning="38 %", gc_threshold=4, queue_depth=1024
    )
    states, memory = build(params)
    done, _ = run(states, memory, [(0, page, 1, 1) for page in range(1024)])
    assert (done > 0).all()
    run_until(states[0], memory, int(done.max()) + 20 * 10**9)
    assert states[0]["gc_reads"] > TRANSACTIONS
    assert states[0]["violations"] == 0


@pytest.mark.parametrize("writes", [0.1, 0.5])
def test_reads_of_pages_still_to_be_laid_out_wait_for_collection(writes):
    states, memory = build(small(unwritten="allocate", preload="0 %", overprovisioning="38 %"))
    rng = np.random.default_rng(1)
    done, _ = run(
        states,
        memory,
        [(0, int(rng.integers(0, LOGICAL)), 1, int(rng.random() < writes)) for _ in range(3000)],
    )
    assert (done > 0).all()
    assert states[0]["violations"] == 0
    assert states[0]["erases"] > 100


def test_a_device_that_is_only_read_needs_no_reserved_block():
    params = small(unwritten="allocate", preload="0 %", overprovisioning="0 %", writable=False)
    states, memory = build(params)
    done, _ = run(states, memory, [(0, page, 1, 0) for page in range(params.logical_pages)])
    assert (done > 0).all()
    assert (memory[int(states[0]["at_page"]) :: PAGE_WORDS][: params.physical_pages] > 0).all()


@pytest.mark.parametrize("gc", ["greedy", "cost_benefit"])
def test_valid_counts_of_blocks_equal_what_the_map_says(gc):
    states, memory = build(small(gc=gc))
    rng = np.random.default_rng(1)
    run(states, memory, [(30, int(rng.integers(0, LOGICAL)), 1, 1) for _ in range(2000)])
    counted = np.zeros(8 * 8, np.int64)
    for lpn in range(LOGICAL):
        counted[find(states[0], memory, lpn) // 4] += 1
    at = int(states[0]["at_block"])
    records = memory[at : at + 64 * BLOCK_WORDS].reshape(64, BLOCK_WORDS)
    assert list(records[:, VALID]) == list(counted)
    assert states[0]["erases"] > 100


def test_erase_counts_stay_within_the_wear_threshold():
    """Half of the pages are never written; without wear levelling their blocks would never be erased."""
    states, memory = build(small())
    rng = np.random.default_rng(1)
    run(states, memory, [(200, int(rng.integers(0, LOGICAL // 2)), 1, 1) for _ in range(6000)])
    at = int(states[0]["at_block"])
    erases = memory[at : at + 64 * BLOCK_WORDS].reshape(8, 8, BLOCK_WORDS)[:, :, ERASES]
    assert states[0]["erases"] > 1000
    assert (erases.max(axis=1) - erases.min(axis=1)).max() <= 4 + 3


def test_greedy_takes_the_emptiest_block_and_cost_benefit_an_older_one():
    """Block 0: 2 valid of 4, just written. Block 1: 3 valid, long ago. (1-u)/2u x age: 1/2 x 1 against 1/6 x 100."""
    for gc, expected in (("greedy", 0), ("cost_benefit", 1)):
        states, memory = build(small(gc=gc))
        state = states[0]
        state["now"] = 10**8
        at = int(state["at_block"])
        memory[at : at + 8 * BLOCK_WORDS] = 0
        for block, valid, written in ((0, 2, 99 * 10**6), (1, 3, 0)):
            row = at + BLOCK_WORDS * block
            memory[row + STATUS], memory[row + VALID], memory[row + USED] = FULL, valid, 4
            memory[row + WRITTEN] = written
        assert pick_victim(state, memory, 0) == expected


def test_pages_follow_channel_way_die_plane():
    states, _ = build(Flash(preset="mqsim_default", blocks=8, mapping="resident"))
    planes = [int(plane_of(states[0], lpn)) for lpn in range(128)]
    assert planes[:3] == [0, 16, 32]  # next channel: 4 chips x 2 dies x 2 planes further on
    assert planes[8] == 4  # then the next chip
    assert planes[32] == 2  # then the next die
    assert planes[64] == 1  # then the next plane
    assert sorted(planes) == list(range(128))
    assert [int(lane_of(states[0], plane)) for plane in planes] == list(range(128))
