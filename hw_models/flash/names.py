"""What a flash device can be told, and how large it may be: every choice and limit is written once, here."""

from enum import auto

from hw_models.choice import Choice

CHANNELS = 32
DIES = 256  # over all channels
PLANES = 4  # per die, at most
REQUESTS = 1024  # under way in a device, from all hosts
TRANSACTIONS = 16384  # page operations that a device can have under way
SECTORS = 32  # of a page that are told apart, at most: larger pages have larger ones
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


class PartialWrites(Choice):
    """What a write of a part of a page reads before, and sends to the die."""

    PAGE = auto()  # reads the old page if there is one, sends a whole page
    SECTORS = auto()  # reads only the sectors that hold data and stay, sends only those written


class Forward(Choice):
    """When read data leave for the host."""

    PAGE = auto()
    REQUEST = auto()
