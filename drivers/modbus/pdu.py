"""The part of Modbus that RTU and TCP share, without I/O: reads out, replies in.

A PDU is a function code and its data. Functions 1 to 4 read; nothing else can be built here.
"""

from __future__ import annotations

import struct
from functools import lru_cache

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


@lru_cache(maxsize=1024)  # the same questions are asked again and again
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
