"""Where one record of a telegram ends and the next begins, so that a faulty one does not hide the others."""

from __future__ import annotations

from dataclasses import dataclass

FILLER = 0x2F
MAKERS, MORE = 0x0F, 0x1F  # DIF: the rest is the maker's own; the same, and another telegram follows
EXTENSION = 0x80
LARGEST_CHAIN = 11  # a DIF or VIF with its ten extensions
PLAIN_TEXT, PLAIN_TEXT_EXTENDED = 0x7C, 0xFC
LONGEST_TEXT = 0x1F  # of a plain-text unit; correction extensions have larger codes
SPECIAL, VARIABLE = 0xF, 0xD  # the low four bits of a DIF
# Bytes of data by the low four bits of the DIF; EN 13757-3, data field codes; libmbus, mbus_dif_datalength_lookup.
SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 8: 0, 9: 1, 0xA: 2, 0xB: 3, 0xC: 4, 0xE: 6}
LVAR_NUMBER, LVAR_LONG = 0xC0, 0xF0  # a length below the first is one of text
LVAR_BYTES = {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}
BCD = (9, 0xA, 0xB, 0xC, 0xE)
INTEGER = (1, 2, 3, 4, 6, 7)


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as sent: `text` is the plain text of its unit with the length before it."""

    dif: bytes
    vif: bytes
    text: bytes
    data: bytes

    @property
    def coding(self) -> int:
        """The low four bits of the DIF."""
        return self.dif[0] & 0xF

    @property
    def is_special(self) -> bool:
        """Whether it is the maker's own tail, with or without another telegram to follow."""
        return not self.vif

    @property
    def wire(self) -> bytes:
        """As EN 13757-3 of 2018 orders it: the plain text after the last extension."""
        return self.dif + self.vif + self.text + self.data


def cut(payload: bytes) -> tuple[list[Raw], bytes]:
    """The records, and what is left where one cannot be told from the next."""
    found: list[Raw] = []
    at = 0
    while at < len(payload):
        if payload[at] == FILLER:
            at += 1
            continue
        if payload[at] in (MAKERS, MORE):
            found.append(Raw(payload[at : at + 1], b"", b"", payload[at + 1 :]))
            return found, b""
        raw, size = _record(payload[at:])
        if raw is None:
            return found, payload[at:]
        found.append(raw)
        at += size
    return found, b""


def is_followed(records: list[Raw]) -> bool:
    """Whether the meter has another telegram to say."""
    return bool(records) and records[-1].dif[0] == MORE


def _record(data: bytes) -> tuple[Raw | None, int]:
    """The record at the beginning and its size; None when it has no end in these bytes."""
    dif = _chain(data)
    if dif is None or dif[0] & 0xF == SPECIAL:
        return None, 0
    block = _value_block(data[len(dif) :])
    if block is None:
        return None, 0
    vif, text, taken = block
    at = len(dif) + taken
    size = _size(dif[0], data[at:])
    if size is None or at + size > len(data):
        return None, 0
    return Raw(dif, vif, text, data[at : at + size]), at + size


def _chain(data: bytes) -> bytes | None:
    """A byte and its extensions, each of which but the last has its top bit set."""
    for count, byte in enumerate(data[:LARGEST_CHAIN], 1):
        if not byte & EXTENSION:
            return data[:count]
    return None


def _value_block(data: bytes) -> tuple[bytes, bytes, int] | None:
    """VIF with its extensions, plain text, and the bytes that they take.

    EN 13757-3 puts the text of an extended VIF after the last extension, meters of Elvaco before the
    first one; a length is smaller than the code of any correction that stands with a text.
    """
    if data[:1] == bytes([PLAIN_TEXT_EXTENDED]) and len(data) > 1 and _is_text(data[1:]):
        end = 2 + data[1]
        rest = _chain(data[end:])
        return None if rest is None else (data[:1] + rest, data[1:end], end + len(rest))
    vif = _chain(data)
    if vif is None:
        return None
    if vif[0] not in (PLAIN_TEXT, PLAIN_TEXT_EXTENDED):
        return vif, b"", len(vif)
    rest = data[len(vif) :]
    if not rest or 1 + rest[0] > len(rest):
        return None
    text = rest[: 1 + rest[0]]
    return vif, text, len(vif) + len(text)


def _is_text(data: bytes) -> bool:
    text = data[1 : 1 + data[0]]
    return 0 < data[0] <= LONGEST_TEXT and len(text) == data[0] and all(0x20 <= c < 0x7F or c > 0xA0 for c in text)


def _size(dif: int, data: bytes) -> int | None:
    """Bytes of the data, the length of a variable one included; EN 13757-3, LVAR codes, as pymbusparser counts them."""
    if dif & 0xF != VARIABLE:
        return SIZES[dif & 0xF]
    if not data:
        return None
    length = data[0]
    if length < LVAR_NUMBER:
        return 1 + length
    if length < LVAR_LONG:  # BCD of two digits a byte, positive C0 and negative D0; binary E0
        return 1 + (length & 0xF)
    return 1 + LVAR_BYTES[length] if length in LVAR_BYTES else None
