"""What an outside master's bus can be, and how much of it is kept: every choice and limit is written once."""

from enum import auto

from hw_models.choice import Choice

WIDTHS_BIT = (32, 64, 128, 256, 512, 1024)  # of the data channels
WORDS = 16  # 64-bit words of the widest beat
BURSTS = 256  # most bursts in flight, reads and writes apart
BEATS = 256  # most beats of a burst, and of write data ahead of their address


class Bus(Choice):
    AXI4 = auto()
    AXI3 = auto()
    AXI4_LITE = auto()
