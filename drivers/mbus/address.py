"""Whom a question is for: a primary address, or a secondary one with wildcards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.mbus.link import LAST_PRIMARY, SELECTED, TEST

SECONDARY_DIGITS = 16  # identification 8, manufacturer 4, version 2, medium 2
WILD = "F"
LETTER_BASE, LETTER_BITS = 64, 5  # of a manufacturer's code: A is 1


@dataclass(frozen=True, slots=True)
class Secondary:
    """A meter's own address; F stands for any digit of the identification, and FF for any other byte.

    `manufacturer` has its low byte first, as on the wire and as the tools of libmbus print and take it
    (mbus/mbus-protocol.c, mbus_frame_select_secondary_pack).
    """

    identification: str
    manufacturer: str
    version: str
    medium: str

    @property
    def wire(self) -> bytes:
        """The eight bytes of a selection or of a telegram's header, low byte first."""
        return bytes.fromhex(self.identification)[::-1] + bytes.fromhex(self.manufacturer + self.version + self.medium)

    def matches(self, other: Secondary) -> bool:
        """Whether a meter of the address `other` is meant; EN 13757-3, selection with wildcards."""
        rest = zip(self._bytes, other._bytes, strict=True)
        return self.matches_number(other) and all(mine in ("FF", theirs) for mine, theirs in rest)

    def matches_number(self, other: Secondary) -> bool:
        """The same of the identification alone, all that fixed data name."""
        digits = zip(self.identification, other.identification, strict=True)
        return all(mine in (WILD, theirs) for mine, theirs in digits)

    @property
    def _bytes(self) -> tuple[str, ...]:
        return self.manufacturer[:2], self.manufacturer[2:], self.version, self.medium

    def __str__(self) -> str:
        return self.identification + self.manufacturer + self.version + self.medium


Address = int | Secondary


def address_of(text: str) -> Address:
    """0 to 250, 254 for the only meter on a line, or sixteen digits with F as a wildcard; raises ValueError."""
    if re.fullmatch(r"[0-9]{1,3}", text) and (int(text) <= LAST_PRIMARY or int(text) == TEST):
        return int(text)
    if re.fullmatch(r"[0-9F]{8}[0-9A-F]{8}", text.upper()):
        digits = text.upper()
        return Secondary(digits[:8], digits[8:12], digits[12:14], digits[14:])
    raise ValueError(text)


def secondary_of(wire: bytes) -> Secondary:
    """The address in the first eight bytes of a header or a selection."""
    number, rest = wire[3::-1].hex().upper(), wire[4:8].hex().upper()
    return Secondary(number, rest[:4], rest[4:6], rest[6:])


def is_from(asked: int, address: int) -> bool:
    """Whether a frame with this address can answer a question to `asked`: 253 and 254 take the real one."""
    return asked in (SELECTED, TEST, address)


def maker_of(wire: bytes) -> str:
    """The three letters in a manufacturer's two bytes, low byte first; libmbus, mbus_decode_manufacturer."""
    number = int.from_bytes(wire, "little")
    return "".join(chr(LETTER_BASE + (number >> shift & 0x1F)) for shift in (2 * LETTER_BITS, LETTER_BITS, 0))
