"""What captured CJ/T 188-2004 bytes say: requests and replies, also those that this gateway can never build.

`fields` have the names of shared/vectors/captures.jsonl, which place every reply as the standard does;
`readings` are the values by the layout that fits the reply, where makers differ from it. A reply that no layout
is near to gives its bytes and nothing else.
"""

from __future__ import annotations

from typing import Any

from drivers.cjt188.codec import ECHO, END, ERROR, HEAD, REPLY, START, TAIL, AnyDecoder, Decoder, Frame, checksum
from drivers.cjt188.fit import Fit, fits, laid
from drivers.cjt188.layout import METERED, MONTH_ENDS, NOT_TOLD, Part, table, unit_of
from drivers.cjt188.value import local_time, status_codes
from drivers.explained import Explained, Hints

PROTOCOL = "cjt188-2004"
WRITES = {0x04, 0x15, 0x16}  # controls of other masters: data, address, register
REFUSAL_SIZE, STATUS_SIZE, CLOCK_SIZE, ADDRESS_SIZE = 3, 2, 7, 7
VALVE_ORDERS = {0x55: "open", 0x99: "close"}  # CJT-188-2004.h of KingDa-NBWaterMeterCode-BC95
WATER_NAMES = {"volume": "current", "settled_volume": "settle"}
HEAT_NAMES = {
    "settled_heat": "settle_day_heat",
    "cooling_energy": "settle_day_heat",
    "heat_energy": "current_heat",
    "heat_power": "heat_power",
    "flow": "flow_rate",
    "volume": "total_volume",
    "supply_temperature": "supply_temp",
    "return_temperature": "return_temp",
    "hours": "work_hours",
}


def explain(raw: bytes, hints: Hints) -> list[Explained]:
    """Every frame in the bytes; when there is none, one entry that says best why. A reply needs no hint."""
    decoder = AnyDecoder()
    frames = decoder.feed(raw)
    while more := decoder.flush():
        frames += more
    return [_explained(frame) for frame in frames] or [_broken(raw)]


def _explained(frame: Frame) -> Explained:
    """The address as captured: lower case where it is a wildcard."""
    fields: dict[str, Any] = {
        "meter_type": f"{frame.meter_type:02X}",
        "maker": frame.address[:4].lower(),
        "direction": "reply" if frame.is_reply else "request",
        "function": table().controls.get(f"{frame.control & ~(REPLY | ERROR):02X}"),
    }
    fields |= _refused(frame.data) if frame.is_error else _told(frame)
    return Explained(PROTOCOL, True, frame.address.lower(), f"{frame.control:02X}", fields)


def _told(frame: Frame) -> dict[str, Any]:
    """The data of a frame that is no refusal."""
    if len(frame.data) < ECHO:
        return {"payload": frame.data.hex(), "reason": "wrong_length"} if frame.data else {}
    wire, body = frame.data[:2], frame.data[ECHO:]
    di = _identifier(wire)
    fields: dict[str, Any] = _head(wire, di, frame.data[2])
    if not body:
        return fields
    if not frame.is_reply or frame.control & ~REPLY in WRITES:
        return fields | _written(di, body, frame.is_reply)
    found = fits(di, frame.meter_type, body)
    if not found:
        return fields | {"payload": body.hex()}
    if not found[0].is_near:
        reason = "not_bcd" if found[0].is_long_enough else "wrong_length"
        return fields | {"payload": body.hex(), "fits": [], "reason": reason}
    return fields | _by_layout(di, body, found)


def _head(wire: bytes, di: str, serial: int) -> dict[str, Any]:
    month = {"month": MONTH_ENDS.index(di) + 1} if di in MONTH_ENDS else {}
    name = "month_end" if month else table().identifiers.get(di)
    return {"di_wire": wire.hex().upper(), "di": di, "identifier": name, "ser": serial, **month}


def _identifier(wire: bytes) -> str:
    """As the standard prints it, whichever byte the maker sends first."""
    known = {*table().identifiers, *MONTH_ENDS}
    turned = wire[::-1].hex().upper()
    return turned if turned in known and wire.hex().upper() not in known else wire.hex().upper()


def _by_layout(di: str, body: bytes, found: list[Fit]) -> dict[str, Any]:
    """A reply by the standard's names, and by the layout that fits it best."""
    best, good = found[0], [fit for fit in found if fit.is_good]
    fields: dict[str, Any] = {}
    if di not in table().others:
        fields |= {"layout": best.layout, "fits": [fit.layout for fit in good]}
    fields["readings"] = _readings(best)
    for fit in good:
        others = {name: said | {"layout": fit.layout} for name, said in _readings(fit).items()}
        fields["readings"] |= {name: said for name, said in others.items() if name not in fields["readings"]}
    if di in table().others:
        fields |= _statuses(best)
    elif best.is_heat:
        standard = laid("heat", di, body)
        fields["standard_fits"] = standard.is_good or not good
        fields["fields"] = _heat(standard if standard.is_long_enough else best)
        fields |= {name: value for name, value in _statuses(best).items() if name in ("clock", "status_bits")}
    else:
        fields |= _water(best) | _statuses(best)
    if not best.is_long_enough:
        fields |= {"reason": "wrong_length", "bytes_expected": best.wanted + ECHO, "spare": best.spare.hex()}
    return fields


