"""One compared figure. Every validation yields these; the command prints and writes them."""

from typing import Any, NamedTuple


class Figure(NamedTuple):
    row: dict[str, Any]  # the reference row's own columns, in their order
    quantity: str  # "cycles", "rd_bytes_cdma_dat", ...
    reference: float
    ours: float
    counted: bool = True  # False: shown and written, but left out of the closing line's mean and worst

    @property
    def error_percent(self) -> float:
        if self.reference == 0:
            return 0.0 if self.ours == 0 else 100.0
        return 100.0 * (self.ours - self.reference) / self.reference
