"""Watches the signals of an AXI port cycle by cycle, and names every rule that they break."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.cosim.axi_rules import MOST_EXCLUSIVE_BYTES, PAYLOAD, RULES, UNCHECKED, Version

FIXED, INCR, WRAP = 0, 1, 2
BLOCK = 4096
EXOKAY = 1
Values = Mapping[str, int | None]  # a port's signals in a cycle, by AXI's name; None: unknown bits


@dataclass(frozen=True)
class Violation:
    rule: str  # of RULES
    channel: str
    cycle: int
    found: str

    def __str__(self) -> str:
        rule = RULES[self.rule]
        return (
            f"cycle {self.cycle}: {self.channel.upper()}: {self.rule}: {self.found}; "
            f"{rule.text} (IHI 0022H, {rule.section})"
        )


@dataclass(eq=False)
class _Burst:
    id: int
    address: int
    beats: int
    size: int  # log2 of the bytes of a beat
    kind: int
    exclusive: bool
    done: int = 0  # beats

    def lanes(self, width: int) -> int:
        """Return the byte lanes of the next beat as a mask."""
        step = 1 << self.size
        first = self.address
        if self.done and self.kind != FIXED:
            first = self.address // step * step + self.done * step
            if self.kind == WRAP:
                whole = step * self.beats
                first = self.address // whole * whole + first % whole
        end = first // step * step + step
        return ((1 << (end - first)) - 1) << first % width


@dataclass
class _Data:
    """A burst of write data: its beats' strobes while their address is to come."""

    strobes: list[int | None] = field(default_factory=list)
    ended: bool = False


