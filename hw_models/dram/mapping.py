"""Address mappings as text: bit fields from the most significant bit down, and XORs laid over them.

``row bank group column`` takes each field whole; ``column:2`` takes two bits of it (fields may come in
pieces, the lowest piece last). The bits of a burst (its offset) are always the lowest and not written.
``bank ^= row[0:2]`` after a comma hashes the field with bits 0 and 1 of another.
"""

import re
from typing import NamedTuple

LINEAR = "row rank bank group column"  # consecutive addresses lie in one row
FIELDS = ("channel", "rank", "group", "bank", "row", "column")
_PIECE = re.compile(r"([a-z]+)(?::([0-9]+))?")
_HASH = re.compile(r"([a-z]+)\s*\^=\s*([a-z]+)\[([0-9]+):([0-9]+)\]")


def interleaved(line_bits: int, lane_bits: int) -> str:
    """Return the mapping in which consecutive lines lie in other bank groups, then other pseudo-channels.

    ``line_bits``: bursts of a line, ``lane_bits``: pseudo-channels (the lowest bits of the rank), in powers
    of 2. Column commands to one bank group are tCCD_L apart, to two tCCD_S: that is why controllers put the
    group just above the line (AMD PG353, ROW_COLUMN_BANK_INTLV; PG313: 95 % of the peak in place of 54 %).
    """
    lane = f"rank:{lane_bits} " if lane_bits else ""
    line = f" column:{line_bits}" if line_bits else ""
    return f"row rank bank column {lane}group{line}"


class Piece(NamedTuple):
    """Bits of one field: field bits [low, low + bits) are address bits [shift, shift + bits)."""

    field: str
    low: int
    bits: int
    shift: int


def parse_mapping(
    text: str, widths: dict[str, int], offset_bits: int, channel_shift: int = 0
) -> tuple[list[Piece], list[Piece]]:
    """Return (pieces, hashes) of ``text``. Raises ValueError saying what would be right.

    ``widths``: bits of every field; ``channel_shift``: address bits below the channel where ``text`` does not
    place it. A hash is a piece whose bits are XORed into the field.
    """
    fields, *hashes = (part.strip() for part in text.split(","))
    names = []
    for word in fields.split():
        match = _PIECE.fullmatch(word)
        if match is None or match[1] not in FIELDS:
            raise ValueError(
                f"mapping piece {word!r} is unknown; write {', '.join(FIELDS)}, or column:2 for two bits"
            )
        names.append((match[1], int(match[2]) if match[2] else None))
    taken = {name: sum(bits or 0 for field, bits in names if field == name) for name in FIELDS}
    pieces: list[Piece] = []
    shift = offset_bits
    for field, bits in reversed(names):
        low = sum(piece.bits for piece in pieces if piece.field == field)
        size = widths[field] - taken[field] if bits is None else bits
        if size > 0:
            pieces.append(Piece(field, low, size, shift))
            shift += size
    if not any(field == "channel" for field, _ in names):
        pieces = _with_channel(pieces, channel_shift, widths["channel"])
    for field in FIELDS:
        bits = sum(piece.bits for piece in pieces if piece.field == field)
        if bits != widths[field]:
            raise ValueError(f"mapping {text!r} gives {field} {bits} bits; this memory has {widths[field]}")
    return pieces, [_hash(text, pieces, widths) for text in hashes if text]


def _with_channel(pieces: list[Piece], shift: int, bits: int) -> list[Piece]:
    """Return ``pieces`` with the channel from address bit ``shift`` on, within a field if need be."""
    if bits == 0:
        return pieces
    result = []
    for piece in pieces:
        below = min(max(shift - piece.shift, 0), piece.bits)
        if below > 0:
            result.append(piece._replace(bits=below))
        if below < piece.bits:
            above = Piece(piece.field, piece.low + below, piece.bits - below, piece.shift + below + bits)
            result.append(above)
    top = max(piece.shift + piece.bits for piece in pieces)
    channel = Piece("channel", 0, bits, min(shift, top))
    return sorted([*result, channel], key=lambda piece: piece.shift)


def _hash(text: str, pieces: list[Piece], widths: dict[str, int]) -> Piece:
    match = _HASH.fullmatch(text)
    if match is None or match[1] not in FIELDS or match[2] not in FIELDS:
        raise ValueError(f"mapping hash {text!r} is unknown; write for instance bank ^= row[0:2]")
    low, end = int(match[3]), int(match[4])
    for piece in pieces:
        if piece.field == match[2] and piece.low <= low and end <= piece.low + piece.bits and low < end:
            if end - low > widths[match[1]]:
                break
            return Piece(match[1], 0, end - low, piece.shift + low - piece.low)
    raise ValueError(
        f"mapping hash {text!r}: those bits are not one piece of {match[2]} that fits {match[1]}"
    )
