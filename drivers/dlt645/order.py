"""What the orders of other masters say in DL/T 645; passwords and operator codes are never told.

Layouts: PyPI dlt645 3.2.0, dlt645/service/clientsvc/client_service.py (16H, 1BH); comments on 1CH in a
concentrator's and in a test bench's source in public repositories that the search does not name, and the published
order FE..68 0900510503 26 68 1C 10 .. of a smart meter gateway. Baud rates: bits 3 to 5 of
sulfurandcu/dlt645-tool, dlt645_table_parameter.json, 04000703; bit 2 as in dlt645 3.2.0, dlt645_type.py.
"""

from __future__ import annotations

from typing import Any

from drivers.bcd import BadValueError, digits
from drivers.dlt645.moment import written

SECRET = 8  # password and operator code before the rest of an order, edition of 2007
RELAY_ORDERS = {
    0x1A: "trip",
    0x1B: "allow_closing",
    0x1C: "close",
    0x1D: "trip_and_reclose",
    0x1E: "trip_and_reclose",
    0x2A: "alarm_on",
    0x2B: "alarm_off",
    0x3A: "keep_supply_on",
    0x3B: "keep_supply_off",
}
RELAY_SIZE = SECRET + 8  # then order, one reserved byte and until when it is valid; enciphered orders are longer
EVENTS_SIZE = SECRET + 4  # then the identifier of what is cleared
FREEZE_SIZE = 4  # mm hh DD MM
EVERY = "99"  # in the place of a month, day, hour or minute: every one
PERIODS = ("at_once", "hourly", "daily", "monthly", "once")  # by how many of the four are not 99
BAUDS = {0x04: 1200, 0x08: 2400, 0x10: 4800, 0x20: 9600}
BOTH = ["password", "operator"]
Fields = dict[str, Any]


def order_fields(function: str, data: bytes, is_old: bool) -> Fields | None:
    """What stands in an order or in the meter's word to it; None for what is no order with a secret or a code."""
    if function == "relay":
        return _relay(data)
    if function == "freeze" and len(data) == FREEZE_SIZE:
        return {"payload_le": data.hex()} | _when(data)
    if function == "set_baud" and len(data) == 1:
        return {"payload_le": data.hex(), "baud": BAUDS.get(data[0])}
    if function == "clear_events" and len(data) == EVENTS_SIZE:
        return {"masked": BOTH, "di": data[SECRET:][::-1].hex().upper()}
    if function == "authenticate":
        return _authenticate(data)
    if function == "set_password":
        return {"masked": ["password"]} | ({} if is_old else _identifier(data))
    return {"masked": BOTH, "bytes": len(data)} if function in ("clear_demand", "clear_meter", "clear_events") else None


def _relay(data: bytes) -> Fields:
    """The order and how long it is valid; of an enciphered one only its length."""
    if len(data) != RELAY_SIZE:
        return {"masked": BOTH, "bytes": len(data)}
    code = data[SECRET]
    fields: Fields = {"masked": BOTH, "order": RELAY_ORDERS.get(code), "order_code": f"{code:02X}"}
    try:
        return fields | {"valid_until": written(data[SECRET + 2 :])}
    except BadValueError as error:
        return fields | {"valid_until": None, "reason": error.reason}


def _when(data: bytes) -> Fields:
    """When the meter shall freeze its values."""
    try:
        found = digits(data)
    except BadValueError as error:
        return {"problem": error.reason}
    month, day, hour, minute = (found[i : i + 2] for i in range(0, len(found), 2))
    fixed = sum(part != EVERY for part in (month, day, hour, minute))
    return {"freeze": PERIODS[fixed], "moment": None if not fixed else f"{month}-{day} {hour}:{minute}"}


def _authenticate(data: bytes) -> Fields:
    """Which step of the authentication; what follows is enciphered or belongs to it."""
    return {"masked": ["authentication"], "bytes": len(data)} | _identifier(data)


def _identifier(data: bytes) -> Fields:
    return {"di": data[:4][::-1].hex().upper()} if len(data) >= 4 else {}
