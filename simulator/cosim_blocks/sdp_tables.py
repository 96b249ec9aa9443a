"""SDP's look-up tables, which CDP has too: their settings as a twin's input, and random ones."""

from collections import deque
from dataclasses import dataclass
from random import Random

import numpy as np

from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES
from simulator.cosim_blocks.sdp_registers import joined

LUT_FIELDS = (  # of SDP
    *(f"LUT_{name}" for name in ("LE_FUNCTION", "LE_INDEX_OFFSET")),
    *(f"LUT_{name}_PRIORITY" for name in ("UFLOW", "OFLOW", "HYBRID")),
    *(f"LUT_{table}_{end}" for table in ("LE", "LO") for end in ("START", "END", "INDEX_SELECT")),
    *(
        f"LUT_{table}_SLOPE_{end}_{part}"
        for table in ("LE", "LO")
        for end in ("UFLOW", "OFLOW")
        for part in ("SCALE", "SHIFT")
    ),
)


@dataclass
class Tables:
    """Look-up tables, the same for all launches of an episode."""

    settings: dict[str, int]  # fields of SDP
    le: np.ndarray
    lo: np.ndarray

    @property
    def packed(self) -> int:
        """Return the settings as `post_types::lut_t`."""
        s = self.settings
        parts = [
            (1 - s["LUT_LE_FUNCTION"], 1),
            (s["LUT_LE_INDEX_OFFSET"], 8),
            (s["LUT_UFLOW_PRIORITY"], 1),
            (s["LUT_OFLOW_PRIORITY"], 1),
            (s["LUT_HYBRID_PRIORITY"], 1),
        ]
        for name in ("LE", "LO"):
            parts += [
                (s[f"LUT_{name}_START"], 38),
                (s[f"LUT_{name}_END"], 38),
                (s[f"LUT_{name}_INDEX_SELECT"], 8),
                (s[f"LUT_{name}_SLOPE_UFLOW_SCALE"], 16),
                (s[f"LUT_{name}_SLOPE_UFLOW_SHIFT"], 5),
                (s[f"LUT_{name}_SLOPE_OFLOW_SCALE"], 16),
                (s[f"LUT_{name}_SLOPE_OFLOW_SHIFT"], 5),
            ]
        return joined(parts)

    def writes(self) -> deque[dict[str, int]]:
        """Return inputs of a twin that load the tables, an entry a cycle."""
        return deque(
            {"table_write": 1, "table_lo": lo, "table_entry": entry, "table_data": int(value) & 0xFFFF}
            for lo, table in enumerate((self.le, self.lo))
            for entry, value in enumerate(table)
        )


def any_signed(random: Random, bits: int) -> int:
    """Return a number of ``bits``: any, near zero, or at an end."""
    most = (1 << (bits - 1)) - 1
    return random.choice(
        [
            random.randint(-most - 1, most),
            random.randint(-9, 9),
            most,
            -most - 1,
            0,
            random.randint(-200, 200),
        ]
    )


def random_tables(random: Random) -> Tables:
    exponential = random.random() < 0.5
    settings = {
        "LUT_LE_FUNCTION": int(not exponential),
        "LUT_LE_INDEX_OFFSET": random.choice(
            [0, random.randint(1, 6), random.randint(-40, 31), random.randint(-3, 5)]
        ),
    }
    for name in ("UFLOW", "OFLOW", "HYBRID"):
        settings[f"LUT_{name}_PRIORITY"] = random.getrandbits(1)
    for name in ("LE", "LO"):
        select = random.choice([random.randint(-6, 24), random.randint(0, 8)])
        start = random.choice([random.randint(-(1 << 31), 1 << 30), *[random.randint(-3000, 300)] * 2])
        settings |= {
            f"LUT_{name}_START": start,
            f"LUT_{name}_END": min(start + (1 << random.randint(0, 30)), (1 << 31) - 1),
            f"LUT_{name}_INDEX_SELECT": select,
        }
        for end in ("UFLOW", "OFLOW"):
            settings[f"LUT_{name}_SLOPE_{end}_SCALE"] = any_signed(random, 16)
            settings[f"LUT_{name}_SLOPE_{end}_SHIFT"] = random.choice(
                [0, random.randint(-4, 8), random.randint(-16, 15)]
            )
    if random.random() < 0.3:  # what lies below both tables goes on gently from an exponential LE
        settings |= {"LUT_LE_FUNCTION": 0, "LUT_LE_INDEX_OFFSET": random.randint(1, 6)}
        settings |= {"LUT_UFLOW_PRIORITY": 0, "LUT_LO_START": settings["LUT_LE_START"] + 64}
        settings |= {"LUT_LE_SLOPE_UFLOW_SCALE": random.choice([-3, -1, 1, 2]), "LUT_LE_SLOPE_UFLOW_SHIFT": 0}
    bits = random.choice([8, 8, 16])
    entries = [
        np.array([any_signed(random, bits) for _ in range(n)], np.int64) for n in (LE_ENTRIES, LO_ENTRIES)
    ]
    return Tables(settings, *entries)
