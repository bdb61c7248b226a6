"""What captured M-Bus bytes say: link layer, meter and records, also of frames that this gateway never builds.

`slave` and `records` have the words of libmbus (see `drivers.mbus.libmbus`); `items` has the same
records under the names that a profile uses.
"""

from __future__ import annotations

from typing import Any

from drivers.error import DeviceError
from drivers.explained import Explained, Hints
from drivers.mbus import libmbus
from drivers.mbus.address import secondary_of
from drivers.mbus.header import Header, header_of
from drivers.mbus.link import (
    ACD,
    ACK_CHARACTER,
    DFC,
    END,
    FCB,
    FCV,
    LONG_START,
    OVERHEAD,
    PRM,
    REQ_UD1,
    REQ_UD2,
    RSP_UD,
    SECONDARY_SIZE,
    SELECT,
    SELECT_MSB,
    SELECTED,
    SHORT_SIZE,
    SHORT_START,
    SND_NKE,
    SND_UD,
    Ack,
    Decoder,
    Frame,
)
from drivers.mbus.records import Record
from drivers.mbus.telegram import Telegram, records, taken_apart

PROTOCOL = "mbus"
KINDS = {SND_NKE: "SND_NKE", SND_UD: "SND_UD", REQ_UD2: "REQ_UD2", REQ_UD1: "REQ_UD1"}
# CI of what a master sends, none of which this gateway builds but the selection.
# mbus-protocol.h of libmbus; the bit 04H says that the high bytes come first.
COMMANDS = {
    0x50: "application_reset",
    0x51: "data_send",
    0x52: "select",
    0x54: "synchronize",
    0x55: "data_send",
    0x56: "select",
    **{0xB8 + step: f"set_baud_{baud}" for step, baud in enumerate((300, 600, 1200, 2400, 4800, 9600, 19200, 38400))},
}
REPLIES = {
    0x70: "application_error",
    0x71: "alarm",
    0x72: "variable_data",
    0x73: "fixed_data",
    0x76: "variable_data_high_first",
    0x77: "fixed_data_high_first",
    0x78: "variable_data_without_header",
    0x7A: "variable_data_short_header",
}


def explain(raw: bytes, hints: Hints) -> list[Explained]:
    """Every frame in the bytes; when there is none, one entry that says best why. A reply needs no hint.

    An E5 among bytes of no frame is more likely one of them than an acknowledgement.
    """
    decoder = Decoder()
    frames = decoder.feed(raw)
    while more := decoder.flush():
        frames += more
    whole = decoder.dropped + decoder.pending == 0
    told = [_explained(frame) for frame in frames if whole or not isinstance(frame, Ack)]
    return told or [Explained(PROTOCOL, False, error=_fault(raw))]


def _explained(frame: Ack | Frame) -> Explained:
    if isinstance(frame, Ack):
        return Explained(PROTOCOL, True, control=f"{ACK_CHARACTER:02X}", fields={"kind": "ACK", "direction": "reply"})
    fields = _link(frame)
    if frame.control & PRM:
        return Explained(PROTOCOL, True, _address(frame), f"{frame.control:02X}", fields | _command(frame))
    if frame.is_reply:
        fields |= _reply(frame)
    return Explained(PROTOCOL, True, _address(frame), f"{frame.control:02X}", fields)


def _link(frame: Frame) -> dict[str, Any]:
    """The bits of C, whose meaning the direction decides, and the addresses with a meaning of their own."""
    from_master = bool(frame.control & PRM)
    bits = {"fcb": FCB, "fcv": FCV} if from_master else {"acd": ACD, "dfc": DFC}
    plain = frame.control & ~(FCB | FCV)
    kind = next((name for code, name in KINDS.items() if code & ~FCV == plain), None)
    if not from_master and plain == RSP_UD:
        kind = "RSP_UD"
    fields: dict[str, Any] = {
        "kind": kind or "unknown",
        "direction": "request" if from_master else "reply",
        "c": f"{frame.control:02X}",
        "a": frame.address,
        **{name: bool(frame.control & bit) for name, bit in bits.items()},
    }
    if frame.ci is not None:
        names = COMMANDS if from_master else REPLIES
        fields |= {"ci": f"{frame.ci:02X}", "ci_means": names.get(frame.ci, "unknown")}
    return fields


