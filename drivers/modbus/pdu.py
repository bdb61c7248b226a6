"""The part of Modbus that RTU and TCP share, without I/O: reads out, replies in, registers to numbers.

A PDU is a function code and its data. Functions 1 to 4 read; nothing else can be built here.
"""

from __future__ import annotations

import math
import struct

from drivers.profile import Item

READS = (1, 2, 3, 4)
BIT_FUNCTIONS = (1, 2)
EXCEPTION = 0x80
MOST_REGISTERS, MOST_BITS = 125, 2000
LONGEST_PDU = 253
REQUEST = struct.Struct(">BHH")
REASONS = {
    1: "illegal_function",
    2: "illegal_address",
    3: "illegal_value",
    4: "device_failure",
    5: "busy",  # accepted, takes long
    6: "busy",
    10: "no_reply",  # the gateway has no path to the device
    11: "no_reply",  # the device behind the gateway is silent
}
FORMATS = {
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
}


def read_pdu(function: int, start: int, count: int) -> bytes:
    """Ask for `count` registers or bits; raises ValueError for a function that does not read."""
    most = MOST_BITS if function in BIT_FUNCTIONS else MOST_REGISTERS
    if function not in READS or not 1 <= count <= most or start + count > 65536:
        raise ValueError((function, start, count))
    return REQUEST.pack(function, start, count)


def data_size(asked: bytes) -> int:
    """How many bytes of data answer a read."""
    count = int.from_bytes(asked[3:5], "big")
    return (count + 7) // 8 if asked[0] in BIT_FUNCTIONS else 2 * count


def answers(pdu: bytes, asked: bytes) -> bool:
    """Whether a PDU is the reply to a read or its refusal; the read itself, given back, is neither."""
    if pdu[0] == asked[0] | EXCEPTION:
        return len(pdu) == 2
    size = data_size(asked)
    return pdu != asked and pdu[0] == asked[0] and len(pdu) == 2 + size and pdu[1] == size


def width(item: Item) -> int:
    """Registers that an item takes, or 1 for a bit."""
    return 1 if item.function in BIT_FUNCTIONS else struct.calcsize(FORMATS[item.type]) // 2


def number(raw: bytes, item: Item) -> float | None:
    """The value of an item's registers in the wire's unit; None when the device says it has none."""
    data = _ordered(raw, item.order)
    value = struct.unpack(">" + FORMATS[item.type], data)[0]
    if value in item.absent or int.from_bytes(data, "big") in item.absent:
        return None
    scaled = float(value) * item.scale + item.offset
    return scaled if math.isfinite(scaled) else None


def registers(value: float, item: Item) -> bytes:
    """The registers of a value in the wire's unit, for the simulator."""
    raw = (value - item.offset) / item.scale
    code = FORMATS[item.type]
    return _ordered(struct.pack(">" + code, raw if code in "fd" else round(raw)), item.order)


def _ordered(raw: bytes, order: str) -> bytes:
    """Between the wire's order and ABCD; each of the four orders undoes itself."""
    words = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w[::-1] for w in words]
    return b"".join(words)
