"""Values of CJ/T 188 replies, both ways and without I/O: bytes to numbers with their unit, and back.

The unit byte is always obeyed; a number whose unit is not known leaves here with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.bcd import FILLER, BadValueError, bcd, number
from drivers.cjt188.layout import NOT_TOLD, Part, code_of, unit_of

CENTURY = 0x20  # the first two digits of a year
VALVE, BATTERY_LOW, RESERVED = 0x03, 0x04, 0xF8  # bits of the first status byte; CJT-188-2004.h of KingDa
VALVES = {0: "open", 1: "closed", 3: "abnormal"}  # 2 is not defined


@dataclass(frozen=True, slots=True)
class Value:
    """A number in its unit. With a `reason` it is no reading: filler, not_bcd, wrong_unit, wrong_length, not_a_number.

    The digits of a wrong_unit stand in `number` all the same, for people to look at.
    """

    number: float | None
    unit: str | None = None
    reason: str | None = None


def value_of(part: Part, raw: bytes, unit_first: bool = False) -> Value:
    """What the bytes of an amount or a number say; of anything else not_a_number."""
    if part.kind not in ("amount", "number"):
        return Value(None, reason="not_a_number")
    if len(raw) != part.width:
        return Value(None, reason="wrong_length")
    if part.kind == "number":
        return _counted(raw, part.decimals, part.unit or None)
    code, digits = (raw[0], raw[1:]) if unit_first else (raw[-1], raw[:-1])
    return _counted(digits, part.decimals, _unit(part, code))


def value_bytes(part: Part, value: float | None, unit: str, unit_first: bool = False) -> bytes:
    """The bytes of an amount or a number, FF for None; for the simulator. Raises OverflowError."""
    digits = bytes([FILLER]) * part.size if value is None else bcd(value, part.size, part.decimals, signed=False)
    if part.kind == "number":
        return digits
    code = bytes([code_of(unit)])
    return code + digits if unit_first else digits + code


def local_time(payload: bytes) -> datetime | None:
    """The meter's clock, seven bytes, without a zone; None when it is no date, as on meters without a clock.

    The standard sends seconds first; a meter was captured that sends the century first.
    """
    return _moment(payload[::-1]) or _moment(payload)


def time_bytes(moment: datetime) -> bytes:
    """The seven bytes of the meter's clock, for the simulator."""
    return bytes.fromhex(moment.strftime("%Y%m%d%H%M%S"))[::-1]


def status_codes(status: bytes) -> list[str]:
    """The bits of both status bytes in words as codes; empty when the meter filled them with FF."""
    if len(status) != 2 or status == bytes([FILLER] * 2):
        return []
    first, second = status
    found = ["valve_" + VALVES.get(first & VALVE, "undefined"), "battery_low" if first & BATTERY_LOW else "battery_ok"]
    found += [f"reserved_{bit}" for bit in range(8) if first & RESERVED & 1 << bit]
    return found + [f"maker_{bit}" for bit in range(8) if second & 1 << bit]


def status_number(status: bytes, bits: str) -> float | None:
    """The first byte, or the `bits` ("0-1", "8-15") of both, the first byte lowest; None for FF filler."""
    low, _, high = (bits or "0-7").partition("-")
    first, last = int(low), int(high or low)
    if all(byte == FILLER for byte in status[first // 8 : last // 8 + 1]):
        return None
    return float(int.from_bytes(status, "little") >> first & (1 << last - first + 1) - 1)


def _counted(digits: bytes, decimals: int, unit: str | None) -> Value:
    try:
        value = number(digits, decimals, signed=False)
    except BadValueError as error:
        return Value(None, unit, error.reason)
    if value is None:
        return Value(None, unit, "filler")
    return Value(value, unit, None if unit is not None else "wrong_unit")


def _unit(part: Part, code: int) -> str | None:
    """The unit that a reply tells, or that the model means where it tells none; None when it is no unit of this."""
    if code == NOT_TOLD:
        return part.unit or None
    found = unit_of(code)
    return found[0] if found and found[1] == part.measures else None


def _moment(digits: bytes) -> datetime | None:
    if len(digits) != 7 or digits[0] != CENTURY:
        return None
    try:
        return datetime.strptime(digits.hex(), "%Y%m%d%H%M%S")
    except ValueError:
        return None
