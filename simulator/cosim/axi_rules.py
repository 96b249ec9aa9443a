"""The rules of AXI4, AXI4-Lite and AXI3 that can be checked at a port. A table: `axi_checker` has the logic.

Sections are those of Arm's public specification, "AMBA AXI and ACE Protocol Specification", IHI 0022H.
"""

from enum import Enum
from typing import NamedTuple


class Version(Enum):
    AXI3 = "axi3"
    AXI4 = "axi4"
    AXI4_LITE = "axi4_lite"


class Rule(NamedTuple):
    section: str
    text: str  # what would be right


RULES = {
    "VALID_IN_RESET": Rule("A3.1.2", "VALID is low during reset"),
    "VALID_UNKNOWN": Rule("A3.2.1", "VALID and READY are 0 or 1 once reset is over"),
    "PAYLOAD_UNKNOWN": Rule("A3.2.1", "what goes with VALID is 0 or 1 in every bit that counts"),
    "VALID_DROPPED": Rule("A3.2.1", "VALID stays until READY"),
    "PAYLOAD_CHANGED": Rule("A3.2.1", "what goes with VALID stays as it is until READY"),
    "BURST_RESERVED": Rule("A3.4.1", "the burst type is FIXED (0), INCR (1) or WRAP (2)"),
    "BURST_LENGTH": Rule("A3.4.1", "a burst has at most 16 beats, INCR of AXI4 at most 256"),
    "BURST_SIZE": Rule("A3.4.1", "a beat is at most as wide as the data bus"),
    "BURST_CROSSES_4K": Rule("A3.4.1", "a burst stays within 4 KiB"),
    "WRAP_LENGTH": Rule("A3.4.1", "a WRAP burst has 2, 4, 8 or 16 beats"),
    "WRAP_ALIGNMENT": Rule("A3.4.1", "a WRAP burst starts at a multiple of its beats' size"),
    "CACHE_RESERVED": Rule("A4.4", "no allocate bits (AxCACHE[3:2]) where AxCACHE[1] is 0"),
    "LOCK_RESERVED": Rule("A7.4", "AxLOCK is 0 or 1; AXI3 also has 2, locked"),
    "EXCLUSIVE_SIZE": Rule("A7.2.4", "an exclusive access moves 1, 2, 4 .. 128 B in at most 16 beats"),
    "EXCLUSIVE_ALIGNMENT": Rule("A7.2.4", "an exclusive access starts at a multiple of its size"),
    "WLAST_PLACE": Rule("A3.2.2", "WLAST goes with the last beat of a burst, and with no other"),
    "STROBE_OUTSIDE": Rule("A3.4.3", "WSTRB is high only for byte lanes of the beat"),
    "WDATA_ORDER": Rule("A5.4", "first beats of writes come in the order of their addresses (AXI3)"),
    "RLAST_PLACE": Rule("A3.2.2", "RLAST goes with the last beat of a burst, and with no other"),
    "READ_ID": Rule("A3.3.1", "read data answer an address of that id that was taken before"),
    "RESPONSE_ID": Rule("A3.3.1", "a response answers a write of that id whose address was taken before"),
    "RESPONSE_EARLY": Rule("A3.3.1", "a response comes after the last beat of its write's data was taken"),
    "EXOKAY": Rule("A7.2.3", "EXOKAY answers exclusive accesses only; AXI4-Lite has none (B1.1.1)"),
}

ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos", "region", "user")
PAYLOAD = {  # by channel, what stays while it waits
    "aw": ADDRESS,
    "w": ("id", "data", "strb", "last", "user"),
    "b": ("id", "resp", "user"),
    "ar": ADDRESS,
    "r": ("id", "data", "resp", "last", "user"),
}
UNCHECKED = {"user", "data"}  # may have unknown bits: unused lanes, a design's own
SIGNALS = [f"{channel}{name}" for channel in PAYLOAD for name in ("valid", "ready", *PAYLOAD[channel])]
MOST_EXCLUSIVE_BYTES = 128
