"""What the control codes and error words of DL/T 645 are called, those of other masters included."""

from __future__ import annotations

from dataclasses import dataclass

# Codes of what a master asks for. 2007: github.com/wqs-base/libDLT645, include/dlt645/dlt645_types.h,
# and blog.csdn.net/hanhui22/article/details/121776632 for 03, 1C and 1D; 1997:
# github.com/bobyuxinyang/dlt645_1997, dlt645_api_97.h.
FUNCTIONS_2007 = {
    0x03: "authenticate",
    0x08: "broadcast_time",
    0x11: "read",
    0x12: "read_next",
    0x13: "read_address",
    0x14: "write",
    0x15: "write_address",
    0x16: "freeze",
    0x17: "set_baud",
    0x18: "set_password",
    0x19: "clear_demand",
    0x1A: "clear_meter",
    0x1B: "clear_events",
    0x1C: "relay",
    0x1D: "set_output",
}
FUNCTIONS_1997 = {
    0x01: "read",
    0x02: "read_next",
    0x03: "read_again",
    0x04: "write",
    0x08: "broadcast_time",
    0x0A: "write_address",
    0x0C: "set_baud",
    0x0F: "set_password",
    0x10: "clear_demand",
}
# Bits of the error word, from bit 0; shared/protocols.md 2.1, the years and tariffs of 1997 as in
# dlt645_api_97.h and in the log of KTS-Intek/DLT645.
ERRORS_2007 = (
    "other error",
    "no requested data",
    "password or not authorised",
    "baud not changeable",
    "year zones exceeded",
    "day periods exceeded",
    "tariffs exceeded",
)
ERRORS_1997 = (
    "illegal data",
    "DI error",
    "password or not authorised",
    "",
    "year zones exceeded",
    "day periods exceeded",
    "tariffs exceeded",
)


@dataclass(frozen=True, slots=True)
class Edition:
    """What the two editions differ in for somebody who reads along."""

    protocol: str
    di_size: int  # bytes of an identifier
    functions: dict[int, str]
    errors: tuple[str, ...]
    secret: int  # bytes of password and operator that a write carries before its data
    masked: list[str]  # what that is
    is_numbered: bool  # whether what follows a long answer carries a sequence number for certain

    def error_words(self, word: int) -> list[str]:
        """The bits of an error word; one without a name by its number."""
        bits = [bit for bit in range(8) if word >> bit & 1]
        return [self.errors[bit] if bit < len(self.errors) and self.errors[bit] else f"bit {bit}" for bit in bits]


EDITION_2007 = Edition("dlt645-2007", 4, FUNCTIONS_2007, ERRORS_2007, 8, ["password", "operator"], True)
EDITION_1997 = Edition("dlt645-1997", 2, FUNCTIONS_1997, ERRORS_1997, 4, ["password"], False)
