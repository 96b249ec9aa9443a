"""What drives a twin and its model: episodes of random settings and traffic, and goals of coverage."""

from collections.abc import Iterable
from random import Random
from typing import Any, ClassVar

import numpy as np

from hw_models.port import REQUEST, copy_request


class Bench:
    """A model between random inputs and the outputs that its twin must show in the same cycle.

    An episode begins with `begin`, which builds the model and returns what the inputs are from reset on;
    then, cycle by cycle, `drive` returns the inputs that change, and `check` returns what the outputs must
    be under them and steps the model. Outputs that mean nothing in a cycle are left out. No cocotb here.
    """

    goals: ClassVar[tuple[str, ...]]  # what traffic must have brought about
    episode_cycles: int = 400
    watched: ClassVar[tuple[str, ...]] = ()  # outputs that `saw` is told, such as tags that are the RTL's own

    def __init__(self, parameters: dict[str, int], random: Random):
        self.parameters = parameters
        self.random = random
        self.transactions = 0
        self.over = False  # the episode is at its end
        self.told: list[int] = []  # what a bench has to say beside, such as cycles of each program
        self.reached: dict[str, int] = dict.fromkeys(self.goals, 0)

    def begin(self, episode: int) -> dict[str, int]:
        raise NotImplementedError

    def drive(self, cycle: int) -> dict[str, int]:
        raise NotImplementedError

    def check(self, cycle: int) -> dict[str, int]:
        raise NotImplementedError

    def saw(self, outputs: dict[str, int]) -> None:
        """Take note of the `watched` outputs of the cycle that `check` spoke of."""

    def reach(self, goal: str, happened: object = True) -> None:
        """Count one of `goals` if it happened."""
        if happened:
            self.reached[goal] += 1


def packed(values: Iterable[int], width: int) -> int:
    """Return ``values`` side by side, the first in the lowest ``width`` bits."""
    mask = (1 << width) - 1
    return sum((int(value) & mask) << (width * place) for place, value in enumerate(values))


def copied(row: Any) -> Any:
    """Return a REQUEST row of its own with what ``row`` says."""
    copy = np.zeros(1, REQUEST)[0]
    copy_request(copy, row)
    return copy
