"""Laws of NAND and of the translation layer, over garbage collection and power cuts at any instant."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw_models.flash.build import build
from hw_models.flash.device import advance_to
from hw_models.flash.ftl import find, lane_of, owner, pick_victim, plane_of
from hw_models.flash.params import Flash
from hw_models.flash.recovery import cut_power
from hw_models.flash.standalone import replay
from hw_models.flash.state import BLOCK_WORDS, ERASES, FULL, PAGE_WORDS, STATUS, USED, VALID, WRITTEN

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
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


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
    advance_to(states[0], memory, FOREVER - 1)
    versions = page_versions(states, memory, LOGICAL)
    last = {}
    for k, (_, page, pages, write) in enumerate(ops):
        if write and pages == 1:
            last[page] = int(version[k])
        elif write:
            last.pop(page, None), last.pop(page + 1, None)
    for page, wanted in last.items():
        assert versions[page] >= wanted


@SLOW
@given(ops=OPS, cut=st.floats(0, 1), gc=st.sampled_from(["greedy", "cost_benefit"]), buffer=st.booleans())
def test_acknowledged_writes_survive_a_power_cut_at_any_instant(ops, cut, gc, buffer):
    """The map is recovered from out-of-band data: no page older than acknowledged, none unreadable."""
    ops = [(gap, page, 1, write) for gap, page, _, write in ops]
    params = small(gc=gc, write_buffer=buffer)
    whole, rest = build(params)
    end = int(run(whole, rest, ops)[0].max())
    states, memory = build(params)
    instant = int(cut * end)
    done, version = run(states, memory, ops, until=instant)
    assert states[0]["violations"] == 0
    acknowledged = {}
    for k, (_, page, _, write) in enumerate(ops):
        if write and 0 < done[k] <= instant:
            acknowledged[page] = max(acknowledged.get(page, 0), int(version[k]))
    again = cut_power(states, memory, params)
    versions = page_versions(again, memory, LOGICAL)
    assert min(versions) >= 0
    for page, wanted in acknowledged.items():
        assert versions[page] >= wanted
    done, _ = run(again, memory, ops, start=instant + 10**9)
    assert again[0]["violations"] == 0
    assert (done > 0).all()


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
