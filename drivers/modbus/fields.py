"""What a PDU says, field by field, as captures name it; questions of other masters that write included."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from drivers.modbus.pdu import BIT_FUNCTIONS, EXCEPTION
from drivers.modbus.shape import CONFORMITY, FOLLOWS, FUNCTIONS, MEI, MORE_FOLLOWS, NEXT_OBJECT, OBJECTS_AT, Side
from drivers.modbus.value import ordered
from drivers.profile import ByteOrder

WRITES = (5, 6, 15, 16, 21, 22, 23)
WITH_REGISTERS = (3, 4, 23)
EXCEPTIONS = {
    1: "illegal_function",
    2: "illegal_address",
    3: "illegal_value",
    4: "device_failure",
    5: "acknowledge",
    6: "busy",
    7: "negative_acknowledge",
    8: "memory_parity",
    10: "gateway_no_path",
    11: "gateway_no_reply",
}
OBJECTS = {0: "vendor", 1: "product_code", 2: "revision", 3: "url", 4: "product", 5: "model", 6: "application"}
# A number that a meter may show; registers that are integers hardly ever make only such floats.
SMALLEST, LARGEST = 1e-5, 1e10

SHOWN = "%.7g"  # the digits that every float32 carries; beyond them stands what the device's arithmetic left
FLOAT_ORDERS: dict[str, ByteOrder] = {"float32_abcd": "ABCD", "float32_cdab": "CDAB"}

Fields = dict[str, Any]


def fields_of(side: Side, pdu: bytes, base: int | None, count: int | None) -> Fields:
    """The fields of a whole PDU; `base` and `count` are what a reply answers to, where that is known."""
    function = pdu[0] & ~EXCEPTION
    found: Fields = {"fc": function, "function": FUNCTIONS.get(function, "unknown"), "direction": side.value}
    if pdu[0] & EXCEPTION:
        return found | {"exception": pdu[1], "exception_word": EXCEPTIONS.get(pdu[1], "device_error")}
    if function in WRITES:
        found["writes"] = True
    if function == MEI and side == Side.REPLY:
        return found | _identification(pdu)
    if side == Side.REQUEST:
        return found | _REQUESTS.get(function, _bare)(pdu)
    if function in BIT_FUNCTIONS:
        return found | _bits(pdu[2:], base, count)
    if function in WITH_REGISTERS:
        return found | _registers(pdu[2:], base)
    if function in (5, 6, 22):  # the question given back
        return found | _REQUESTS[function](pdu)
    if function in (15, 16):
        return found | _range(pdu)
    return found | _bare(pdu)


def _range(pdu: bytes) -> Fields:
    return {"addr": _word(pdu, 1), "count": _word(pdu, 3)}


def _bare(pdu: bytes) -> Fields:
    return {"data": pdu[1:].hex()} if len(pdu) > 1 else {}


def _words(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2]))


_REQUESTS: dict[int, Callable[[bytes], Fields]] = {
    **dict.fromkeys((1, 2, 3, 4), _range),
    5: lambda pdu: {"addr": _word(pdu, 1), "bits": [int(pdu[3] == 0xFF)]},
    6: lambda pdu: {"addr": _word(pdu, 1), "registers": [_word(pdu, 3)]},
    15: lambda pdu: {**_range(pdu), "bits": _bit_list(pdu[6:], _word(pdu, 3))},
    16: lambda pdu: {**_range(pdu), "registers": _words(pdu[6:])},
    22: lambda pdu: {"addr": _word(pdu, 1), "and_mask": _word(pdu, 3), "or_mask": _word(pdu, 5)},
    23: lambda pdu: {
        **_range(pdu),
        "write_addr": _word(pdu, 5),
        "write_count": _word(pdu, 7),
        "write_registers": _words(pdu[10:]),
    },
}


def _bits(data: bytes, base: int | None, count: int | None) -> Fields:
    bits = _bit_list(data, 8 * len(data) if count is None else count)
    found: Fields = {"bits": bits}
    if base is not None:
        found |= {"addr": base, "by_address": {str(base + i): bit for i, bit in enumerate(bits)}}
    return found


def _registers(data: bytes, base: int | None) -> Fields:
    words = _words(data)
    found: Fields = {"registers": words}
    for name, order in FLOAT_ORDERS.items():
        floats = _floats(data, order)
        if floats:
            found[name] = floats
            break
    if base is not None:
        found |= {"addr": base, "by_address": {str(base + i): word for i, word in enumerate(words)}}
    return found


def _floats(data: bytes, order: ByteOrder) -> list[float | None] | None:
    """All registers as float32, None for one that is no number; None where they can hardly be meant so."""
    if not data or len(data) % 4:
        return None
    pairs = [ordered(data[i : i + 4], order) for i in range(0, len(data), 4)]
    values = [struct.unpack(">f", pair)[0] for pair in pairs]
    there = [v for v in values if not math.isnan(v)]
    if not there or not all(v == 0 or SMALLEST <= abs(v) <= LARGEST for v in there):
        return None
    if order != "ABCD" and not any(there):
        return None
    return [None if math.isnan(v) else v if v.is_integer() else float(SHOWN % v) for v in values]


def _identification(pdu: bytes) -> Fields:
    """The objects of a reply to function 43, MEI type 14, those of a maker's own by their number."""
    found: Fields = {"conformity": f"{pdu[CONFORMITY]:02X}", "more_follows": pdu[MORE_FOLLOWS] == FOLLOWS}
    found["next_object"] = f"{pdu[NEXT_OBJECT]:02X}" if found["more_follows"] else None
    at = OBJECTS_AT
    while at + 2 <= len(pdu):
        size = pdu[at + 1]
        said = pdu[at + 2 : at + 2 + size]
        text = said.decode("latin-1")
        found[OBJECTS.get(pdu[at], f"object_{pdu[at]:02X}")] = text if text.isprintable() else said.hex()
        at += 2 + size
    return found


def _bit_list(data: bytes, count: int) -> list[int]:
    return [data[i // 8] >> i % 8 & 1 for i in range(min(count, 8 * len(data)))]


def _word(pdu: bytes, at: int) -> int:
    return int.from_bytes(pdu[at : at + 2], "big")
