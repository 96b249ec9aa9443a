"""All standards: name as a config writes it -> (module of tables, speed). Data only."""

from types import ModuleType

from hw_models.dram.spec import checked
from hw_models.dram.standards import ddr3, ddr4, ddr5, gddr6, hbm2, hbm3, lpddr4, lpddr5

MODULES: dict[str, ModuleType] = {
    "DDR3": checked(ddr3),
    "DDR4": checked(ddr4),
    "DDR5": checked(ddr5),
    "LPDDR4": checked(lpddr4),
    "LPDDR5": checked(lpddr5),
    "HBM2": checked(hbm2),
    "HBM3": checked(hbm3),
    "GDDR6": checked(gddr6),
}

STANDARDS: dict[str, tuple[ModuleType, str]] = {
    f"{name}-{speed}": (module, speed) for name, module in MODULES.items() for speed in module.SPEEDS
}
STANDARDS |= {  # the usual bin of each data rate
    f"{name}-{rate}": (module, speed)
    for name, module in MODULES.items()
    for rate, speed in module.USUAL.items()
}
