"""How many masters the kernels of this process hold: `MASTERS`, fixed from the first import on."""

import os

from hw_models.errors import ConfigError
from hw_models.limits import NARROW, NARROW_WIRES, VARIABLE, WIDE, WIDE_WIRES


def _masters() -> int:
    written = os.environ.get(VARIABLE, str(NARROW))
    if written not in (str(NARROW), str(WIDE)):
        raise ConfigError(f"{written!r} is not a number of masters; write {NARROW} or {WIDE}", key=VARIABLE)
    return int(written)


MASTERS = _masters()
WIRES = NARROW_WIRES if MASTERS == NARROW else WIDE_WIRES


def check_width(wide: bool) -> None:
    """Raise ConfigError for a ``wide`` system that the kernels of this process have no room for."""
    if wide and MASTERS < WIDE:
        raise ConfigError(
            f"more than {NARROW} masters, and this process has kernels for {NARROW} by now; "
            f"set {VARIABLE}={WIDE} before Python starts",
            key="system",
        )
