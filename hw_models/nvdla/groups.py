"""Register groups: two launches a unit may hold, worked off in order."""

from hw_models.jit import njit


@njit
def group_room(state, block):
    return state["groups"][block]["count"] < 2


@njit
def group_push(state, block, op, slot, time):
    group = state["groups"][block]
    row = (group["head"] + group["count"]) % 2
    group["op"][row] = op
    group["slot"][row] = slot
    group["time"][row] = time
    group["count"] += 1


@njit
def group_pop(state, block):
    group = state["groups"][block]
    group["head"] = (group["head"] + 1) % 2
    group["count"] -= 1


@njit
def mark(state, slot, which, time):
    """Note the first time something happened."""
    marks = state["records"][slot]["mark"]
    if marks[which] < 0:
        marks[which] = time
