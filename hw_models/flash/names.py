"""What a flash device can be told, and how large it may be: every choice and limit is written once, here."""

from enum import auto

from hw_models.choice import Choice

CHANNELS = 32
DIES = 256  # over all channels
PLANES = 4  # per die, at most
REQUESTS = 1024  # under way in a device, from all hosts
TRANSACTIONS = 16384  # page operations that a device can have under way
MOST_PAGES = (TRANSACTIONS - 64) // 4  # of one request: `requests.room` sets rows for the worst case aside


class Cell(Choice):
    SLC = auto()
    MLC = auto()
    TLC = auto()
    QLC = auto()


class Mapping(Choice):
    RESIDENT = auto()
    CACHED = auto()


class Collection(Choice):
    """Which block is collected."""

    GREEDY = auto()
    COST_BENEFIT = auto()


class Unwritten(Choice):
    """Where a page is looked for when nobody wrote it."""

    ZEROS = auto()
    ALLOCATE = auto()


class Forward(Choice):
    """When read data leave for the host."""

    PAGE = auto()
    REQUEST = auto()
