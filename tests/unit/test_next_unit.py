"""Who runs next: the loop's search against a look at every wake time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hw_models.port import NEVER
from simulator.kernel.soc import earliest
from simulator.kernel.soc_state import SYSTEM
from simulator.kernel.wakes import wake_at_edge

MOST = 9
WAKES = st.lists(st.tuples(st.integers(0, MOST - 1), st.integers(0, 20)), max_size=6)


@given(st.integers(2, MOST), st.data())
def test_the_next_unit_is_the_first_of_those_with_the_least_wake_time(units, data):
    system = np.zeros(1, SYSTEM)[0]
    system["units"], system["master_unit"] = units, data.draw(st.integers(1, units - 1))
    system["wake_fs"] = NEVER
    for _ in range(8):
        for unit, time in data.draw(WAKES):
            wake_at_edge(system, unit % units, time)
        wakes = system["wake_fs"][:units].tolist()
        unit, time = earliest(system)
        assert (unit, time) == (wakes.index(min(wakes)), min(wakes))
        system["wake_fs"][unit] = NEVER  # it runs
