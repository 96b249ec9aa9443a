"""Launches and memory contents written as a text trace that NVDLA's test bench, and our reader, can play."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hw_models.nvdla.launch import Launch
from hw_models.nvdla.op import Unit
from hw_models.nvdla.registers import registers

ORDER = (  # of op-enables: readers first, the first unit of a chain last
    "SDP_RDMA", "PDP_RDMA", "CDP_RDMA", "PDP", "SDP", "CDP", "RBK", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA",
)  # fmt: skip
INTERRUPTS = {Unit.CONV: "SDP", Unit.SDP: "SDP", Unit.PDP: "PDP", Unit.CDP: "CDP", Unit.RUBIK: "RUBIK"}
INTERRUPT_MASK = 0x3F0000  # of CDMA's and CACC's interrupts, which nobody waits for
ROW_BYTES = 32  # of a packet in an image
TABLE_WRITE = 1 << 17  # LUT_ACCESS_TYPE


@dataclass
class TraceWriter:
    """Collects the lines of a program; images go to ``folder`` beside it."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    enabled: dict[str, int] = field(default_factory=dict)  # launches of each unit: its groups take turns
    waited: set[int] = field(default_factory=set)
    written: dict[tuple[str, int], set[str]] = field(default_factory=dict)  # registers of a unit's group
    launches: int = 0

    def comment(self, text: str) -> None:
        self.lines.append(f"// {text}")

    def begin(self) -> None:
        self._write("GLB", "S_INTR_MASK", INTERRUPT_MASK)
        self.lines.append("poll_reg_equal(NVDLA_CDMA.S_CBUF_FLUSH_STATUS_0, 0x1);")

    def image(self, name: str, address: int, data: np.ndarray) -> None:
        """Write bytes as an image and load it at ``address``."""
        write_image(self.folder / name, data)
        self.lines.append(f"mem_init(pri_mem, {address:#x}, {data.size:#x}, ALL_ZERO);")
        self.lines.append(f'mem_load(pri_mem, {address:#x}, "{name}");')

    def launch(self, launch: Launch, after: Iterable[int]) -> int:
        """Write the registers of a launch, wait for those before it, enable it; returns its number."""
        number, group = self.launches, {}
        for unit in ORDER:
            if unit in launch.units:
                group[unit] = self.enabled.get(unit, 0) & 1
                self.enabled[unit] = self.enabled.get(unit, 0) + 1
        self.wait({number - 2} if number > 1 else set())
        for unit, which in group.items():
            self._write(unit, "S_POINTER", which)
            self._settings(launch, unit, which)
        self.wait(set(after))
        for unit in group:
            self._write(unit, "D_OP_ENABLE", 1)
        last = "PDP" if "PDP" in launch.units else INTERRUPTS[launch.unit]
        which = group.get("RBK" if last == "RUBIK" else last, 0)
        self.lines.append(f"intr_notify({last}_{which}, sync_id_{number});")
        self.launches += 1
        return number

    def wait(self, launches: set[int]) -> None:
        """Wait for launches to be done, each once."""
        for number in sorted(launches - self.waited):
            self.lines.append(f"sync_wait(sync_id_{number});")
        self.waited |= launches

    def check(self, address: int, size: int, crc: int) -> None:
        self.lines.append(f"check_crc(sync_id_{self.launches - 1}, 1, {address:#x}, {size:#x}, {crc:#010x});")

    def _settings(self, launch: Launch, unit: str, group: int) -> None:
        settings = launch[unit]
        if settings.tables is not None:
            for table, entries in enumerate(settings.tables):
                self._write(unit, "S_LUT_ACCESS_CFG", TABLE_WRITE | table << 16)
                for entry in entries:
                    self._write(unit, "S_LUT_ACCESS_DATA", int(entry) & 0xFFFF)
        values = dict(settings.values)
        before = self.written.setdefault((unit, group), set())
        for name in before - set(values):  # what an earlier launch left in the group
            values[name] = settings.raw(name)
        before |= set(values)
        for name in sorted(values, key=lambda name: registers()[unit, name].offset):
            if name not in ("S_POINTER", "D_OP_ENABLE"):
                self._write(unit, name, values[name])

    def _write(self, unit: str, register: str, value: int) -> None:
        self.lines.append(f"reg_write(NVDLA_{unit}.{register}_0, {value & 0xFFFFFFFF:#x});")

    def save(self, name: str) -> Path:
        path = self.folder / name
        path.write_text("\n".join(self.lines) + "\n", encoding="ascii")
        return path


_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


def write_image(path: Path, data: np.ndarray) -> None:
    """Write bytes as packets of 32, all of one width; the last is filled up with zeros."""
    rows = np.zeros((-(-data.size // ROW_BYTES), ROW_BYTES), np.uint8)
    rows.reshape(-1)[: data.size] = data.view(np.uint8).reshape(-1)
    head, tail = b"{offset:0x00000000, size:32, payload:", b"},\n"
    text = np.zeros((len(rows), len(head) + 5 * ROW_BYTES + len(tail) - 1), np.uint8)
    text[:, : len(head)] = np.frombuffer(head, np.uint8)
    offsets = np.arange(len(rows), dtype=np.int64) * ROW_BYTES
    for digit in range(8):
        text[:, 10 + digit] = _DIGITS[offsets >> (28 - 4 * digit) & 15]
    at = len(head)
    for byte in range(ROW_BYTES):
        place = at + 5 * byte
        text[:, place], text[:, place + 1] = ord("0"), ord("x")
        text[:, place + 2], text[:, place + 3] = _DIGITS[rows[:, byte] >> 4], _DIGITS[rows[:, byte] & 15]
        if byte < ROW_BYTES - 1:
            text[:, place + 4] = ord(" ")
    text[:, at + 5 * ROW_BYTES - 1 :] = np.frombuffer(tail, np.uint8)
    if len(rows):
        text[-1, -2] = ord(" ")
    with path.open("wb") as file:
        file.write(b"{\n")
        file.write(text.tobytes())
        file.write(b"}\n")
