"""What a VIF says of every number behind it: quantity, unit and size.

pymbusparser knows them; besides `drivers.mbus.libmbus` nothing else asks it. It is asked with a 32-bit
integer in the place of the record's own data, because version 0.5.3 gives up on some data and leaves
floats without their size. Amended here: VIFs that it takes for others (AMENDED), dates, and
corrections, which it also finds in a quantity's own code and in what is the maker's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pymbusparser

from drivers.mbus.record_name import TEXT, steps

EXTENDED = (0xFB, 0xFD)  # a VIF whose quantity stands in its first extension
MAKERS_VIF = (0x7F, 0xFF)
PLAIN_TEXT = 0x7C
MORE = 0x80  # of a VIF: an extension follows
INTEGER32 = b"\x04"  # a DIF
MOST_KEPT = 1024  # VIFs of a plant; a plain text may be anything
ZERO, ONE = bytes(4), b"\x01\0\0\0"
# Extensions with a correction of the value; EN 13757-3, orthogonal VIFEs; libmbus, mbus_vib_unit_normalize.
FACTORS = {0x70 + n: Decimal(10) ** (n - 6) for n in range(8)} | {0x7D: Decimal(1000)}
ADDENDS = {0x78 + n: Decimal(10) ** (n - 3) for n in range(4)}
# What the library calls units, and what we do.
UNITS = {
    "W.h": "Wh",
    "J.h-1": "J/h",
    "m3.h-1": "m3/h",
    "m3.min-1": "m3/min",
    "m3.s-1": "m3/s",
    "kg.h-1": "kg/h",
    "Cel": "degC",
    "[degF]": "degF",
    "W (reactive)": "var",
    "W (reactive)h": "varh",
    "W (apparent)": "VA",
    "W (apparent)h": "VAh",
    "°": "deg",
}
TIME_UNITS = ("s", "min", "h", "d")
LONG_UNITS = ("mo", "a")
# Points in time, whose data are of type F, G or I.
TIMES = {
    b"\x6c": "date",
    b"\x6d": "date_time",
    b"\xfd\x30": "start_of_tariff",
    b"\xfd\x70": "date_and_time_of_battery_change",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """A number n of the data stands for n * times + plus, in `unit`; a point in time has no number."""

    quantity: str
    unit: str | None = None
    times: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)
    is_time: bool = False


def _family(quantity: str, first: int, units: tuple[str, ...]) -> dict[bytes, Meaning]:
    return {bytes([0xFD, first + n]): Meaning(quantity, unit) for n, unit in enumerate(units)}


# What version 0.5.3 takes for something else, after vif_table of libmbus; FD 3B to FD 3F and FD 74 after the
# table of EN 13757-3 as open decoders quote it. Of FD 71 these disagree whether the number is dBm (a table of
# the standard that we could not read in full, fhem) or stands for twice itself less 130 (pyMeterBus): no unit.
AMENDED = {
    **_family("duration_since_last_readout", 0x2C, TIME_UNITS),
    **_family("duration_of_tariff", 0x31, TIME_UNITS[1:]),
    **_family("period_of_tariff", 0x34, TIME_UNITS + LONG_UNITS),
    bytes.fromhex("FD3B"): Meaning("data_container_for_wireless_m_bus_protocol"),
    **_family("period_of_nominal_data_transmission", 0x3C, TIME_UNITS),
    bytes.fromhex("FD6F"): Meaning("operating_time_battery", "a"),
    bytes.fromhex("FD71"): Meaning("rf_power_level"),
    bytes.fromhex("FD74"): Meaning("remaining_battery_life_time", "d"),
    bytes.fromhex("FB22"): Meaning("volume", "[gal_us]", Decimal("0.1")),
    bytes.fromhex("FB24"): Meaning("volume_flow", "[gal_us]/min", Decimal("0.001")),
    bytes.fromhex("FB25"): Meaning("volume_flow", "[gal_us]/min"),
    bytes.fromhex("FB26"): Meaning("volume_flow", "[gal_us]/h"),
}


@lru_cache(MOST_KEPT)
def meaning_of(vif: bytes, text: bytes = b"") -> Meaning | None:
    """What a VIF with its extensions and plain text means; None when the library does not know it."""
    meaning = _worded(vif, text) if vif[0] & ~MORE == PLAIN_TEXT else _coded(vif)
    return None if meaning is None else _corrected(meaning, extensions_of(vif))


def extensions_of(vif: bytes) -> bytes:
    """Those that are no part of the quantity's own code; what a maker's own VIF has is the maker's too."""
    if vif[0] in MAKERS_VIF:
        return b""
    return vif[2 if vif[0] in EXTENDED else 1 :]


def _worded(vif: bytes, text: bytes) -> Meaning | None:
    """The meter's own words, of which the last letter comes first."""
    answer = _asked(vif + text, ONE)
    return None if answer is None else Meaning(TEXT + text[:0:-1].decode("latin-1"), _unit(answer))


def _coded(vif: bytes) -> Meaning | None:
    """By its code; an extension may change the unit, such as "per hour"."""
    size = 2 if vif[0] in EXTENDED and len(vif) > 1 else 1
    code = vif[: size - 1] + bytes([vif[size - 1] & ~MORE])
    if code in TIMES:
        return Meaning(TIMES[code], is_time=True)
    if code in AMENDED:
        return AMENDED[code]
    plain, extended = _bare(code), _asked(vif, ONE) if extensions_of(vif) else None
    return plain if plain is None or extended is None else replace(plain, unit=_unit(extended))


def _bare(code: bytes) -> Meaning | None:
    """Without extensions: the size is what the library makes more of a one than of a zero."""
    zero, one = _asked(code, ZERO), _asked(code, ONE)
    if zero is None or one is None:
        return None
    return Meaning(_quantity(one), _unit(one), _number(one) - _number(zero))


def _corrected(meaning: Meaning, extensions: bytes) -> Meaning:
    """With the corrections among the extensions; what follows FF is the maker's, and FC begins other codes."""
    codes = [extensions[at] & ~MORE for at, size in steps(extensions) if size == 1]
    times = math.prod((FACTORS[code] for code in codes if code in FACTORS), start=meaning.times)
    return replace(meaning, times=times, plus=sum((ADDENDS[c] for c in codes if c in ADDENDS), Decimal(0)))


def _asked(block: bytes, data: bytes) -> dict[str, Any] | None:
    """What the library says of a record with this VIF; None when it cannot decode it."""
    try:
        answers: list[dict[str, Any]] = pymbusparser.parse_records((INTEGER32 + block + data).hex())
    except pymbusparser.MbusParserError:
        return None
    return answers[0] if len(answers) == 1 and answers[0]["value"]["kind"] == "decimal" else None


def _number(answer: dict[str, Any]) -> Decimal:
    return Decimal(answer["value"]["value"])


def _quantity(answer: dict[str, Any]) -> str:
    words = "".join(c if c.isalnum() else " " for c in (answer["quantities"] or ["unknown"])[0].lower()).split()
    return "_".join(words)


def _unit(answer: dict[str, Any]) -> str | None:
    unit = answer.get("unit")
    return UNITS.get(unit, unit) if unit is not None else None
