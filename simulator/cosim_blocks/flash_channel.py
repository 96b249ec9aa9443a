"""A channel of the flash device beside `rtl/flash_channel.sv`: every page operation, in every cycle.

A cycle is a picosecond of the model. What translates addresses is played: page operations come at random, as
from several hosts and the collection of blocks, some only when another's data are there.
"""

from typing import Any, NamedTuple

from hw_models.flash.build import build
from hw_models.flash.device import step
from hw_models.flash.params import Flash
from hw_models.flash.queues import draw_order, enqueue, new_transaction, place
from hw_models.flash.state import (
    BUS_COMMAND,
    BUS_DATA,
    BUS_IDLE,
    ERASE,
    ERASING,
    GC_READ,
    GC_WRITE,
    IDLE,
    MAP_READ,
    NONE,
    PROGRAMMING,
    READING,
    TRANSACTIONS,
    USER_READ,
    USER_WRITE,
    ZERO,
)
from hw_models.port import NEVER
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed

BLOCKS, PAGES = 8, 3  # of a plane, of a block: few pages, so that planes meet
EIGHTH_FS = 125  # cycles of eight bytes on the bus -> femtoseconds of a byte
COUNTERS = {
    "bus_busy": "bus_busy_ps",
    "read_commands": "read_commands",
    "multiplane_reads": "multiplane_reads",
    "suspensions": "suspends",
}
READS = (MAP_READ, USER_READ, GC_READ)
WORDS = {int(READING): "a read", int(PROGRAMMING): "a program", int(ERASING): "an erase"}
FIELDS = ("kind", "die", "plane", "page", "bytes", "order")


class Look(NamedTuple):
    """Where the page operations are, and what dies and bus do."""

    queued: list[int]
    in_array: list[int]  # in the order of their dies, the first of a command first
    stopped: list[int]
    ready: list[int]
    moving: int
    doing: list[int]
    leaving: list[int]

    @property
    def there(self) -> set[int]:
        moving = [self.moving] if self.moving != NONE else []
        return {*self.queued, *self.in_array, *self.stopped, *self.ready, *moving}


