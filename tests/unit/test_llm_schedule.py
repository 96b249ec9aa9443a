"""Layers in turn and overlapped."""

from hypothesis import given
from hypothesis import strategies as st

from workloads.llm.schedule import Stage, overlapped_fs, summed_fs

stage = st.builds(Stage, *[st.integers(0, 50)] * 4)


def test_summed_pass_does_everything_in_turn():
    assert summed_fs([Stage(1, 2, 3, 4), Stage(5, 6, 7, 8)], 100) == 136


def test_known_reads_hide_behind_compute_but_for_the_first():
    assert overlapped_fs([Stage(0, 10, 0, 30)] * 4, 5, known=True) == 10 + 4 * 30 + 5


def test_reads_that_are_longer_than_compute_set_the_pace():
    assert overlapped_fs([Stage(0, 30, 0, 10)] * 4, 0, known=True) == 4 * 30 + 10


def test_third_layer_waits_for_the_first_buffer():
    # reads of 1 and compute of 100: layer 2 may be read only when layer 0 is consumed
    stages = [Stage(0, 1, 0, 100), Stage(0, 1, 0, 100), Stage(0, 50, 0, 0)]
    assert overlapped_fs(stages, 0, known=True) == 1 + 100 + 100
    assert overlapped_fs([*stages[:2], Stage(0, 150, 0, 0)], 0, known=True) == 1 + 100 + 150


def test_predicted_reads_wait_for_the_attention_of_the_layer_before():
    stages = [Stage(10, 4, 1, 5), Stage(10, 30, 1, 5)]
    # attention 0-10, reads 10-14, FFN 14-20, attention 20-30; layer 1's reads start at 14
    assert overlapped_fs(stages, 0, known=False) == 14 + 30 + 6


def test_predicted_reads_do_not_start_before_that_attention_is_done():
    stages = [Stage(10, 0, 1, 5), Stage(10, 0, 1, 5), Stage(0, 50, 0, 1)]
    # layer 0 until 16, attention of layer 1 16-26; layer 2's reads 26-76
    assert overlapped_fs(stages, 0, known=False) == 76 + 1


@given(st.lists(stage, min_size=1, max_size=8), st.booleans())
def test_overlap_never_loses_and_never_beats_the_busier_resource(stages, known):
    io = sum(s.io for s in stages)
    compute = sum(s.before + s.manage + s.after for s in stages)
    overlapped = overlapped_fs(stages, 0, known=known)
    assert max(io, compute) <= overlapped <= summed_fs(stages, 0)