def _readings(fit: Fit) -> dict[str, dict[str, Any]]:
    """Each number with its unit; where there is none, why, and what stands in the place of the unit."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in fit.values.items():
        part, raw = fit.parts[name]
        if not raw:
            continue
        found[name] = {"value": value.number, "unit": value.unit, "reason": value.reason}
        if value.reason == "wrong_unit":
            found[name]["note"] = _no_unit(part, raw, fit.unit_first)
    return found


def _no_unit(part: Part, raw: bytes, unit_first: bool) -> str:
    if part.kind == "number":
        return "unit_not_sent"
    code = raw[0] if unit_first else raw[-1]
    return "unit_not_told" if code == NOT_TOLD else "unit_unknown" if unit_of(code) is None else "unit_of_another_kind"


def _water(fit: Fit) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part, name in WATER_NAMES.items():
        if part in fit.values and fit.parts[part][1]:
            fields |= {name: fit.values[part].number, f"{name}_unit": fit.values[part].unit}
    return fields


def _heat(fit: Fit) -> dict[str, Any]:
    """An amount is its digits and its unit byte, whatever that byte is worth."""
    fields: dict[str, Any] = {}
    for part_name, (part, raw) in fit.parts.items():
        if part.kind == "amount" and len(raw) == part.width:
            code = raw[0] if fit.unit_first else raw[-1]
            fields[HEAT_NAMES[part_name]] = [fit.values[part_name].number, f"{code:02X}"]
        elif part.kind == "number" and raw:
            fields[HEAT_NAMES[part_name]] = fit.values[part_name].number
    return fields | {name: raw for name, raw in _statuses(fit).items() if name in ("clock_le", "status")}


def _statuses(fit: Fit) -> dict[str, Any]:
    """The clock as sent and in ISO form without a zone, the status as sent and its bits in words as codes.

    A status stands where it should only when the layout fits, or when there is a date before it.
    """
    fields: dict[str, Any] = {}
    for name, (part, raw) in fit.parts.items():
        if part.kind == "clock" and raw:
            moment = local_time(raw)
            fields |= {"clock_le": raw.hex(), "clock": moment.isoformat() if moment else None}
        elif part.kind in ("status", "word") and raw:
            fields[name] = raw.hex()
            if part.kind == "status" and (fit.is_good or fields.get("clock")):
                fields["status_bits"] = status_codes(raw)
    return fields


def _refused(data: bytes) -> dict[str, Any]:
    """Serial number and status; some makers repeat the identifier and give one byte as the reason."""
    fields: dict[str, Any] = {"refused": True}
    if len(data) == REFUSAL_SIZE:
        return fields | {"ser": data[0], "status": data[1:].hex(), "status_bits": status_codes(data[1:])}
    if len(data) > REFUSAL_SIZE and _identifier(data[:2]) in {METERED, *MONTH_ENDS, *table().identifiers}:
        return fields | _head(data[:2], _identifier(data[:2]), data[2]) | {"code": data[ECHO:].hex()}
    return fields | {"payload": data.hex()}


def _written(di: str, body: bytes, is_reply: bool) -> dict[str, Any]:
    """What another master writes, and what the meter says to it."""
    fields: dict[str, Any] = {"payload": body.hex()}
    if is_reply and len(body) == STATUS_SIZE:
        return fields | {"status": body.hex(), "status_bits": status_codes(body)}
    if di == "A017" and len(body) == 1:
        fields["valve"] = VALVE_ORDERS.get(body[0])
    if di == "A015" and len(body) == CLOCK_SIZE:
        moment = local_time(body)
        fields |= {"clock_le": body.hex(), "clock": moment.isoformat() if moment else None}
    if di == "A018" and len(body) == ADDRESS_SIZE:
        fields["new_address"] = body[::-1].hex()
    return fields


def _broken(raw: bytes) -> Explained:
    """The first start that could be one says what is wrong: too_short, no_end, checksum, or no_frame.

    Of a frame whose checksum alone is wrong, address and control are told as they were read.
    """
    starts = [at for at, byte in enumerate(raw) if byte == START]
    likely = [at for at in starts if at + 1 < len(raw) and Decoder().is_type(raw[at + 1])]
    found = [(at, *_fault(raw[at:])) for at in likely or starts]
    first = found[0] if found else (0, "no_frame", {})
    at, fault, fields = next((f for f in found if f[1] == "checksum"), first)
    if fault != "checksum":
        return Explained(PROTOCOL, False, fields=fields, error=fault)
    frame = Decoder().frame(raw[at:])
    return Explained(PROTOCOL, False, frame.address.lower(), f"{frame.control:02X}", fields, fault)


def _fault(raw: bytes) -> tuple[str, dict[str, Any]]:
    if len(raw) < HEAD:
        return "too_short", {"bytes": len(raw)}
    length = HEAD + raw[HEAD - 1] + TAIL
    if len(raw) < length:
        return "too_short", {"bytes": len(raw), "bytes_expected": length}
    if raw[length - 1] != END:
        return "no_end", {"bytes_expected": length}
    wanted = checksum(raw[: length - TAIL])
    read = f"{raw[length - TAIL]:02X}"
    return "checksum", {"checksum": read, "checksum_expected": f"{wanted:02X}", "note": "unproven"}