def _address(frame: Frame) -> str:
    """The secondary address where one is selected, else the primary one."""
    selects = frame.address == SELECTED and frame.ci in (SELECT, SELECT_MSB) and frame.control & PRM
    if selects and len(frame.data) >= SECONDARY_SIZE:
        return str(secondary_of(frame.data))
    return str(frame.address)


def _command(frame: Frame) -> dict[str, Any]:
    """A command of a master; what it writes stays as it is."""
    if frame.ci is None:
        return {}
    if frame.ci in (SELECT, SELECT_MSB):
        return {"selects": _address(frame)}
    return {"writes": True, "payload": frame.data.hex()}


def _reply(frame: Frame) -> dict[str, Any]:
    """Who sends and what; records that are encrypted, or that have no end, are said to be so."""
    try:
        header = header_of(frame)
    except DeviceError as error:
        return {"refused": error.reason, "detail": error.detail, "payload": frame.data.hex()}
    fields: dict[str, Any] = {"slave": libmbus.slave(header), "status_codes": header.status_codes}
    if header.secondary is not None:
        fields["secondary_address"] = str(header.secondary)
    telegram = taken_apart(header)
    if header.mode:
        fields["encrypted"] = f"mode {header.mode}"
        if not _is_readable(telegram):
            return fields | {"records": [], "items": [], "payload": header.payload.hex()}
    return fields | _told(telegram, header)


def _told(telegram: Telegram, header: Header) -> dict[str, Any]:
    said = [record for record in records([telegram]) if record.name.quantity != "status"]
    fields: dict[str, Any] = {
        "records": [libmbus.listed(record) for record in said],
        "items": [_item(record) for record in said],
        "more_follows": telegram.is_followed,
    }
    if telegram.rest:
        fields |= {"rest": telegram.rest.hex(), "reason": "premature_end"}
    return fields


def _is_readable(telegram: Telegram) -> bool:
    """Whether the records are in clear although the head says otherwise; meters older than the field fill it."""
    said = records([telegram])
    known = [r for r in said if r.raw is not None and not r.raw.is_special]
    return not telegram.rest and len(known) > 1 and all(r.reason is None for r in known)


def _item(record: Record) -> dict[str, Any]:
    """Under the name that a profile uses, in the unit of the telegram."""
    value: Any = record.value if record.text is None else record.text
    if record.time is not None:
        value = record.time.isoformat()
    return {"record": str(record.name), "value": value, "unit": record.unit, "reason": record.reason}


def _fault(raw: bytes) -> str:
    """Why no frame is found, by the one that comes closest."""
    found = {_fault_at(raw, at) for at, byte in enumerate(raw) if byte in (SHORT_START, LONG_START)}
    order = ("checksum", "no_end", "too_short", "wrong_length")
    return next((fault for fault in order if fault in found), "no_frame")


def _fault_at(raw: bytes, at: int) -> str:
    """What is wrong with the frame that would begin here."""
    if raw[at] == SHORT_START:
        part = raw[at : at + SHORT_SIZE]
        if len(part) < SHORT_SIZE:
            return "too_short"
        return "checksum" if part[-1] == END and part[1] & PRM else "no_frame"
    head = raw[at : at + 4]
    if len(head) < 4:
        return "too_short"
    if head[3] != LONG_START:
        return "no_frame"
    if head[1] != head[2]:
        return "wrong_length"
    part = raw[at : at + head[1] + OVERHEAD]
    if len(part) < head[1] + OVERHEAD:
        return "too_short"
    return "checksum" if part[-1] == END else "no_end"
