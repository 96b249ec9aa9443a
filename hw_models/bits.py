"""Sets of small numbers, a bit of a word each."""

from typing import Any

from numba import config, types
from numba.extending import intrinsic


@intrinsic
def _lowest(typing, word):
    def lower(context: Any, build: Any, given: Any, values: Any) -> Any:
        return build.cttz(values[0], context.get_constant(types.boolean, True))

    return types.int64(types.int64), lower


def _counted(word):
    return int(word & -word).bit_length() - 1


lowest = _counted if config.DISABLE_JIT else _lowest
"""Return the least number of a set, which is not empty."""
