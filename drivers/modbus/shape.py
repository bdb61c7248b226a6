"""How long any Modbus PDU is, as its first bytes say; also those that we never send, for captures of other masters.

Modbus Application Protocol V1.1b3, clause 6 and 7.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from drivers.modbus.pdu import EXCEPTION, MOST_BITS, MOST_REGISTERS

MEI = 43  # encapsulated interface; its replies say their length nowhere, only how many objects they hold
CONFORMITY, MORE_FOLLOWS, NEXT_OBJECT, OBJECT_COUNT, OBJECTS_AT = 3, 4, 5, 6, 7  # places in such a reply
FOLLOWS = 0xFF  # further objects in further replies
EXCEPTION_SIZE = 2


class Side(StrEnum):
    """Who says it."""

    REQUEST = "request"
    REPLY = "reply"


# Bytes of the PDU without what is counted, and where the number of counted bytes stands (None: nothing is counted).
Rule = tuple[int, int | None]

FUNCTIONS = {
    1: "read_coils",
    2: "read_discrete_inputs",
    3: "read_holding_registers",
    4: "read_input_registers",
    5: "write_coil",
    6: "write_register",
    7: "read_exception_status",
    8: "diagnostics",
    11: "comm_event_counter",
    12: "comm_event_log",
    15: "write_coils",
    16: "write_registers",
    17: "report_server_id",
    20: "read_file_record",
    21: "write_file_record",
    22: "mask_write_register",
    23: "read_write_registers",
    24: "read_fifo_queue",
    43: "device_identification",
}
REQUESTS: dict[int, Rule] = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 8), (5, None)),
    **dict.fromkeys((7, 11, 12, 17), (1, None)),
    **dict.fromkeys((15, 16), (6, 5)),
    **dict.fromkeys((20, 21), (2, 1)),
    22: (7, None),
    23: (10, 9),
    24: (3, None),
    MEI: (4, None),
}
REPLIES: dict[int, Rule] = {
    **dict.fromkeys((1, 2, 3, 4, 12, 17, 20, 21, 23), (2, 1)),
    **dict.fromkeys((5, 6, 8, 11, 15, 16), (5, None)),
    7: (2, None),
    22: (7, None),
}


def sizes(pdu: bytes) -> list[tuple[Side, int]]:
    """What a PDU that begins like this may be, each with its whole length; empty for what nothing is known of.

    A length beyond `pdu` is one that is still to come.
    """
    function = pdu[0]
    if function & EXCEPTION:
        return [(Side.REPLY, EXCEPTION_SIZE)] if function & ~EXCEPTION in FUNCTIONS else []
    found: list[tuple[Side, int]] = []
    if function == MEI and len(pdu) > OBJECTS_AT:
        found += [(Side.REPLY, size) for size in _identification_sizes(pdu)]
    for side, rules, check in ((Side.REQUEST, REQUESTS, _is_request), (Side.REPLY, REPLIES, _is_reply)):
        rule = rules.get(function)
        if rule is None:
            continue
        size, at = rule
        size += pdu[at] if at is not None and len(pdu) > at else 0
        if len(pdu) < size or check(pdu):
            found.append((side, size))
    return found


def _is_request(pdu: bytes) -> bool:
    """Whether the counts in a question can be; a reply whose data look like one must not pass."""
    count = int.from_bytes(pdu[3:5], "big")
    checks: dict[int, Callable[[], bool]] = {
        **dict.fromkeys((1, 2), lambda: 1 <= count <= MOST_BITS),
        **dict.fromkeys((3, 4), lambda: 1 <= count <= MOST_REGISTERS),
        5: lambda: pdu[3:5] in (b"\xff\0", b"\0\0"),
        15: lambda: pdu[5] == (count + 7) // 8,
        16: lambda: pdu[5] == 2 * count,
        MEI: lambda: pdu[1] == 14,
    }
    return checks.get(pdu[0], lambda: True)()


def _is_reply(pdu: bytes) -> bool:
    """Whether a reply's number of bytes can be."""
    return pdu[0] not in (3, 4, 23) or (pdu[1] > 0 and pdu[1] % 2 == 0)


def _identification_sizes(pdu: bytes) -> list[int]:
    """Each object is its id, its length, and so many letters.

    Where more follows, a device may give the number of all its objects and send fewer: github.com/wlcrs/huawei_solar,
    issue 1154, has such a reply.
    """
    ends = [OBJECTS_AT]
    for _ in range(pdu[OBJECT_COUNT]):
        at = ends[-1]
        ends.append(at + 2 + (pdu[at + 1] if at + 1 < len(pdu) else 0))
    fewer = [end for end in ends[1:-1] if end <= len(pdu)] if pdu[MORE_FOLLOWS] == FOLLOWS else []
    return [ends[-1], *fewer]
