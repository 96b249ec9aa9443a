"""What a cache can be told, and how large it may be: every choice and every limit is written once, here."""

from enum import auto

from hw_models.choice import Choice

WAYS = 16  # most ways
MSHRS = 64  # most misses under way
TARGETS = 8  # most reads that wait for one fill
QUEUE = 16  # most requests waiting at a bank, each for reads and writes
BANKS = 16
MOST_SETS = 2**20  # a gigabyte of tags
STREAMS = 32  # streams of a master that can be told apart


class Replacement(Choice):
    LRU = auto()
    PLRU = auto()
    RANDOM = auto()
    SRRIP = auto()
    BRRIP = auto()
    PREDICTED = auto()


class Conflict(Choice):
    """A request whose line is on its way."""

    MERGE = auto()
    STALL_LINE = auto()  # it waits
    STALL_SET = auto()  # as do all of its set


class Placement(Choice):
    MEMORY_SIDE = auto()
    INCLUSIVE = auto()
    EXCLUSIVE = auto()


class Prefetch(Choice):
    NONE = auto()
    NEXT_LINE = auto()
    STRIDE = auto()


class Order(Choice):
    SPLIT = auto()  # reads go before waiting writes
    ARRIVAL = auto()


class ReadLookup(Choice):
    """Where the oldest read is looked up while a write could go, too."""

    OWN = auto()
    AT_WAITING_WRITE = auto()


class PartialWrites(Choice):
    """A write of less than a missing line."""

    FILL = auto()  # fetches the line
    MASK = auto()  # marks the bytes that are valid
