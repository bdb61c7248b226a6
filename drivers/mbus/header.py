"""What stands before the records of a telegram: who sends it, how the meter feels, whether it is encrypted."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.error import DeviceError
from drivers.mbus.address import Secondary, secondary_of
from drivers.mbus.link import Frame

# CI of what a meter sends; the bit 04H says that the high bytes come first. EN 13757-7; mbus-protocol.h of libmbus.
ERROR, LONG, LONG_MSB, FIXED, FIXED_MSB, NO_HEADER, SHORT = 0x70, 0x72, 0x76, 0x73, 0x77, 0x78, 0x7A
VARIABLE = (LONG, LONG_MSB, NO_HEADER, SHORT)
LONG_SIZE, SHORT_SIZE = 12, 4
FIXED_SIZE = 16
MODE = 0x1F  # of the configuration's high byte: how the records are encrypted, 0 is not at all
LAST_MODE = 15  # those above are not assigned; meters older than the field fill it (AMT calec_mb: FFFF)
BUSY, APPLICATION_ERROR, ALARM = 1, 2, 3  # the low two bits of the status
POWER_LOW, PERMANENT, TEMPORARY = 0x04, 0x08, 0x10
DECRYPTED = b"\x2f\x2f"  # begins what was encrypted and is in clear again

# The byte after CI 70H; mbus-protocol.h of libmbus, general application errors
REFUSALS = {
    0: "unspecified",
    1: "unimplemented_ci",
    2: "buffer_too_long",
    3: "too_many_records",
    4: "premature_end",
    5: "too_many_difes",
    6: "too_many_vifes",
    8: "busy",
    9: "too_many_readouts",
}


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a telegram; what its kind does not carry is None. `payload` is what follows it."""

    ci: int
    payload: bytes
    secondary: Secondary | None = None
    access: int | None = None
    status: int | None = None
    configuration: int = 0  # once called signature

    @property
    def mode(self) -> int:
        """How the records are encrypted; 0 when they are not, or are in clear again."""
        mode = self.configuration >> 8 & MODE
        return 0 if mode > LAST_MODE or self.payload.startswith(DECRYPTED) else mode

    @property
    def status_codes(self) -> list[str]:
        """What the status byte says, in words; EN 13757-7, 7.5.6, as in exmbus (tpl/status.ex)."""
        status = self.status or 0
        low = {BUSY: ["busy"], APPLICATION_ERROR: ["application_error"], ALARM: ["alarm"]}.get(status & 3, [])
        bits = {PERMANENT: "permanent_error", TEMPORARY: "temporary_error", POWER_LOW: "low_power"}
        found = low if self.ci not in (FIXED, FIXED_MSB) else []
        return found + [word for bit, word in bits.items() if status & bit]


def header_of(frame: Frame) -> Header:
    """The head of a reply; raises DeviceError: the meter's own error, or wrong_length, or unknown_reply."""
    data = frame.data
    match frame.ci:
        case 0x70:
            code = REFUSALS.get(data[0], f"code {data[0]:02X}") if data else "unspecified"
            raise DeviceError("busy" if code in ("busy", "too_many_readouts") else "device_error", code)
        case 0x72 | 0x76 if len(data) >= LONG_SIZE:
            high = frame.ci == LONG_MSB
            number, maker = _low_first(data[:4], high), _low_first(data[4:6], high)
            return Header(
                frame.ci,
                data[LONG_SIZE:],
                secondary_of(number + maker + data[6:8]),
                *_short(data[8:10] + _low_first(data[10:12], high)),
            )
        case 0x73 | 0x77 if len(data) == FIXED_SIZE:
            high = frame.ci == FIXED_MSB
            digits = _low_first(data[:4], high)[::-1].hex().upper()
            counters = _low_first(data[8:12], high) + _low_first(data[12:], high)
            return Header(frame.ci, data[6:8] + counters, Secondary(digits, "FFFF", "FF", "FF"), data[4], data[5])
        case 0x7A if len(data) >= SHORT_SIZE:
            return Header(frame.ci, data[SHORT_SIZE:], None, *_short(data[:SHORT_SIZE]))
        case 0x78:
            return Header(frame.ci, data)
        case 0x72 | 0x76 | 0x73 | 0x77 | 0x7A:
            raise DeviceError("wrong_length", f"{len(data)} bytes")
    raise DeviceError("unknown_reply", f"CI {frame.ci:02X}" if frame.ci is not None else "")


def _low_first(data: bytes, high: bool) -> bytes:
    return data[::-1] if high else data


def _short(data: bytes) -> tuple[int, int, int]:
    return data[0], data[1], int.from_bytes(data[2:4], "little")
