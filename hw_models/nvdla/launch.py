"""From op-enables to launches: which units work together, and on what settings.

A convolution is CDMA, CSC, both halves of CMAC, CACC and the SDP behind them; SDP takes operands through
SDP_RDMA and may hand its results to PDP. The other units work from memory to memory, each with its reader.
"""

from dataclasses import dataclass, field

from hw_models.nvdla.op import Unit
from hw_models.nvdla.registers import RegisterFile, Settings

CONVOLUTION = ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC")
ENABLES = {"BDMA": ("CFG_LAUNCH0", "CFG_LAUNCH1")}  # units whose op-enable has another name
SUB_UNITS = {"x1": ("BS", "BRDMA"), "x2": ("BN", "NRDMA"), "y": ("EW", "ERDMA")}  # of SDP, and their readers


@dataclass(frozen=True)
class Launch:
    """Units that were enabled for one operation."""

    unit: Unit
    units: dict[str, Settings]
    line: int = 0  # of the program, of the last op-enable
    groups: dict[str, int] = field(default_factory=dict)  # register group of each unit

    def __getitem__(self, unit: str) -> Settings:
        return self.units[unit]


def is_on(sdp: Settings, key: str) -> bool:
    """Tell whether SDP's sub-unit ``key`` (x1, x2, y) works."""
    return not sdp[f"{SUB_UNITS[key][0]}_BYPASS"]


def reads_alu(sdp: Settings, key: str) -> bool:
    name = SUB_UNITS[key][0]
    return is_on(sdp, key) and not sdp[f"{name}_ALU_BYPASS"] and bool(sdp[f"{name}_ALU_SRC"])


def reads_mul(sdp: Settings, key: str) -> bool:
    name = SUB_UNITS[key][0]
    return is_on(sdp, key) and not sdp[f"{name}_MUL_BYPASS"] and bool(sdp[f"{name}_MUL_SRC"])


@dataclass
class Enabler:
    """A register file that collects op-enables and puts launches together."""

    file: RegisterFile = field(default_factory=RegisterFile)
    waiting: dict[str, list[Settings]] = field(default_factory=dict)  # enabled units by name, oldest first
    taken: dict[str, int] = field(default_factory=dict)  # launches of each unit so far: groups take turns
    copies: list[Settings] = field(default_factory=list)  # of BDMA, before its launch

    def write(self, unit: str, name: str, value: int, line: int = 0) -> list[Launch]:
        """Write a register and return the launches that are complete with it, usually none."""
        self.file.write(unit, name, value)
        if unit == "BDMA":
            return self._copy(name, value, line)
        if name != "D_OP_ENABLE" or not value & 1:
            return []
        self.waiting.setdefault(unit, []).append(self.file.settings(unit))
        return self._complete(line)

    def unfinished(self) -> list[str]:
        """Return the units that were enabled and wait for others."""
        return sorted(unit for unit, queue in self.waiting.items() if queue)

    def _copy(self, name: str, value: int, line: int) -> list[Launch]:
        """BDMA queues its copies, each with a write of CFG_OP; a launch starts those of its group."""
        if name == "CFG_OP" and value & 1:
            self.copies.append(self.file.settings("BDMA"))
        if name not in ENABLES["BDMA"] or not value & 1:
            return []
        group = {"BDMA": ENABLES["BDMA"].index(name)}
        launches = [Launch(Unit.BDMA, {"BDMA": copy}, line, group) for copy in self.copies]
        self.copies.clear()
        return launches

    def _complete(self, line: int) -> list[Launch]:
        found = []
        for unit, head in (
            ("SDP", Unit.SDP),
            ("PDP", Unit.PDP),
            ("CDP", Unit.CDP),
            ("RBK", Unit.RUBIK),
        ):
            while queue := self.waiting.get(unit):
                needed = _partners(unit, queue[0])
                if needed is None or any(not self.waiting.get(other) for other in needed):
                    break
                kind = Unit.CONV if "CDMA" in needed else head
                units = {other: self.waiting[other].pop(0) for other in needed}
                groups = {other: self.taken.get(other, 0) & 1 for other in needed}
                found.append(Launch(kind, units, line, groups))
                for other in needed:
                    self.taken[other] = self.taken.get(other, 0) + 1
        return found


def _partners(unit: str, settings: Settings) -> list[str] | None:
    """Return the units of the launch that ``unit`` leads, None where another one leads it."""
    if unit == "SDP":
        needed = ["SDP"]
        operands = any(reads_alu(settings, key) or reads_mul(settings, key) for key in SUB_UNITS)
        if settings["FLYING_MODE"]:
            needed += CONVOLUTION
        if operands or not settings["FLYING_MODE"]:
            needed.append("SDP_RDMA")
        if settings["OUTPUT_DST"]:
            needed.append("PDP")
        return needed
    if unit == "PDP":
        return ["PDP", "PDP_RDMA"] if settings["FLYING_MODE"] else None
    if unit == "CDP":
        return ["CDP", "CDP_RDMA"]
    return [unit]
