"""Random settings of SDP's sub-units, and values that go with them."""

from random import Random

import numpy as np

from hw_models.nvdla.launch import SUB_UNITS
from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES
from simulator.cosim_blocks.sdp_tables import Tables, any_signed

ALGORITHMS = 4


def random_settings(random: Random) -> dict[str, int]:
    """Return fields of SDP for the sub-units and the output converter."""
    fields: dict[str, int] = {"OUT_PRECISION": 0, "PROC_PRECISION": 0}
    for name in ("BS", "BN"):
        fields |= {
            f"{name}_BYPASS": random.getrandbits(1),
            f"{name}_ALU_BYPASS": random.getrandbits(1),
            f"{name}_ALU_ALGO": random.randrange(ALGORITHMS),
            f"{name}_ALU_SHIFT_VALUE": random.choice(
                [0, 0, 31, 63, random.randint(0, 20), random.randint(0, 63)]
            ),
            f"{name}_ALU_OPERAND": any_signed(random, 16),
            f"{name}_MUL_BYPASS": random.getrandbits(1),
            f"{name}_MUL_PRELU": random.getrandbits(1),
            f"{name}_MUL_SHIFT_VALUE": random.choice([0, random.randint(0, 20), random.randint(0, 63)]),
            f"{name}_MUL_OPERAND": any_signed(random, 16),
            f"{name}_RELU_BYPASS": int(random.random() < 0.7),
        }
    fields |= {
        "EW_BYPASS": random.getrandbits(1),
        "EW_ALU_BYPASS": random.getrandbits(1),
        "EW_ALU_ALGO": random.randrange(ALGORITHMS),
        "EW_ALU_OPERAND": any_signed(random, 32),
        "EW_MUL_BYPASS": random.getrandbits(1),
        "EW_MUL_OPERAND": any_signed(random, 32),
        "EW_MUL_PRELU": random.getrandbits(1),
        "EW_TRUNCATE": random.choice([0, random.randint(0, 31), random.randint(0, 1023)]),
        "EW_LUT_BYPASS": random.getrandbits(1),
    }
    for name in ("EW_ALU_CVT", "EW_MUL_CVT"):
        fields |= {
            f"{name}_BYPASS": random.getrandbits(1),
            f"{name}_OFFSET": any_signed(random, 32),
            f"{name}_SCALE": any_signed(random, 16),
            f"{name}_TRUNCATE": random.choice([0, random.randint(0, 20), random.randint(0, 63)]),
        }
    plain = random.random() < 0.5
    return fields | {
        "CVT_OFFSET": 0 if plain else any_signed(random, 32),
        "CVT_SCALE": 1 if plain else any_signed(random, 16),
        "CVT_SHIFT": random.choice([0, random.randint(0, 24), random.randint(0, 63)]),
    }


def aim_at_tables(
    random: Random, fields: dict[str, int], tables: Tables, shape: tuple[int, int]
) -> np.ndarray:
    """Let values reach the tables as they are, and results memory almost; return values around entries."""
    fields |= {"BS_BYPASS": 1, "BN_BYPASS": 1}
    fields |= {"EW_BYPASS": 0, "EW_ALU_BYPASS": 1, "EW_MUL_BYPASS": 1, "EW_LUT_BYPASS": 0}
    fields |= {"CVT_OFFSET": 0, "CVT_SCALE": 1, "CVT_SHIFT": random.choice([0, 0, 1, 8, 16, 24])}
    values = np.zeros(shape[0] * shape[1], np.int64)
    for i in range(values.size):
        name, last = random.choice([("LE", LE_ENTRIES - 1), ("LO", LO_ENTRIES - 1)])
        entry = random.choice([-1, 0, 1, last - 1, last, last + 1, random.randint(-9, last + 9)])
        power = max(0, tables.settings[f"LUT_{name}_INDEX_SELECT"])
        if name == "LE" and not tables.settings["LUT_LE_FUNCTION"]:
            entry, power = 1, min(31, max(0, entry + tables.settings["LUT_LE_INDEX_OFFSET"]))
        values[i] = tables.settings[f"LUT_{name}_START"] + (entry << power)
        values[i] += random.choice([-1, 0, 0, 1, random.randint(-200, 200), random.randint(0, 1 << power)])
    return np.clip(values, -(1 << 31), (1 << 31) - 1).reshape(shape)


def aim_at_operands(random: Random, fields: dict[str, int], shape: tuple[int, int]) -> np.ndarray:
    """Let one sub-unit add and multiply, and memory see what comes of it; return small values."""
    unit = random.choice([name for name, _ in SUB_UNITS.values()])
    fields |= {f"{name}_BYPASS": int(name != unit) for name, _ in SUB_UNITS.values()}
    fields |= {f"{unit}_ALU_BYPASS": 0, f"{unit}_MUL_BYPASS": 0}
    fields |= {f"{name}_{part}_SHIFT_VALUE": 0 for name in ("BS", "BN") for part in ("ALU", "MUL")}
    fields |= {"EW_LUT_BYPASS": 1, "EW_TRUNCATE": 0, "EW_ALU_CVT_BYPASS": 1, "EW_MUL_CVT_BYPASS": 1}
    fields |= {"CVT_OFFSET": 0, "CVT_SCALE": 1, "CVT_SHIFT": random.choice([0, 4, 7])}
    return np.random.default_rng(random.getrandbits(32)).integers(-64, 64, shape)


def any_values(random: Random, shape: tuple[int, int]) -> np.ndarray:
    """Return what CACC may hand over: any reach, some at the ends of 32 bits."""
    reach = random.choice([31, 31, 8, 12, 16, 20])
    noise = np.random.default_rng(random.getrandbits(32))
    values = noise.integers(-(1 << reach), 1 << reach, shape)
    values[noise.random(shape) < 0.05] = random.choice([0, -1, (1 << 31) - 1, -(1 << 31)])
    return values
