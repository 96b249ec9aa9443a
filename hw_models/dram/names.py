"""What a DRAM controller can be told, and the commands that it sends: every choice is written once, here."""

from enum import IntEnum, auto

from hw_models.choice import Choice


class Scheduler(Choice):
    FCFS = auto()  # only the oldest request of the queue may proceed
    FR_FCFS = auto()  # the oldest request whose next command, of any kind, may be sent
    COLUMN_FIRST = auto()  # reads and writes to open rows first, then the oldest ACT or PRE
    PRIORITY = auto()  # masters' fixed priority, then FR_FCFS
    BLISS = auto()  # masters served many times in a row are put last for a while, then FR_FCFS
    BANK_ROUND_ROBIN = auto()  # command queues per bank, served in turn (DRAMsim3)


class Page(Choice):
    OPEN = auto()
    CLOSED = auto()  # auto-precharge with the last queued hit
    TIMEOUT = auto()  # precharge a row that was not used for `page_timeout` cycles
    ADAPTIVE = auto()  # the timeout of each bank follows its hits and conflicts


class Protect(Choice):
    """Queued hits that keep a row open."""

    NONE = auto()
    OLDER_HITS = auto()
    ALL_HITS = auto()


class Refresh(Choice):
    NONE = auto()
    ALL_BANK = auto()
    PER_BANK = auto()


class RefreshStops(Choice):
    """Who waits while a refresh is owed."""

    RANK = auto()
    CHANNEL = auto()


class WriteResponse(Choice):
    ACCEPTED = auto()  # posted: one cycle after it entered the queue
    ISSUED = auto()  # one cycle after the WR command
    WRITTEN = auto()  # after the last data beat


class ReadResponse(Choice):
    FIRST_BEAT = auto()
    LAST_BEAT = auto()


class Command(IntEnum):
    NONE = 0
    READ = 1
    WRITE = 2
    ACTIVATE = 3
    PRECHARGE = 4
    PRECHARGE_ALL = 5
    REFRESH = 6
    REFRESH_BANK = 7
    WAKE = 8  # nothing to send: a refresh or a page timeout falls due
    ENTER_POWER_DOWN = 9
    EXIT_POWER_DOWN = 10
    ENTER_SELF_REFRESH = 11
    EXIT_SELF_REFRESH = 12
    READ_AUTO = 13  # with auto-precharge
    WRITE_AUTO = 14


MNEMONICS = {  # of the commands on the bus, as standards, rules and logs write them
    Command.READ: "RD",
    Command.WRITE: "WR",
    Command.ACTIVATE: "ACT",
    Command.PRECHARGE: "PRE",
    Command.PRECHARGE_ALL: "PREA",
    Command.REFRESH: "REF",
    Command.REFRESH_BANK: "REFB",
    Command.ENTER_POWER_DOWN: "PDE",
    Command.EXIT_POWER_DOWN: "PDX",
    Command.ENTER_SELF_REFRESH: "SRE",
    Command.EXIT_SELF_REFRESH: "SRX",
    Command.READ_AUTO: "RDA",
    Command.WRITE_AUTO: "WRA",
}
