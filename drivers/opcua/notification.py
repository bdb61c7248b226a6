"""Data-change notifications decoded by hand: plain numbers here, everything else by asyncua.

OPC 10000-6, 5.2.2 (built-in types), 5.2.2.15 (extension objects), 5.2.2.16 (variants), 5.2.2.17 (data
values); OPC 10000-4, 5.14.5 (Publish) and 7.25.2 (DataChangeNotification). asyncua's own decoder takes
twenty times the CPU for the same numbers.
"""

from __future__ import annotations

import struct
from itertools import compress, product
from typing import Any

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua.ua_binary import extensionobject_from_binary, nodeid_from_binary, struct_from_binary
from asyncua.ua.uaerrors import UaStructParsingError

from drivers.opcua.values import Row, row_of

HAS_VALUE, HAS_STATUS, HAS_SOURCE, HAS_SERVER, HAS_SOURCE_PICO, HAS_SERVER_PICO = 1, 2, 4, 8, 16, 32
NUMBERS = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d"}
DATA_CHANGE = ua.NodeId(ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
PUBLISHED = ua.NodeId(ua.ObjectIds.PublishResponse_Encoding_DefaultBinary)
WITH_BODY = 1  # of an extension object: binary, its length before it
HANDLE = 4  # bytes of the client handle before each data value
COUNT = struct.Struct("<i")
MESSAGE = struct.Struct("<?Iqi")  # more to come, number, published at, parts


def _shapes() -> dict[bytes, struct.Struct]:
    """The layouts of one item whose value is a number, by the encoding masks of data value and variant.

    An empty string stands where a part is missing, so that every layout gives a whole `Row`.
    """
    fields = (HAS_STATUS, HAS_SOURCE, HAS_SOURCE_PICO, HAS_SERVER, HAS_SERVER_PICO)
    shapes = {}
    for chosen, (kind, number) in product(product((False, True), repeat=len(fields)), NUMBERS.items()):
        status, source, *skipped = chosen
        rest = "".join(compress(("2x", "8x", "2x"), skipped))
        layout = struct.Struct(f"<I2x{number}{'I' if status else '0s'}{'q' if source else '0s'}{rest}")
        mask = HAS_VALUE + sum(compress(fields, chosen))
        shapes[bytes((mask, kind))] = layout
    return shapes


SHAPES = _shapes()


def hook(session: UaSession) -> None:
    """Have asyncua's publish loop decode by hand what this session is sent.

    A message that cannot be decoded ends every subscription, because what it told is lost.
    """

    async def publish(acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acks
        data = await session._send_request(request, timeout=0)
        try:
            return response(data)
        except Exception as error:
            await session.inform_subscriptions(ua.StatusCode(ua.StatusCodes.BadDecodingError))
            raise UaStructParsingError from error

    session.publish = publish


def response(data: Buffer) -> ua.PublishResponse:
    """A publish response; a `list[Row]` stands in the place of each data-change notification."""
    whole = data.copy()
    try:
        return _response(data)
    except (struct.error, NotEnoughData, ValueError):
        return struct_from_binary(ua.PublishResponse, whole)


def rows(body: bytes) -> list[Row]:
    """The values of one DataChangeNotification, in order. Raises what a damaged one raises."""
    (count,) = COUNT.unpack_from(body)
    place = COUNT.size
    first = SHAPES.get(body[place + HANDLE : place + HANDLE + 2])
    if first is not None and _all_alike(body, first.size, count):
        return list(first.iter_unpack(body[place : place + count * first.size]))
    found: list[Row] = []
    for _ in range(count):
        shape = SHAPES.get(body[place + HANDLE : place + HANDLE + 2])
        if shape is None:
            row, place = _by_asyncua(body, place)
        else:
            row, place = shape.unpack_from(body, place), place + shape.size
        found.append(row)
    return found


def _all_alike(body: bytes, size: int, count: int) -> bool:
    """Whether every item has the two masks of the first one, which is so long."""
    masks, end = COUNT.size + HANDLE, COUNT.size + count * size
    return len(body) >= end and all(body[mask:end:size] == body[mask : mask + 1] * count for mask in (masks, masks + 1))


def _by_asyncua(body: bytes, place: int) -> tuple[Row, int]:
    rest = Buffer(body, place)
    item = struct_from_binary(ua.MonitoredItemNotification, rest)
    return row_of(item.ClientHandle, item.Value), rest.cur_pos


def _response(data: Buffer) -> ua.PublishResponse:
    """What follows the last part (the results of our acknowledgements, diagnostics) is not looked at."""
    if nodeid_from_binary(data) != PUBLISHED:
        raise ValueError("no publish response")
    header = struct_from_binary(ua.ResponseHeader, data)
    (subscription,) = struct.unpack("<I", data.read(4))
    (available,) = COUNT.unpack(data.read(COUNT.size))
    data.skip(4 * max(available, 0))
    more, number, _, count = MESSAGE.unpack(data.read(MESSAGE.size))
    parts = [_part(data) for _ in range(count)]
    message = ua.NotificationMessage(SequenceNumber=number, NotificationData=parts)
    result = ua.PublishResult(subscription, MoreNotifications=more, NotificationMessage=message)
    return ua.PublishResponse(ResponseHeader=header, Parameters=result)


def _part(data: Buffer) -> Any:
    """One notification: rows, or whatever asyncua makes of it."""
    untouched = data.copy()
    kind, (encoding,) = nodeid_from_binary(data), data.read(1)
    if kind == DATA_CHANGE and encoding == WITH_BODY:
        (length,) = COUNT.unpack(data.read(COUNT.size))
        if length >= 0:
            return rows(data.read(length))
    part = extensionobject_from_binary(untouched)
    data.skip(len(data) - len(untouched))
    return part