class Bench(bench.Bench):
    goals = (
        "a read",
        "a program",
        "an erase",
        "a read of several planes",
        "a program of several planes",
        "an erase of several planes",
        "rows could go together, but may not",
        "a program of rows of two classes",
        "classes of a die's reads overtake each other",
        "a row lines up before others of its class",
        "data of several classes wait for the bus",
        "a read suspends a program",
        "a read suspends an erase",
        "a suspended command goes on",
        "a command is suspended once more",
        "a command has been suspended as often as it may",
        "a command is too near its end to be suspended",
        "a read starts while the last pages leave their register",
        "the register holds up a read that is done",
        "chips work one command at a time",
        "an idle die waits for its chip",
        "all dies work at once",
        "two dies are done in one cycle",
        "a die is done when the bus becomes free",
        "a row comes when the bus becomes free",
        "a row comes to an idle bus when a die is done",
        "a row is let go by data",
        "the table is full",
    )
    episode_cycles = 600

    def begin(self, episode: int) -> dict[str, int]:
        pick, upto = self.random.choice, self.random.randint
        chips, dies, self.planes = (self.parameters[name] for name in ("CHIPS", "CHIP_DIES", "PLANES"))
        self.dies, self.rows = chips * dies, self.parameters["ENTRIES"]
        independent = episode % 4 != 3
        params = Flash.model_validate(
            {
                **{"channels": 1, "chips": chips, "dies": dies, "planes": self.planes},
                **{"blocks": BLOCKS, "pages": PAGES, "page": "4 KiB", "overprovisioning": "50%"},
                **{"cell": "slc", "bus": "sdr_50", "link": "nvme_gen3_x4", "forward": "request"},
                **{"preload": "0%", "writable": True, "partial_writes": "sectors"},
                **{"independent_dies": independent, "multiplane": pick([True, True, False])},
                **{"cache_read": pick([True, False])},
            }
        )
        states, self.memory = build(params)
        self.state = states[0]
        self.times = {
            "max_suspensions": upto(1, 3),
            "suspend_ps": upto(0, 6) if independent and pick([True, True, False]) else -1,
            "suspend_worth_ps": pick([0, 4, 15]),
            "read_ps": upto(2, 16),
            "program_ps": upto(4, 40),
            "erase_ps": upto(4, 50),
            "read_command_ps": upto(1, 4),
            "read_command_plane_ps": upto(0, 3),
            "program_command_ps": upto(1, 4),
            "program_command_plane_ps": upto(0, 3),
            "erase_command_ps": upto(1, 4),
            "data_setup_ps": upto(1, 2),
        }
        for name, value in self.times.items():
            self.state[name] = value
        self.eighths = pick([0, 1, 4, 7, 9])
        self.state["bus_fs_per_byte"] = self.eighths * EIGHTH_FS
        self.state["request"][0]["left"] = NEVER  # one host request, never all there
        self.kinds = pick([[1, 6, 1, 3, 1, 1], [1, 1, 1, 1, 1, 1], [2, 4, 4, 0, 0, 0], [0, 3, 0, 6, 2, 3]])
        self.load, self.few = pick([0.15, 0.4, 0.9]), pick([0.3, 1.0])
        self.most = pick([self.rows, self.rows, 6])
        self.adding: int | None = None
        self.old = self._look()
        self.done: set[int] = set()
        return self._straps()

    def _straps(self) -> dict[str, int]:
        state, times = self.state, self.times
        renamed = {f"{name}_ps": f"{name}_time" for name in ("read", "program", "erase", "suspend")}
        return {
            **{renamed.get(name, name.removesuffix("_ps")): max(0, value) for name, value in times.items()},
            **{name: state[name] for name in ("cache_read", "multiplane")},
            "independent": state["independent_dies"],
            "suspends": times["suspend_ps"] >= 0,
            "byte_eighths": self.eighths,
            "add_valid": 0,
            "then_valid": 0,
        }

    def drive(self, cycle: int) -> dict[str, int]:
        self.adding = None
        used = TRANSACTIONS - int(self.state["free_transactions"])
        if self.random.random() < self.load and used + 2 <= self.most:
            self.adding = self._new_row(cycle)
        given = {"add_valid": 0, "then_valid": 0}
        for port, row in (("add", self.adding), ("then", self._following(cycle))):
            if row is not None and row != NONE:
                fields = self.state["transaction"][row]
                given |= {f"{port}_valid": 1, f"{port}_tag": row}
                given |= {f"{port}_{field}": int(fields[field]) % 2**16 for field in FIELDS}
        return given

    def _new_row(self, now: int) -> int:
        """Return a new row, lined up in the model; a write may wait for a read, with a place drawn before."""
        state = self.state
        kind = self.random.choices((*READS, USER_WRITE, GC_WRITE, ERASE), self.kinds)[0]
        die = 0 if self.random.random() > self.few else self.random.randrange(self.dies)
        behind = self._row(USER_WRITE, die) if kind == USER_READ and self.random.random() < 0.2 else NONE
        if behind != NONE:
            draw_order(state, behind)
        row = self._row(kind, die)
        state["transaction"][row]["then"] = behind
        enqueue(state, row, now)
        return row

    def _row(self, kind: Any, die: int) -> int:
        state = self.state
        row = int(new_transaction(state, kind, ZERO, ZERO, ZERO, self.random.randint(1, 6)))
        block = (die * self.planes + self.random.randrange(self.planes)) * BLOCKS + self.random.randrange(
            BLOCKS
        )
        place(state, row, block * PAGES + (0 if kind == ERASE else self.random.randrange(PAGES)))
        if kind in (USER_WRITE, GC_WRITE):
            state["transaction"][row]["ppn"] = NONE  # only its time counts
        return row

    def _following(self, now: int) -> int:
        """Return the row that the data which arrive now let go, NONE if there is none."""
        channel = self.state["channel"][0]
        if channel["bus"] != BUS_DATA or channel["until"] != now:
            return int(NONE)
        return int(self.state["transaction"][channel["moving"]]["then"])

    def check(self, cycle: int) -> dict[str, int]:
        said = self._say(cycle - 1)
        self._cover(cycle)
        before = self.old.there | ({self.adding} if self.adding is not None else set())
        step(self.state, self.memory, cycle)
        new = self._look()
        self._cover_step(new)
        self.old, self.done = new, before - new.there
        self.transactions += len(self.done)
        return said

    def _look(self) -> Look:
        state, count = self.state, self.dies
        after = state["transaction"]["next"][: self.rows].tolist()
        dies = state["die"][:count]

        def chained(heads: list[int]) -> list[int]:
            found = []
            for row in heads:
                while row != NONE:
                    found.append(row)
                    row = after[row]
            return found

        def first(rows: list[list[int]], counts: list[int]) -> list[int]:
            return [row for die, number in zip(rows, counts) for row in die[:number]]

        channel = state["channel"][0]
        return Look(
            chained(dies["head"].ravel().tolist()),
            first(dies["active"].tolist(), dies["actives"].tolist()),
            first(dies["stopped"].tolist(), dies["stoppeds"].tolist()),
            chained(channel["head"].tolist()),
            int(channel["moving"]),
            dies["doing"].tolist(),
            dies["out"].tolist(),
        )

    def _say(self, now: int) -> dict[str, int]:
        """Return what the outputs are after the step at ``now``."""
        state, look = self.state, self.old
        channel, held = state["channel"][0], state["die"]["held"][: self.dies].tolist()
        ends = state["ready"][: self.dies].tolist()
        busy = channel["bus"] != BUS_IDLE and channel["until"] > now
        said = {
            **{name: int(state[counter]) for name, counter in COUNTERS.items()},
            **{name: sum(1 << row for row in getattr(look, name)) for name in Look._fields[:4]},
            "done": sum(1 << row for row in self.done),
            "moving": int(look.moving != NONE),
            "bus_left": int(channel["until"]) - now if busy else 0,
            "turn": int(channel["turn"]),
            "doing": packed(look.doing, 2),
            "left": packed((0 if end == NEVER else end - now for end in ends), 16),
            "leaving": packed(look.leaving, 3),
            "held": packed(held, 1),
        }
        return said | ({"moving_tag": look.moving} if said["moving"] else {})

    def _cover(self, now: int) -> None:
        """Count the goals that the state before the step at ``now`` fulfils, and then those of the step."""
        state, look = self.state, self.old
        ends = state["ready"][: self.dies].tolist()
        channel = state["channel"][0]
        free = bool(channel["until"] == now)
        over = [end == now for end in ends]
        idle = channel["bus"] == BUS_IDLE or (channel["bus"] == BUS_COMMAND and channel["until"] < now)
        self.reach("two dies are done in one cycle", sum(over) > 1)
        self.reach("a die is done when the bus becomes free", any(over) and free)
        self.reach("a row comes when the bus becomes free", self.adding is not None and free)
        came = self.adding is not None and idle and any(over)
        self.reach("a row comes to an idle bus when a die is done", came)
        self.reach("data of several classes wait for the bus", len({*self._kinds(look.ready)}) > 1)
        self.reach("all dies work at once", IDLE not in look.doing)
        self.reach("the table is full", len(look.there) + 2 > self.rows)
        following = self._following(now)
        if following != NONE:
            alike = [row for row in look.queued if self._same(row, following, "die", "kind")]
            orders = self.state["transaction"]["order"]
            before = any(orders[row] > orders[following] for row in alike)
            self.reach("a row lines up before others of its class", before)
            self.reach("a row is let go by data", not before)
        for d in range(self.dies):
            self._cover_die(d, now, ends[d])

    def _same(self, row: int, other: int, *fields: str) -> bool:
        rows = self.state["transaction"]
        return all(rows[row][field] == rows[other][field] for field in fields)

    def _cover_step(self, new: Look) -> None:
        """Count what the step has begun."""
        state, old = self.state, self.old
        begun = [row for row in new.in_array if row not in old.in_array and row not in old.stopped]
        again = [row for row in new.in_array if row in old.stopped]
        stops = [row for row in new.stopped if row not in old.stopped]
        if begun:
            lead = state["transaction"][begun[0]]
            what = WORDS[new.doing[lead["die"]]]
            self.reach(what)
            self.reach(f"{what} of several planes", len(begun) > 1)
            apart = [
                row
                for row in new.queued
                if self._same(row, begun[0], "die", "page", "kind") and not self._same(row, begun[0], "plane")
            ]
            self.reach("rows could go together, but may not", apart and not state["multiplane"])
            self.reach(
                "a program of rows of two classes", len({*self._kinds(begun)}) > 1 and what == "a program"
            )
        if stops:
            die = state["die"][state["transaction"][stops[0]]["die"]]
            self.reach(f"a read suspends {WORDS[int(die['stopped_doing'])]}")
            self.reach("a command is suspended once more", die["suspensions"] > 1)
        self.reach("a suspended command goes on", again)

    def _kinds(self, rows: list[int]) -> list[int]:
        return [int(self.state["transaction"][row]["kind"]) for row in rows]

    def _cover_die(self, d: int, now: int, end: int) -> None:
        state, die = self.state, self.state["die"][d]
        doing, reads = int(die["doing"]), int(die["queued_reads"])
        writing = doing in (PROGRAMMING, ERASING) and state["suspend_ps"] >= 0 and reads > 0
        spent = die["suspensions"] >= state["max_suspensions"]
        worth = end != NEVER and end - now > state["suspend_worth_ps"]
        self.reach("a command has been suspended as often as it may", writing and spent and worth)
        self.reach("a command is too near its end to be suspended", writing and not spent and not worth)
        self.reach("a read starts while the last pages leave their register", doing == READING and die["out"])
        self.reach("the register holds up a read that is done", die["held"])
        bound = state["independent_dies"] == 0
        self.reach("chips work one command at a time", bound and doing != IDLE)
        first = d - d % self.parameters["CHIP_DIES"]
        chip = range(first, first + self.parameters["CHIP_DIES"])
        busy = any(state["die"][other]["doing"] != IDLE for other in chip if other != d)
        self.reach("an idle die waits for its chip", bound and doing == IDLE and die["queued"] > 0 and busy)
        heads = die["head"].tolist()
        orders = [int(state["transaction"][row]["order"]) for row in heads[:3] if row != NONE]
        self.reach("classes of a die's reads overtake each other", orders != sorted(orders))
