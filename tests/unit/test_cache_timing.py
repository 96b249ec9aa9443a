"""When the cache answers, cycle by cycle. Memory takes 40 cycles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.blame import Cause
from hw_models.cache.build import build_cache
from hw_models.cache.names import Conflict, Placement, Prefetch, Replacement
from hw_models.cache.params import Cache
from hw_models.cache.standalone import build_wiring, run
from hw_models.errors import ConfigError
from hw_models.port import REQUEST

MEMORY = 40
LINE = 64
NAMES = ["a", "b"]
FASED = {  # the state machine of the FireSim SoC's LLC model: docs/cache.md
    "hit_latency": "1 cycles",
    "access_overhead": "1 cycles",
    "fill_latency": "0 cycles",
    "miss_latency": "2 cycles",
    "data_width": "8 B",
    "conflict": "stall_set",
    "hit_when_full": False,
    "writebacks": 0,
    "queue": 16,
}


def play(text, size="32 KiB", **keys):
    """Run accesses such as "0:R5" (cycle, read or write, line; w, r: half a line). Returns (done, state)."""
    words = text.split()
    rows = np.zeros(len(words), REQUEST)
    for tag, (row, word) in enumerate(zip(rows, words)):
        time, what = word.split(":")
        master = NAMES.index(what[-1]) if what[-1] in NAMES else 0
        row["time"], row["tag"], row["master"] = int(time), tag, master
        row["write"], row["bytes"] = what[0] in "Ww", LINE if what[0].isupper() else LINE // 2
        row["address"] = int(what[1:].rstrip("ab")) * LINE
    state, tags = build_cache(Cache(size=size, **keys), NAMES)
    accepted, done = np.zeros((2, len(words)), np.int64)
    assert run(state[0], tags, build_wiring()[0], rows, MEMORY, accepted, done) >= 0
    return done.tolist(), state[0]


def test_a_read_miss_takes_look_up_memory_and_fill():
    assert play("0:R5", miss_latency="2 cycles", fill_latency="1 cycles")[0] == [2 + MEMORY + 1]


def test_hits_follow_each_other_at_the_width_of_the_data_array():
    done, _ = play("0:R5 100:R5 100:R5 100:r5", hit_latency="4 cycles", data_width="16 B")
    assert done[1:] == [104, 108, 112]


def test_a_second_read_of_a_line_on_its_way_gets_the_same_fill():
    done, state = play("0:R5 9:r5 20:w5")
    assert done == [43, 43, 20 + 4 + 1]  # half a line is two cycles of data
    assert (state["misses"][0], state["hits"][0], state["merges"][0], state["fills"][0]) == (1, 0, 2, 1)


def test_a_whole_line_written_needs_no_fill_but_half_a_line_does():
    assert play("0:W5")[1]["fills"][0] == 0
    assert play("0:w5")[1]["fills"][0] == 1
    assert play("0:w5", partial_writes="mask")[1]["fills"][0] == 0


def test_masked_writes_fill_only_when_the_rest_is_read():
    done, state = play("0:w5 100:r5 200:R5 300:R5", partial_writes="mask")
    assert done[1] == 104
    assert done[2] > 200 + MEMORY
    assert done[3] == 304
    assert state["fills"][0] == 1


def test_a_masked_line_goes_back_as_the_bytes_that_were_written():
    _, state = play("0:w0 10:R64", size="4 KiB", ways=1, partial_writes="mask")
    assert (state["writebacks"][0], state["writeback_bytes"][0]) == (1, 32)


def test_the_next_miss_waits_when_every_mshr_is_taken():
    done, state = play("0:R1 0:R2 0:R3", mshrs=2)
    # look-ups at 0 and 1; the third when both fills, from 42, have taken the array for four cycles each
    assert done == [43, 47, 50 + 43]
    assert state["blame"][0, 0, Cause.MSHR_FULL] == 40


def test_hits_pass_under_misses_unless_told_otherwise():
    text = "0:R1 100:R2 101:R1"
    assert play(text, mshrs=1)[0][2] < 110
    assert play(text, mshrs=1, hit_when_full=False)[0][2] > 140


def test_reads_go_before_writes_that_wait():
    text = "0:R1 100:R1 101:W1 102:R1"
    split, arrival = (play(text, order=order, data_width="8 B")[0] for order in ("split", "arrival"))
    assert split[3] < split[2]
    assert arrival[2] < arrival[3]


def test_fased_hit_takes_a_cycle_and_its_beats():
    done, _ = play("0:R5 100:r5 100:r5 100:R5 100:R5", **FASED)
    # idle, then metadata with the first beat: answers a cycle after each start, starts 1 + beats apart
    assert done[1:] == [101, 106, 111, 120]


def test_fased_fill_takes_the_array_for_a_line():
    done, _ = play("0:R5 100:R6 141:r5 142:r5", **FASED)
    # r5 at 141 keeps the machine until 146, the fill that came at 142 until 154
    assert done[1:] == [146, 142, 155]


def test_fased_locks_the_set_of_a_miss():
    done, _ = play("0:w5 10:w5 20:r6", **FASED)
    # the first half is acknowledged with its last beat, the second waits for the fill at 42 and its 8 cycles
    assert done == [4, 50 + 4, 20 + 2 + MEMORY]


def test_fased_write_back_keeps_the_mshr_and_reads_the_line_out_first():
    done, state = play("0:W0 100:W64", size="4 KiB", ways=1, mshrs=1, **FASED)
    assert done == [8, 100 + 1 + 8 + 8]  # metadata, eight beats out, eight beats in
    assert state["mshrs_used"] == (state["mshrs"]["used"] != 0).sum() == 1  # the answer is still to come
    assert play("0:W0 100:W64 118:R1", size="4 KiB", ways=1, mshrs=1, **FASED)[0][2] > 142


def test_another_masters_eviction_is_charged_with_the_fastest_fill():
    _, state = play("0:R0a 100:R64b 200:R0a", size="4 KiB", ways=1)
    assert state["blame"][0, 1, Cause.EVICTION] == 2 + MEMORY
    assert state["blame"][1, 0, Cause.EVICTION] == 0  # b had never had its line


def test_waiting_for_a_bank_is_charged_to_whom_it_serves():
    _, state = play("0:R1a 100:R1b 100:R1a", data_width="8 B")
    assert state["blame"][0, 1, Cause.BANK_BUSY] == 8


def test_banks_work_side_by_side():
    one, two = (play("0:R1 0:R2 100:R1 100:R2", banks=n, data_width="8 B")[0] for n in (1, 2))
    assert (one[3], two[3]) == (112, 104)


def test_a_bank_hears_of_an_mshr_that_another_bank_gives_back():
    keys = {"mshrs": 1, "targets": 1, "banks": 4, "queue": 1, "hit_when_full": False}
    done, _ = play("0:R0 0:R0 0:R1", size="4 KiB", ways=4, **keys)
    # line 1 has the MSHR from the first fill, at 42, to the second, at 84; then line 0 is a hit
    assert done == [43, 84 + 4, 42 + 43]


def test_next_line_prefetch_turns_a_stream_into_hits():
    text = " ".join(f"{100 * n}:R{n}" for n in range(10))
    _, state = play(text, prefetch="next_line")
    assert (state["misses"][0], state["prefetch_hits"][0]) == (1, 9)


def test_stride_prefetch_needs_three_accesses_to_be_sure():
    text = " ".join(f"{100 * n}:R{7 * n}" for n in range(10))
    _, state = play(text, prefetch="stride")
    assert (state["misses"][0], state["hits"][0]) == (3, 7)


def test_bypassed_misses_leave_no_trace():
    done, state = play("0:R5 100:R5 200:w5", bypass={"a": [0]})
    assert done == [2 + MEMORY + 1, 100 + 2 + MEMORY + 1, 200 + 2 + MEMORY + 1]
    assert (state["bypasses"][0], state["fills"][0]) == (3, 0)


def test_an_exclusive_cache_keeps_what_is_written_to_it_until_it_is_read():
    done, state = play("0:R5 100:W5 200:R5 300:R5", placement="exclusive")
    assert [int(t) for t in done] == [43, 107, 204, 343]
    assert (state["hits"][0], state["misses"][0], state["writebacks"][0]) == (1, 3, 0)


def test_an_inclusive_cache_recalls_what_it_evicts():
    done, state = play("0:R0 100:W64 100:R1", size="4 KiB", ways=1, placement="inclusive", probe="9 cycles")
    assert state["recalls"][0] == 1
    # the read goes first; then a cycle to find the victim, nine to recall it, four for the data
    assert done[1] == 101 + 4 + 1 + 9 + 4 - 1


def test_streams_that_will_not_return_are_evicted_first():
    def hits(discard):
        text = " ".join(f"{50 * n}:R{64 * (n % 3 if n % 4 else 10 + n)}" for n in range(60))
        words = text.split()
        rows = np.zeros(len(words), REQUEST)
        for tag, (row, word) in enumerate(zip(rows, words)):
            time, what = word.split(":")
            row["time"], row["tag"], row["bytes"] = int(time), tag, LINE
            row["address"], row["stream"] = int(what[1:]) * LINE, int(tag % 4 == 0)
        cache = Cache(size="16 KiB", ways=4, replacement="predicted", discard=discard)
        state, tags = build_cache(cache, NAMES)
        accepted, done = np.zeros((2, len(words)), np.int64)
        run(state[0], tags, build_wiring()[0], rows, MEMORY, accepted, done)
        return int(state["hits"].sum())

    assert hits({"a": [1]}) == 42  # all but the first use of the three lines that return
    assert hits({}) < 42


access = st.tuples(st.integers(0, 12), st.sampled_from("RrWw"), st.integers(0, 300), st.sampled_from("ab"))


@settings(max_examples=100)
@given(
    st.lists(access, min_size=1, max_size=60),
    st.fixed_dictionaries(
        {
            "replacement": st.sampled_from(list(Replacement)),
            "conflict": st.sampled_from(list(Conflict)),
            "placement": st.sampled_from(list(Placement)),
            "prefetch": st.sampled_from(list(Prefetch)),
            "partial_writes": st.sampled_from(["fill", "mask"]),
            "order": st.sampled_from(["split", "arrival"]),
            "hit_when_full": st.booleans(),
            "mshrs": st.integers(1, 5),
            "writebacks": st.integers(0, 3),
            "targets": st.integers(1, 3),
            "banks": st.sampled_from([1, 4]),
            "queue": st.integers(1, 4),
        }
    ),
)
def test_every_request_is_answered_once_and_bytes_add_up(accesses, keys):
    time, words = 0, []
    for gap, what, line, master in accesses:
        time += gap
        words.append(f"{time}:{what}{line}{master}")
    _, state = play(" ".join(words), size="4 KiB", ways=4, **keys)
    assert int(state["waiting"]) == 0
    assert (state["hits"] + state["misses"] + state["merges"]).sum() == len(words)
    assert (state["fill_bytes"] == state["fills"] * LINE).all()
    assert (state["writeback_bytes"] <= state["writebacks"] * LINE).all()
    assert state["writebacks"].sum() <= state["evictions"].sum()
    for name, count in (("mshr_share", "mshrs_used"), ("writeback_share", "writebacks_used")):
        assert state[name].sum() == state[count]
    assert (state["mshrs"]["used"] != 0).sum() == state["mshrs_used"]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.sampled_from("ab")), min_size=1))
def test_the_waits_of_hits_are_charged_to_the_cycle(accesses):
    time, words, starts = 1000, [f"{100 * n}:R{n}a" for n in range(4)], []
    for gap, line, master in accesses:
        time += gap
        words.append(f"{time}:R{line}{master}")
        starts.append(time)
    before = play(" ".join(words[:4]))[1]["blame"].sum()
    done, state = play(" ".join(words), queue=16)
    waited = sum(done[4:]) - sum(starts) - 4 * len(starts)
    assert state["blame"].sum() - before <= waited  # what waits for a place in the queue is not ours
    if len(starts) <= 16:
        assert state["blame"].sum() - before == waited


def test_mistakes_are_told_with_what_would_be_right():
    with pytest.raises(ConfigError) as error:
        build_cache(Cache(size="4 KiB", partition={"gpu": [0]}), NAMES)
    assert str(error.value) == "system.llc.partition: 'gpu' is not a master; there are a, b"
    with pytest.raises(ConfigError) as error:
        build_cache(Cache(size="4 KiB", line="128 B"), NAMES, channels=2, channel_bytes=64)
    expected = "system.llc.line: lines of 128 B do not divide the 64 B of a memory channel"
    assert str(error.value) == expected
    for keys, message in (
        ({"size": "5 KiB"}, "size 5120 B is not a power of two of sets with ways=8 and line=64 B"),
        ({"ways": 4, "partition": {"a": [4]}}, r"partition of a needs ways from 0 to 3, not \[4\]"),
        ({"size": "6 KiB", "ways": 6, "replacement": "plru"}, "plru needs a power of two of ways, not 6"),
        ({"data_width": "24 B"}, "data_width 24 B is not a power of two"),
    ):
        with pytest.raises(ValueError, match=message):
            Cache(**{"size": "4 KiB", **keys})


def test_a_request_is_looked_up_after_the_entry_latency():
    assert play("0:R5", entry_latency="3 cycles")[0][0] - play("0:R5")[0][0] == 3


def test_a_read_is_looked_up_at_a_waiting_writes_line_where_the_model_says_so():
    astray = FASED | {"lookup_of_reads": "at_waiting_write"}
    for keys in (FASED, astray):
        done, _ = play("0:W9 100:R5 100:w9 200:R5", **keys)
        # line 5 is fetched at 100, or only when it is asked for alone
        assert (done[1] - 100 < MEMORY) == (keys is astray)
        assert (done[3] - 200 < MEMORY) == (keys is FASED)


def test_a_lookup_astray_is_a_matter_of_one_bank_in_split_order():
    with pytest.raises(ValueError, match="lookup_of_reads at_waiting_write is a matter of one bank"):
        Cache(size="32 KiB", banks=2, lookup_of_reads="at_waiting_write")
