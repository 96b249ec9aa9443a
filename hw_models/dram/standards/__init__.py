"""All standards: name as a config writes it -> (module of tables, speed). Data only."""

from types import ModuleType

from hw_models.dram.standards import ddr3, ddr4, lpddr4

MODULES: dict[str, ModuleType] = {"DDR3": ddr3, "DDR4": ddr4, "LPDDR4": lpddr4}

STANDARDS: dict[str, tuple[ModuleType, str]] = {
    f"{name}-{speed}": (module, speed) for name, module in MODULES.items() for speed in module.SPEEDS
}
STANDARDS |= {  # the usual bin of each data rate
    f"{name}-{rate}": (module, speed)
    for name, module in MODULES.items()
    for rate, speed in module.USUAL.items()
}
