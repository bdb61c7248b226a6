"""Which model a row of registers is when nobody says so: by its head, or by its length and its scale factors.

A guess is made only where SunSpec devices have their chain, so that a plain Modbus device is left alone.
"""

from __future__ import annotations

from drivers.sunspec.chain import BASES, HEAD, MARKER
from drivers.sunspec.coding import LARGEST_FACTOR
from drivers.sunspec.definition import HEAD_WORDS, Layout, definition
from drivers.sunspec.places import places
from drivers.sunspec.values import FACTOR, Piece, Registers

COMMON, COMMON_LENGTHS = 1, (65, 66)  # some makers leave the pad out
# Models that devices are asked for without their head; the others of a family look the same.
BY_LENGTH = {66: 1, 65: 1, 50: 103, 105: 203}
LONGEST = 1000  # registers of a model with groups; twice the longest seen
MARKER_WORDS = len(MARKER) // 2
LEAST_FACTORS = 2  # scale factors that must be there and possible


def model_of(data: bytes, base: int) -> tuple[int | None, bool]:
    """The model and whether the registers begin with its head; None where nothing fits."""
    model, length = HEAD.unpack_from(data)
    layout = definition(model)
    if layout is not None and (fits(layout, length) or _is_first(model, base, len(data) // 2 - HEAD_WORDS == length)):
        return model, True
    guess = BY_LENGTH.get(len(data) // 2)
    if guess is None or base <= BASES[0]:
        return None, False
    return (guess if _is_common(data) or _has_factors(guess, data) else None), False


def fits(layout: Layout, length: int) -> bool:
    """Whether a model of this kind can be so long."""
    fixed, groups = layout.group.words - HEAD_WORDS, layout.group.groups
    if layout.id == COMMON:
        return length in COMMON_LENGTHS
    if not groups:
        return length == fixed
    if groups[0].count == 0 and (length - fixed) % groups[0].words:
        return False
    return fixed <= length <= LONGEST


def _is_first(model: int, base: int, is_whole: bool) -> bool:
    """Whether it stands where every chain begins; some makers give their common model a length of their own."""
    return is_whole and model == COMMON and base - MARKER_WORDS in BASES


def _is_common(data: bytes) -> bool:
    """The name of a maker: some letters and then filling."""
    name = data[:32].rstrip(b"\0 ")
    return len(data) // 2 in COMMON_LENGTHS and len(name) > 1 and name.isascii() and name.decode().isprintable()


def _has_factors(model: int, data: bytes) -> bool:
    layout = definition(model)
    if layout is None or model == COMMON:
        return False
    registers = Registers([Piece(HEAD_WORDS, data)])
    there = places(layout, len(data) // 2, {}).values()
    powers = [registers.raw(place) for place in there if place.point.type == FACTOR]
    given = [power for power in powers if power is not None]
    return len(given) >= LEAST_FACTORS and all(abs(power) <= LARGEST_FACTOR for power in given)
