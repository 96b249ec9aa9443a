"""Points in queues by what they do next, so that threads which step together do the same.

A block of threads has points of its own, and a queue for each kind of step. A warp takes points that wait for
the same from the longest queue, has them do it, and puts each down where it waits next. So code is fetched
once for many points, and waits for memory pass side by side.
"""

import numpy as np

from hw_models.jit import njit
from simulator.cuda.atoms import add, fence, first, pause, peek, replace, swap

KINDS, ROOM, WIDTH = 0, 1, 2  # words of the head; the blocks' queues follow
HEADS = 16
LINE = 16  # words: nobody else's are written beside these
HEAD, TAIL, SLOTS = 0, 1, 2  # of a queue: the next to leave, the next to come, and the points + 1
NOTHING, OVER = -1, -2  # what a thread is given instead of a point


def queues(waiting: np.ndarray, kind: int, kinds: int, blocks: int, width: int) -> np.ndarray:
    """Return queues in which points ``waiting`` (their numbers) wait for ``kind``, shared out among blocks.

    A warp takes ``width`` of them at most.
    """
    room = 1 << int(-(-waiting.size // blocks)).bit_length()
    queue = SLOTS + room
    size = LINE + kinds * queue
    words = np.zeros(HEADS + blocks * size, np.int64)
    words[[KINDS, ROOM, WIDTH]] = kinds, room, width
    for block in range(blocks):
        own, start = waiting[block::blocks], HEADS + block * size
        words[start] = own.size  # that are not over
        at = start + LINE + kind * queue
        words[at + TAIL] = own.size
        words[at + SLOTS : at + SLOTS + own.size] = own + 1
    return words


@njit
def choose(words, block):
    """Take points for a warp. Return their kind, how many, and where in the queue, in a word; OVER: none."""
    kinds, queue = words[KINDS], SLOTS + words[ROOM]
    start = HEADS + block * (LINE + kinds * queue)
    while peek(words, start) > 0:
        most, kind, head = np.int64(0), np.int64(0), np.int64(0)
        for k in range(kinds):
            at = start + LINE + k * queue
            begin = peek(words, at + HEAD)
            waiting = peek(words, at + TAIL) - begin
            if waiting > most:
                most, kind, head = waiting, np.int64(k), begin
        if most == 0:
            pause()
            continue
        count = min(most, words[WIDTH])
        if replace(words, start + LINE + kind * queue + HEAD, head, head + count) == head:
            return head << 10 | count << 4 | kind
    return np.int64(OVER)


@njit
def take(words, block, lane):
    """Return a thread's next point and what it does, point << 4 | kind; all threads of a warp call it."""
    found = np.int64(0)
    if lane == 0:
        found = choose(words, block)
    found = first(found)
    if found < 0:
        return np.int64(OVER)
    kind, count, head = found & 15, found >> 4 & 63, found >> 10
    if lane >= count:
        return np.int64(NOTHING)
    kinds, room = words[KINDS], words[ROOM]
    at = HEADS + block * (LINE + kinds * (SLOTS + room)) + LINE + kind * (SLOTS + room)
    slot = at + SLOTS + (head + lane & room - 1)
    point = swap(words, slot, 0)
    while point == 0:  # somebody is about to put it down
        point = swap(words, slot, 0)
    fence()
    return point - 1 << 4 | kind


@njit
def give(words, block, point, kind):
    """Have a point wait for a kind of step, or for nothing more (negative)."""
    fence()
    kinds, room = words[KINDS], words[ROOM]
    start = HEADS + block * (LINE + kinds * (SLOTS + room))
    if kind < 0:
        add(words, start, -1)
        return
    at = start + LINE + kind * (SLOTS + room)
    slot = at + SLOTS + (add(words, at + TAIL, 1) & room - 1)
    while replace(words, slot, 0, point + 1) != 0:  # who is about to take what was there before
        pause()
