"""What captured DL/T 645 frames say, of meters and of masters, those that write included."""

from __future__ import annotations

from typing import Any

from drivers.bcd import BadValueError
from drivers.dlt645.codec import END, HEAD, LONGEST, SHIFT, START, TAIL, Decoder, Frame
from drivers.dlt645.fields import payload_fields
from drivers.dlt645.moment import written
from drivers.dlt645.order import order_fields
from drivers.dlt645.words import EDITION_1997, EDITION_2007, Edition
from drivers.explained import Explained, Hints

WITH_ITEM = ("read", "read_next", "read_again", "write")  # their data begins with an identifier
UNKNOWN = "unknown"
CLOCK_SIZE = 6  # ss mm hh DD MM YY


def explain_2007(raw: bytes, hints: Hints) -> list[Explained]:
    """The frames in a capture of the edition of 2007; at least one entry."""
    return _explain(raw, EDITION_2007)


def explain_1997(raw: bytes, hints: Hints) -> list[Explained]:
    """The frames in a capture of the edition of 1997; at least one entry."""
    return _explain(raw, EDITION_1997)


def _explain(raw: bytes, edition: Edition) -> list[Explained]:
    decoder = Decoder()
    frames = decoder.feed(raw) + decoder.flush()
    if not frames:
        return [_broken(raw, edition.protocol)]
    return [
        Explained(edition.protocol, True, frame.address, f"{frame.control:02X}", _fields(frame, edition))
        for frame in frames
    ]


def _broken(raw: bytes, protocol: str) -> Explained:
    """Why there is no frame: the best that any start in the bytes comes to, and who it says it is from."""
    found = {_fault_at(raw, start): start for start in range(len(raw) - 1, -1, -1) if raw[start] == START}
    fault = next((fault for fault in ("checksum", "no_end", "too_short") if fault in found), "no_frame")
    if fault != "checksum":
        return Explained(protocol, valid=False, error=fault)
    body = raw[found[fault] :][: HEAD + raw[found[fault] + HEAD - 1]]
    read, wanted = raw[found[fault] + len(body)], sum(body) & 0xFF
    fields = {"checksum": f"{read:02X}", "checksum_expected": f"{wanted:02X}", "note": "unproven"}
    return Explained(protocol, False, body[6:0:-1].hex().upper(), f"{body[8]:02X}", fields, fault)


def _fault_at(raw: bytes, start: int) -> str:
    head = raw[start : start + HEAD]
    if len(head) > 7 and head[7] != START:
        return "no_frame"
    if len(head) < HEAD:
        return "too_short"
    size = HEAD + head[9] + TAIL
    whole = raw[start : start + size]
    if head[9] > LONGEST:
        return "no_frame"
    if len(whole) < size:
        return "too_short"
    return "no_end" if whole[-1] != END else "checksum"


def _fields(frame: Frame, edition: Edition) -> dict[str, Any]:
    function = edition.functions.get(frame.function, UNKNOWN)
    fields: dict[str, Any] = {"function": function, "direction": _direction(frame)}
    if frame.has_more:
        fields["more"] = True
    if frame.is_reply and frame.is_error and (function != UNKNOWN or len(frame.data) == 1):
        return fields | _refusal(frame.data, edition)
    if function == UNKNOWN and frame.data:
        return fields | {"payload_le": frame.data.hex(), "raw": _as_sent(frame.data)}
    if function in WITH_ITEM and len(frame.data) >= edition.di_size:
        return fields | _item(frame, function, edition)
    if function in ("read_address", "write_address") and len(frame.data) == 6:
        return fields | {"meter_address": frame.data[::-1].hex().upper()}
    if function == "broadcast_time" and len(frame.data) == CLOCK_SIZE:
        return fields | {"payload_le": frame.data.hex(), "clock": _clock(frame.data)}
    if not frame.data:
        return fields
    told = order_fields(function, frame.data, edition.di_size < 4)
    return fields | ({"payload_le": frame.data.hex()} if told is None else told)


def _direction(frame: Frame) -> str:
    if not frame.is_reply:
        return "request"
    return "refusal" if frame.is_error else "reply"


def _refusal(data: bytes, edition: Edition) -> dict[str, Any]:
    if len(data) != 1:
        return {"payload_le": data.hex(), "raw": _as_sent(data)}
    return {"error_word": data[0], "errors": edition.error_words(data[0])}


def _item(frame: Frame, function: str, edition: Edition) -> dict[str, Any]:
    """Identifier and value; requests for the rest of a long answer, and in 2007 the rest too, are numbered."""
    di = frame.data[: edition.di_size][::-1].hex().upper()
    rest = frame.data[edition.di_size :]
    fields: dict[str, Any] = {}
    if function == "read_next" and rest and (edition.is_numbered or not frame.is_reply):
        fields, rest = {"sequence": rest[-1]}, rest[:-1]
    if function == "write" and not frame.is_reply:
        fields["masked"], rest = edition.masked, rest[edition.secret :]
    is_part = frame.has_more or function == "read_next"
    return {"di": di, **fields, **payload_fields(di, rest, is_part=is_part)}


def _clock(data: bytes) -> str | None:
    try:
        return written(data)
    except BadValueError:
        return None


def _as_sent(data: bytes) -> str:
    """Data of a function that nobody knows as they stood on the line: not every maker adds 33H."""
    return bytes((byte + SHIFT) & 0xFF for byte in data).hex()
