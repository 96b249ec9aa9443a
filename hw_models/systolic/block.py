"""A weight-stationary systolic array as one block: `start`, `advance`, `respond`, `take_done`.

Operations are rows of an OP array that the caller owns. Three things go on side by side: the DMA loads the
tiles of the next step into the free halves of the scratchpads, the array works on the step that is loaded,
the DMA stores the output tile before. Reads and writes leave through two FIFOs; the caller may pass the same
one twice.
"""

from hw_models.jit import inlined, njit
from hw_models.port import NEVER, is_full
from hw_models.systolic.dma import is_through, next_burst, send
from hw_models.systolic.state import QUEUE, RECORDS, Stall
from hw_models.systolic.tiles import array_cycles, set_loads, set_store

DATA, OUTPUT, ACKNOWLEDGE = int(Stall.DATA), int(Stall.OUTPUT), int(Stall.ACKNOWLEDGE)
WEIGHTS = 0  # transfer of a step; the other: inputs


@njit
def start(state, ops, index, now):
    """Take ``ops[index]`` at ``now``; False while one is at work and the next waits."""
    if state["started"] - state["finished"] == QUEUE:
        return False
    record = state["records"][state["started"] % RECORDS]
    record["op"] = index
    record["enabled"] = now
    record["start"] = record["end"] = -1
    record["input_bytes"] = record["weight_bytes"] = record["output_bytes"] = 0
    record["busy_cycles"] = 0
    record["stall"][:] = 0
    state["started"] += 1
    return True


