"""Binary coded decimal as the meters of DL/T 645 and CJ/T 188 send it: low byte first."""

from __future__ import annotations

FILLER = 0xFF  # what a meter sends in the place of a value that it does not have


class BadValueError(ValueError):
    """The bytes are no number; `reason` is not_bcd or wrong_length."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def is_filler(payload: bytes) -> bool:
    """Whether the meter filled the whole field with FF."""
    return bool(payload) and all(b == FILLER for b in payload)


def number(payload: bytes, decimals: int, signed: bool) -> float | None:
    """A BCD number, low byte first; None when the meter filled the field with FF.

    Only a `signed` item has its sign in the top bit: unsigned energy reaches 999999.99, where
    that bit is a digit. Raises BadValueError not_bcd for anything else.
    """
    if is_filler(payload):
        return None
    raw = bytearray(payload[::-1])
    negative = signed and bool(raw) and bool(raw[0] & 0x80)
    if negative:
        raw[0] &= 0x7F
    value = float(int(digits(bytes(raw[::-1]))) / 10**decimals)
    return -value if negative and value else value


def digits(payload: bytes) -> str:
    """The digits of a field, highest first; raises BadValueError not_bcd."""
    found = payload[::-1].hex()
    if not found.isdecimal():
        raise BadValueError("not_bcd")
    return found


def bcd(value: float, size: int, decimals: int, signed: bool) -> bytes:
    """The payload of a value, for the simulators; raises OverflowError when it does not fit."""
    whole = round(abs(value) * 10**decimals)
    raw = bytearray.fromhex(f"{whole:0{2 * size}d}") if whole < 10 ** (2 * size) else bytearray()
    if not raw or (signed and raw[0] & 0x80) or (value < 0 and whole and not signed):
        raise OverflowError(value)
    if value < 0 and whole:
        raw[0] |= 0x80
    return bytes(raw[::-1])
