"""The generative trace against its exact expectation, and against the figures of LLM in a flash."""

import numpy as np
import pytest
from pydantic import ValidationError

from hw_models.errors import ConfigError
from workloads.llm.activity import Activity, aggregated, layer_active, layer_flagged
from workloads.llm.activity_kernel import ODDS, GenerativeTrace, Neuron, evolve, fill_odds
from workloads.llm.coactivation import activity_matrix, bundles_to_read, closest_friends, friend_shares
from workloads.llm.presets import ACTIVITY
from workloads.llm.recorded import RecordedTrace, read_recorded

OPT = Activity.model_validate(ACTIVITY["opt-6.7b"])
LAYERS, NEURONS = 32, 16384


def shares(activity, layers, neurons, tokens, window):
    """Measure (active, flagged, in the window, new) by keeping a set of neurons per token."""
    trace = GenerativeTrace(activity, layers, neurons, seed=3)
    totals = np.zeros(4)
    for layer in range(layers):
        past = []
        for token in range(tokens + window):
            flagged, active = trace.step(layer)
            flagged = set(flagged.tolist())
            if token >= window:
                before = set().union(*past[-window:])
                totals += [active, len(flagged), len(before), len(flagged - before)]
            past.append(flagged)
    return totals / (layers * neurons * tokens)


def test_one_set_of_parameters_gives_every_figure_of_opt():
    active, flagged, window, new = shares(OPT, 8, NEURONS, 12, 4)
    assert active == pytest.approx(0.033, rel=0.05)
    assert flagged == pytest.approx(0.10, rel=0.05)
    assert window == pytest.approx(0.24, rel=0.03)
    assert new == pytest.approx(0.024, rel=0.05)


def test_falcon_figures_follow_from_its_own_parameters():
    active, _, window, new = shares(Activity.model_validate(ACTIVITY["falcon-7b"]), 4, 18176, 12, 4)
    assert active == pytest.approx(0.05, rel=0.03)
    assert window == pytest.approx(0.33, rel=0.03)
    assert new == pytest.approx(0.031, rel=0.05)


def test_table_6_layers_and_their_mean():
    active = layer_active(OPT, LAYERS)
    assert active[[0, 15, 31]] == pytest.approx([0.0156, 0.0266, 0.0536], rel=0.01)
    assert active.mean() == pytest.approx(0.033, rel=0.01)


def test_prediction_is_three_times_the_active_share():
    assert layer_flagged(OPT, LAYERS).mean() / layer_active(OPT, LAYERS).mean() == pytest.approx(3, rel=0.06)


def test_measured_aggregated_use_is_the_expected_one():
    activity = Activity(active=[0.05], context_rate=0.3, persistence=0.2, context_tokens=50, hot=0.01)
    matrix = activity_matrix(GenerativeTrace(activity, 1, 20000, seed=5), 0, 20000, 60)
    expected = aggregated(activity, 1, 10)
    for window in (1, 2, 5, 10):
        used = np.mean([matrix[t : t + window].any(axis=0).mean() for t in range(0, 50, 5)])
        assert used == pytest.approx(expected[window - 1], rel=0.03)


def test_aggregated_use_grows_ever_more_slowly():
    steps = np.diff(aggregated(OPT, LAYERS, 30))
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_same_seed_gives_the_same_trace_and_another_seed_another():
    first, same, other = (GenerativeTrace(OPT, 1, 1024, seed).step(0)[0].tolist() for seed in (1, 1, 2))
    assert first == same != other


def test_restored_layer_continues_from_its_snapshot():
    trace = GenerativeTrace(OPT, 1, 1024, seed=1)
    trace.step(0)
    state = trace.snapshot(0)
    kept = state.tolist()
    trace.step(0)
    trace.restore(0, state)
    assert trace.kind[0].tolist() == kept


def test_parameters_that_need_more_neurons_than_there_are_are_refused():
    with pytest.raises(ValidationError, match=r"flagged 0\.353 needs more neurons than there are"):
        Activity(active=[0.3], false_positive=0.097, context_rate=0.1, persistence=0.0)


def test_closest_friend_is_the_neuron_most_often_active_together():
    matrix = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], np.float32)
    assert closest_friends(matrix).tolist() == [1, 0, 1]
    assert friend_shares(matrix, 1) == pytest.approx([(1 + 2 / 3 + 1) / 3])