@njit
def begin(state, op, now):
    """Set up the loop nest of the oldest operation that is not done."""
    state["busy"] = 1
    state["records"][state["finished"] % RECORDS]["start"] = now
    state["kernel_tiles"] = -(-op["kernels"] // op["tile_kernels"])
    state["line_tiles"] = -(-op["out_height"] // op["tile_lines"])
    state["column_tiles"] = -(-op["out_width"] // op["tile_columns"])
    state["channel_tiles"] = -(-op["channels"] // op["tile_channels"])
    outputs = state["kernel_tiles"] * state["line_tiles"] * state["column_tiles"]
    state["steps"] = outputs * state["channel_tiles"]
    state["load_step"] = state["loading"] = state["loaded_step"] = 0
    state["compute_step"] = state["store_tile"] = state["storing"] = 0
    state["free_at"] = now
    state["stored_at"][:] = now


@njit
def load(state, op, now, reads):
    """Let one read burst out if there is one; return when to look again."""
    while state["load_step"] < state["steps"]:
        step = state["load_step"]
        if state["loading"] == 0:
            if step >= QUEUE:  # the scratchpads still hold the step before the last
                if state["compute_step"] <= step - 2:
                    return NEVER
                if state["computed_at"][step % 2] > now:
                    return state["computed_at"][step % 2]
            set_loads(state, op, step)
            state["loading"], state["transfer"] = 1, WEIGHTS
        while state["transfer"] < 2 and is_through(state["load"][state["transfer"]]):
            state["transfer"] += 1
        if state["transfer"] == 2:
            state["wanted"][step % 2] = state["requested"]
            state["loading"] = 0
            state["load_step"] += 1
            note_loaded(state, now)
            continue
        if state["next_read"] > now:
            return state["next_read"]
        if is_full(reads) or state["reads_in_flight"] == state["outstanding_reads"]:
            return NEVER
        address, size = next_burst(state, state["load"][state["transfer"]])
        send(state, reads, now, address, size, 0)
        record = state["records"][state["finished"] % RECORDS]
        if state["transfer"] == WEIGHTS:
            record["weight_bytes"] += size
        else:
            record["input_bytes"] += size
        state["requested"] += size
        state["reads_in_flight"] += 1
        state["next_read"] = now + 1
    return NEVER


@inlined
def note_loaded(state, now):
    """Note of every step whose loads are all there that they are."""
    while state["loaded_step"] < state["load_step"]:
        step = state["loaded_step"]
        if state["received"] < state["wanted"][step % 2]:
            return
        state["loaded_at"][step % 2] = now
        state["loaded_step"] += 1


@njit
def compute(state, op, now):
    """Give the array its next step if all is there for it; return when to look again."""
    step = state["compute_step"]
    if step == state["steps"]:
        return NEVER
    if state["free_at"] > now:
        return state["free_at"]
    if step >= state["loaded_step"]:
        return NEVER
    output, channel = divmod(step, state["channel_tiles"])
    stored_at = state["stored_at"][output % 2] if channel == 0 else now
    if stored_at > now:
        return stored_at
    record = state["records"][state["finished"] % RECORDS]
    loaded_at = max(state["free_at"], state["loaded_at"][step % 2])
    record["stall"][DATA] += loaded_at - state["free_at"]
    record["stall"][OUTPUT] += now - loaded_at
    cycles = array_cycles(state, op, step)
    record["busy_cycles"] += cycles
    state["free_at"] = now + cycles
    state["computed_at"][step % 2] = state["free_at"]
    if channel == state["channel_tiles"] - 1:  # the last sums go through all rows and columns
        state["drained_at"][output % 2] = state["free_at"] + state["rows"] + state["columns"] - 2
        state["stored_at"][output % 2] = NEVER
    state["compute_step"] += 1
    return state["free_at"]


@njit
def store(state, op, now, writes):
    """Let one write burst out if there is one; return when to look again."""
    while (state["store_tile"] + 1) * state["channel_tiles"] <= state["compute_step"]:
        tile = state["store_tile"]
        if state["storing"] == 0:
            if state["drained_at"][tile % 2] > now:
                return state["drained_at"][tile % 2]
            set_store(state, op, tile)
            state["storing"] = 1
        if is_through(state["store"]):
            state["stored_at"][tile % 2] = state["next_write"]
            state["storing"] = 0
            state["store_tile"] += 1
            continue
        if state["next_write"] > now:
            return state["next_write"]
        if is_full(writes) or state["writes_in_flight"] == state["outstanding_writes"]:
            return NEVER
        address, size = next_burst(state, state["store"])
        send(state, writes, now, address, size, 1)
        state["records"][state["finished"] % RECORDS]["output_bytes"] += size
        state["writes_in_flight"] += 1
        # a beat a cycle; the output stage scales and rounds one value of each column a cycle
        state["next_write"] = now + max(size // state["port_bytes"], -(-size // state["columns"]))
    return NEVER


@inlined
def is_done(state):
    """Tell whether the operation under way has stored all and every response has come."""
    return state["store_tile"] * state["channel_tiles"] == state["steps"] and state["writes_in_flight"] == 0


@njit
def advance(state, ops, now, reads, writes):
    """Do all that is due at ``now``; return the next cycle to be called at, NEVER when only input helps."""
    while state["started"] > state["finished"]:
        record = state["records"][state["finished"] % RECORDS]
        op = ops[record["op"]]
        if state["busy"] == 0:
            begin(state, op, now)
        next_load = load(state, op, now, reads)
        next_step = compute(state, op, now)
        next_store = store(state, op, now, writes)
        if not is_done(state):
            return min(next_load, min(next_step, next_store))
        record["stall"][ACKNOWLEDGE] += now - state["free_at"]
        record["end"] = now
        state["busy"] = 0
        state["finished"] += 1
    return NEVER


@njit
def respond(state, response, now):
    """A response arrives: read data, any part of a burst at a time, or a write's acknowledgement."""
    if response["write"]:
        state["writes_in_flight"] -= 1
        return
    state["received"] += response["bytes"]
    state["part"] += response["bytes"]
    if state["part"] >= response["tag"]:
        state["part"] = 0
        state["reads_in_flight"] -= 1
    note_loaded(state, now)


@njit
def take_done(state):
    """Return (row of the operation, row of its record, cycle) of the oldest one done; row -1: none."""
    if state["taken"] == state["finished"]:
        return -1, 0, NEVER
    slot = state["taken"] % RECORDS
    state["taken"] += 1
    return state["records"][slot]["op"], slot, state["records"][slot]["end"]