class AxiChecker:
    """Takes a port's signals of each cycle in turn; `violations` has all that was found.

    ``width_bytes``: of the data. Signals that a port does not have are left out of what `step` is given.
    """

    def __init__(self, width_bytes: int, version: Version | str = Version.AXI4):
        self.width, self.version = width_bytes, Version(version)
        self.cycle = -1
        self.violations: list[Violation] = []
        self.before: Values = {}
        self.reads = defaultdict[int, deque[_Burst]](deque)  # id -> without their last beat
        self.addresses = defaultdict[int, deque[_Burst]](deque)  # id of the data -> writes that lack data
        self.ahead = defaultdict[int, deque[_Data]](deque)  # id of the data -> data that lack an address
        self.whole = defaultdict[int, deque[bool]](deque)  # id -> exclusive? of writes without a response
        self.pending = defaultdict[int, int](int)  # id -> writes that lack data
        self.untouched = deque[_Burst]()  # writes without any data, in the order of addresses
        self.by_id = False  # write data say whose they are

    def step(self, values: Values, in_reset: bool = False) -> list[Violation]:
        """Take the signals of a cycle, as the edge that ends it sees them; return what is wrong in it."""
        self.cycle += 1
        count = len(self.violations)
        if in_reset:
            for channel in PAYLOAD:
                if values.get(f"{channel}valid") == 1:
                    self._add("VALID_IN_RESET", channel, f"{channel.upper()}VALID is high")
            self._forget()
            return self.violations[count:]
        self.by_id = self.version == Version.AXI3 and "wid" in values
        for channel in PAYLOAD:
            self._handshake(channel, values)
        self._answers(values)
        self._requests(values)
        self.before = dict(values)
        return self.violations[count:]

    def _forget(self) -> None:
        self.before = {}
        self.untouched.clear()
        for table in (self.reads, self.addresses, self.ahead, self.whole, self.pending):
            table.clear()

    def _add(self, rule: str, channel: str, found: str) -> None:
        self.violations.append(Violation(rule, channel, self.cycle, found))

    def _handshake(self, channel: str, values: Values) -> None:
        """VALID and what goes with it are known, and stay until READY."""
        valid, ready = f"{channel}valid", f"{channel}ready"
        for name in (valid, ready):
            if name in values and values[name] is None and self.before.get(name, 0) is not None:
                self._add("VALID_UNKNOWN", channel, f"{name.upper()} is X")
        names = [channel + name for name in PAYLOAD[channel] if channel + name in values]
        if values.get(valid) == 1 and self._is_new(channel):
            for name in names:
                if values[name] is None and name[len(channel) :] not in UNCHECKED:
                    self._add("PAYLOAD_UNKNOWN", channel, f"{name.upper()} is X")
        if self.before.get(valid) != 1 or self.before.get(ready, 1) != 0:
            return
        if values.get(valid) == 0:
            self._add("VALID_DROPPED", channel, f"{valid.upper()} fell before {ready.upper()}")
            return
        for name in names:
            was, now = self.before.get(name), values[name]
            if was != now and was is not None and now is not None:
                self._add("PAYLOAD_CHANGED", channel, f"{name.upper()} went from {was:#x} to {now:#x}")

    def _answers(self, values: Values) -> None:
        """R and B answer what was taken in cycles before this one."""
        if values.get("rvalid") == 1:
            name = values.get("rid", 0) or 0
            if not self.reads[name]:
                if self._is_new("r"):
                    self._add("READ_ID", "r", f"no read of id {name} is under way")
            else:
                self._read_beat(self.reads[name], values)
        if values.get("bvalid") == 1 and self._taken("b", values):
            self._response(values, values.get("bid", 0) or 0, take=True)
        elif values.get("bvalid") == 1 and self._is_new("b"):
            self._response(values, values.get("bid", 0) or 0, take=False)

    def _is_new(self, channel: str) -> bool:
        """Tell whether what is offered was not there in the cycle before."""
        return self.before.get(f"{channel}valid") != 1 or self._taken(channel, self.before)

    @staticmethod
    def _taken(channel: str, values: Values) -> bool:
        return values.get(f"{channel}valid") == 1 and values.get(f"{channel}ready", 1) == 1

    def _read_beat(self, bursts: deque[_Burst], values: Values) -> None:
        burst = bursts[0]
        if self._is_new("r"):
            last = burst.done + 1 == burst.beats
            if values.get("rlast", int(last)) not in (int(last), None):
                beat = f"beat {burst.done + 1} of {burst.beats}"
                self._add("RLAST_PLACE", "r", f"RLAST is {values['rlast']} with {beat} of id {burst.id}")
            self._check_exokay("r", values, burst.exclusive)
        if self._taken("r", values):
            burst.done += 1
            if burst.done == burst.beats:
                bursts.popleft()

    def _response(self, values: Values, name: int, take: bool) -> None:
        """A response is offered, or with ``take`` taken."""
        whole = self.whole[name]
        if self._is_new("b"):
            if not whole and self.pending[name]:
                self._add("RESPONSE_EARLY", "b", f"the data of the write of id {name} are not all taken")
            elif not whole:
                self._add("RESPONSE_ID", "b", f"no write of id {name} is under way")
            else:
                self._check_exokay("b", values, whole[0])
        if take and whole:
            whole.popleft()

    def _check_exokay(self, channel: str, values: Values, exclusive: bool) -> None:
        if values.get(f"{channel}resp") == EXOKAY and (not exclusive or self.version == Version.AXI4_LITE):
            self._add("EXOKAY", channel, "EXOKAY to an access that is not exclusive")

    def _requests(self, values: Values) -> None:
        for channel in ("ar", "aw"):
            if values.get(f"{channel}valid") == 1:
                burst = self._burst(channel, values)
                if burst is None:
                    continue
                if self._is_new(channel):
                    self._check_burst(channel, burst, values)
                if self._taken(channel, values):
                    (self._read if channel == "ar" else self._write)(burst)
        if self._taken("w", values):
            self._write_beat(values)

    def _burst(self, channel: str, values: Values) -> _Burst | None:
        """Return what an address asks for, None if it is unknown."""
        usual = {"id": 0, "len": 0, "size": self.width.bit_length() - 1, "burst": INCR, "lock": 0}
        found = {name: values.get(channel + name, value) for name, value in usual.items()}
        address = values.get(f"{channel}addr", 0)
        if address is None or None in found.values():
            return None
        name, length, size, kind, lock = (int(value or 0) for value in found.values())
        return _Burst(name, address, length + 1, size, kind, lock == 1)

    def _check_burst(self, channel: str, burst: _Burst, values: Values) -> None:
        """The rules of an address by itself."""

        def add(rule: str, found: str) -> None:
            self._add(rule, channel, f"{found} (id {burst.id}, {burst.address:#x})")

        step = 1 << burst.size
        whole = step * burst.beats
        if burst.kind > WRAP:
            add("BURST_RESERVED", f"burst type {burst.kind}")
        most = 256 if self.version != Version.AXI3 and burst.kind == INCR else 16
        if burst.beats > most:
            add("BURST_LENGTH", f"{burst.beats} beats")
        if step > self.width:
            add("BURST_SIZE", f"beats of {step} B on {self.width} B")
        if burst.kind == WRAP and burst.beats not in (2, 4, 8, 16):
            add("WRAP_LENGTH", f"{burst.beats} beats")
        if burst.kind == WRAP and burst.address % step:
            add("WRAP_ALIGNMENT", f"beats of {step} B")
        if burst.kind == INCR and burst.address // step * step % BLOCK + whole > BLOCK:
            add("BURST_CROSSES_4K", f"{burst.beats} beats of {step} B")
        cache, lock = values.get(f"{channel}cache") or 0, values.get(f"{channel}lock") or 0
        if cache & 0b1100 and not cache & 0b0010:
            add("CACHE_RESERVED", f"AxCACHE is {cache:#06b}")
        if lock > (2 if self.version == Version.AXI3 else 1):
            add("LOCK_RESERVED", f"AxLOCK is {lock}")
        if burst.exclusive:
            if whole & (whole - 1) or whole > MOST_EXCLUSIVE_BYTES or burst.beats > 16:
                add("EXCLUSIVE_SIZE", f"{whole} B in {burst.beats} beats")
            elif burst.address % whole:
                add("EXCLUSIVE_ALIGNMENT", f"{whole} B")

    def _read(self, burst: _Burst) -> None:
        self.reads[burst.id].append(burst)

    def _write(self, burst: _Burst) -> None:
        """A write's address is taken; its data may be there already."""
        key = burst.id if self.by_id else 0
        self.pending[burst.id] += 1
        self.addresses[key].append(burst)
        self.untouched.append(burst)
        ahead = self.ahead[key]
        if ahead:
            data = ahead.popleft()
            for number, strobe in enumerate(data.strobes, 1):
                self._beat(key, strobe, data.ended and number == len(data.strobes))

    def _write_beat(self, values: Values) -> None:
        """A beat of write data is taken."""
        key, last = (values.get("wid") or 0 if self.by_id else 0), values.get("wlast", 1)
        strobe = values.get("wstrb")
        if self.addresses[key]:
            self._beat(key, strobe, last == 1)
            return
        ahead = self.ahead[key]
        if not ahead or ahead[-1].ended:
            ahead.append(_Data())
        ahead[-1].strobes.append(strobe)
        ahead[-1].ended = last == 1

    def _beat(self, key: int, strobe: int | None, last: bool) -> None:
        """Count a beat to the oldest write that lacks some."""
        burst = self.addresses[key][0]
        if burst.done == 0:
            if self.untouched[0] is not burst:
                self._add("WDATA_ORDER", "w", f"id {burst.id} before id {self.untouched[0].id}")
            self.untouched.remove(burst)
        outside = (strobe or 0) & ~burst.lanes(self.width)
        if outside:
            self._add("STROBE_OUTSIDE", "w", f"WSTRB has {outside:#x} too much at {burst.address:#x}")
        burst.done += 1
        if last != (burst.done == burst.beats):
            beat = f"beat {burst.done} of {burst.beats}"
            self._add("WLAST_PLACE", "w", f"WLAST is {int(last)} with {beat} of id {burst.id}")
        if last or burst.done == burst.beats:
            self.addresses[key].popleft()
            self.pending[burst.id] -= 1
            self.whole[burst.id].append(burst.exclusive)
