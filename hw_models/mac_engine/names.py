"""Limits and registers of the engine, each written once. No numba: the config reads this."""

BEAT_BYTES = 8
MOST_PLACES = 64
REGISTERS = {  # byte offsets: rtl/mac_engine.sv
    "control": 0x00,
    "status": 0x04,
    "source": 0x08,
    "target": 0x0C,
    "rows": 0x10,
    "row_beats": 0x14,
    "vector": 0x18,
}
