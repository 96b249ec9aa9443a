"""What each step was charged by flash and its host: as `simulator.kernel.ledger`, beside the event loop."""

import numpy as np

from hw_models.units import LARGEST
from simulator.kernel.ledger import ENTRY
from simulator.soc.machine import Machine


class StorageAccounts:
    """A user's waits go to the oldest step that it has on flash, or to its last one until the next begins."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.known: list[np.ndarray] = []  # the tables when each user was last looked at
        self.under_way: dict[int, list[tuple[int, int]]] = {}  # user -> (step, frame), the oldest first
        self.at: dict[int, tuple[int, int]] = {}
        self.rows: list[tuple[int, ...]] = []  # of ENTRY

    def begin(self, user: int, step: int, frame: int) -> None:
        steps = self.under_way.setdefault(user, [])
        if not steps:
            self._close(user)
            self.at[user] = step, frame
        steps.append((step, frame))

    def end(self, user: int, step: int) -> None:
        steps = self.under_way[user]
        place = next(i for i, (number, _) in enumerate(steps) if number == step)
        del steps[place]
        if place == 0 and steps:
            self._close(user)
            self.at[user] = steps[0]

    def close(self) -> None:
        """Enter what every user was charged since it was last looked at."""
        for user in range(len(self.machine.user_names)):
            self._close(user)

    def entries(self) -> np.ndarray:
        """Return what was entered, shape (n,) ENTRY."""
        return np.array(self.rows, ENTRY)

    def _close(self, user: int) -> None:
        storage = self.machine.storage
        tables = [table for table, _, _ in storage.blames()] if storage is not None else []
        if not self.known:
            self.known = [np.zeros_like(table) for table in tables]
        step, frame = self.at.get(user, (-1, 0))
        first = 2 * int(self.machine.system[0]["master_unit"])  # tables of the nodes and of their doors
        for number, (table, known) in enumerate(zip(tables, self.known)):
            new = table[user] - known[user]
            for culprit, cause in np.argwhere(new):
                waited = int(new[culprit, cause])
                for done in range(0, waited, LARGEST):  # a row has 64 bits
                    part = min(waited - done, LARGEST)
                    self.rows.append((user, step, frame, first + number, int(culprit), int(cause), part))
            known[user] = table[user]
