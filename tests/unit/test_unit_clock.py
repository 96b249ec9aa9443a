"""How the event loop counts a unit's cycles without dividing."""

import pytest

from simulator.kernel.soc_state import INVERSE_BITS, NEAR, clock_of


@pytest.mark.parametrize("period_fs", [1, 3, 312_500, 333_333, 999_999_937, (1 << 38) - 1])
def test_the_inverse_of_a_period_is_exact_for_all_cycles_that_it_is_used_for(period_fs):
    _, _, inverse, near_fs = clock_of(period_fs)
    assert near_fs == NEAR * period_fs
    for cycles in range(NEAR):
        product = cycles * period_fs * inverse
        assert product < 1 << 63
        assert product >> INVERSE_BITS == cycles


def test_a_very_long_period_has_no_inverse():
    assert clock_of(1 << 38)[3] == 0
