"""Maps of who stores keys and values: against sets of cells, and against the closed formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.llm.sharing import grouped, of_layers, read_bytes, read_cells, stored_bytes, stored_cells

divisors = st.sampled_from([1, 2, 3, 6])


@given(divisors, divisors)
def test_groups_store_what_the_closed_formula_says(across_layers, across_heads):
    owners = grouped(6, 6, layers_per_owner=across_layers, heads_per_owner=across_heads)
    assert stored_cells(owners) == (6 // across_layers) * (6 // across_heads)
    assert read_cells(owners) == 6 * (6 // across_heads)


@given(st.lists(st.integers(0, 4), min_size=5, max_size=5), st.integers(1, 3), st.integers(1, 9))
def test_bytes_are_those_of_sets_of_cells(layers, heads, tokens):
    owners = of_layers(layers, heads)
    cells = {(layer, head) for layer in layers for head in range(heads)}
    assert stored_bytes(owners, 4, 16, tokens) == 2 * 4 * 2 * tokens * len(cells)
    assert read_bytes(owners, 4, 16, tokens) == 2 * 4 * 2 * tokens * len(layers) * heads


def test_maps_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="12 layers of 8 heads do not divide into groups of 5 layers and 1"):
        grouped(12, 8, layers_per_owner=5)
    with pytest.raises(ValueError, match="write layers from 0 to 1"):
        of_layers([0, 2], 4)