def test_hot_neurons_are_everyones_friends():
    matrix = activity_matrix(GenerativeTrace(OPT, 4, NEURONS, seed=1), 3, NEURONS, 200)
    friends = closest_friends(matrix)[matrix.any(axis=0)]
    counts = np.sort(np.bincount(friends))[::-1]
    assert counts[:12].sum() / counts.sum() > 0.9  # nearly all bundles repeat the same few neurons


def test_bundle_is_not_read_for_a_neuron_that_came_as_a_friend():
    friend = np.array([1, 0, 0, 1])
    assert bundles_to_read(np.array([0, 1, 2, 3]), friend).tolist() == [0, 2, 3]


def write(tmp_path, *lines):
    path = tmp_path / "activity.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_recorded_file_is_followed_and_starts_over(tmp_path):
    path = write(tmp_path, "token,layer,neurons", "0,0,1 2", "0,1,", "1,0,3", "1,1,0 4")
    trace = RecordedTrace(path, 2, 5)
    assert [trace.step(0)[0].tolist() for _ in range(3)] == [[1, 2], [3], [1, 2]]
    assert [trace.step(1)[0].tolist() for _ in range(2)] == [[], [0, 4]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["token;layer"], ":1: first line is 'token;layer'; write token,layer,neurons"),
        (
            ["token,layer,neurons", "0,0,1", "0,2,1"],
            ":3: found 0,2; write token 0, layer 1 of 2",
        ),
        (
            ["token,layer,neurons", "0,0,1 x"],
            ":2: neurons are not whole numbers; write indices",
        ),
        (
            ["token,layer,neurons", "0,0,1 5"],
            ":2: neurons are not ascending within 0 to 4; write each index once, in order",
        ),
        (
            ["token,layer,neurons", "0,0,2 1"],
            ":2: neurons are not ascending within 0 to 4; write each index once, in order",
        ),
        (
            ["token,layer,neurons", "0,0,1"],
            ":2: ends after 1 of 2 layers; write every layer of every token",
        ),
    ],
)
def test_malformed_recording_is_refused_with_its_line(tmp_path, lines, message):
    path = write(tmp_path, *lines)
    with pytest.raises(ConfigError) as error:
        read_recorded(path, 2, 5)
    assert str(error.value) == f"{path}{message}"


def test_recording_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "none.csv"
    with pytest.raises(ConfigError) as error:
        read_recorded(path, 2, 5)
    assert str(error.value) == f"{path}: cannot be read (no such file or directory); write an activity file"


def next_state(state, words, odds):
    """Return (state, flagged, active) of one neuron, as the rules say it; words: three 20-bit draws."""
    if state == Neuron.HOT:
        flagged = words[0] < odds["hot"]
        return state, flagged, flagged
    if state == Neuron.COLD:
        if words[0] >= odds["enter"]:
            return state, False, False
        state = Neuron.FLAGGED if words[1] < odds["context"] else Neuron.UNFLAGGED
    elif words[0] < odds["leave"]:
        return Neuron.COLD, False, False
    elif state == Neuron.FLAGGED:
        state = Neuron.UNFLAGGED if words[1] < odds["fall"] else state
    else:
        state = Neuron.FLAGGED if words[1] < odds["rise"] else state
    if state == Neuron.FLAGGED:
        return state, True, words[2] < odds["fire"]
    return state, False, words[2] < odds["miss"]


def test_kernel_follows_the_rules_neuron_by_neuron():
    activity = Activity(active=[0.1], context_rate=0.4, persistence=0.3, context_tokens=5, hot=0.05)
    odds = np.zeros(1, ODDS)
    fill_odds(odds[0], activity, 0.1)
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 300)
    flagged = np.empty(300, np.int64)
    for _ in range(20):
        draws = rng.integers(0, 1 << 60, 300)
        rows = [
            next_state(k, [d >> s & 0xFFFFF for s in (0, 20, 40)], odds[0])
            for k, d in zip(kind.tolist(), draws.tolist())
        ]
        count, active = evolve(kind, draws, odds[0], flagged)
        assert kind.tolist() == [row[0] for row in rows]
        assert flagged[:count].tolist() == [i for i, row in enumerate(rows) if row[1]]
        assert active == sum(row[2] for row in rows)
