"""Tables of a co-simulation."""

from simulator.cosim_blocks.report import run_lines
from simulator.cosim_blocks.run import Outcome


def outcome(**goals):
    return Outcome({"ATOM": 8}, 1, 10, 20, None, goals, [], 1.0)


def test_goals_that_a_set_of_parameters_lacks_count_in_the_others():
    told = list(run_lines("cdma", [outcome(full=3, wraps=1), outcome(full=2)]))
    assert told[-2:] == ["full   5", "wraps  1"]
    assert "functional coverage: 2 of 2 goals" in told[-4]
