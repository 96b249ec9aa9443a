"""Power-down and self-refresh: what the commands do to a rank."""

from hw_models.dram.candidates import LINE, forget
from hw_models.dram.device import log
from hw_models.dram.names import Command
from hw_models.dram.state import TO_ACT, TO_READ
from hw_models.jit import njit
from hw_models.port import NEVER

ENTER_POWER_DOWN = int(Command.ENTER_POWER_DOWN)
EXIT_POWER_DOWN = int(Command.EXIT_POWER_DOWN)
ENTER_SELF_REFRESH = int(Command.ENTER_SELF_REFRESH)
EXIT_SELF_REFRESH = int(Command.EXIT_SELF_REFRESH)


@njit
def earliest_due(state):
    """Return the next cycle at which any rank's refresh falls due."""
    due = NEVER
    for r in range(state["ranks"]):
        due = min(due, state["rank"][r]["due"])
    return due


@njit
def go_down(state, r, command, time):
    rank = state["rank"][r]
    rank["down"] = 1
    rank["down_since"] = time
    state["down"] += 1
    if command == ENTER_SELF_REFRESH:
        rank["down"] = 2
        rank["sleepy"] = 0
        rank["due"] = NEVER  # the device refreshes itself
        state["due"] = earliest_due(state)
    log(state, time, command, r, -1, -1, -1)


@njit
def come_up(state, r, command, time):
    """Leave power-down or self-refresh. When nobody asked for it, self-refresh is next."""
    rank = state["rank"][r]
    spent = time - rank["down_since"]
    delay = state["t"]["xp"]
    if rank["down"] == 2:
        delay = state["t"]["xs"]
        rank["self_refresh_cycles"] += spent
        if state["refresh_mode"] > 0:
            rank["due"] = time + state["t"]["refi"]
            state["due"] = min(state["due"], rank["due"])
    elif rank["open_banks"] > 0:
        rank["active_down_cycles"] += spent
    else:
        rank["down_cycles"] += spent
    rank["down"] = 0
    rank["sleepy"] = 0 if rank["queued"] > 0 or rank["owed"] > 0 else 1
    state["down"] -= 1
    ready = time + delay
    rank["refresh"] = max(rank["refresh"], ready)
    for g in range(r * state["groups"], (r + 1) * state["groups"]):
        group = state["group"][g]
        group["earliest"][TO_ACT] = max(group["earliest"][TO_ACT], ready)
        group["pre"] = max(group["pre"], ready)
        group["earliest"][TO_READ] = max(group["earliest"][TO_READ], ready)
        group["earliest"][TO_READ + 1] = max(group["earliest"][TO_READ + 1], ready)
    for kind in range(LINE):
        forget(state, kind)
    log(state, time, command, r, -1, -1, -1)
