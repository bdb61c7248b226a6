"""The codes with which a device itself refused, taken from what it was heard to say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drivers.exchange import Exchange

TCP_HEAD = 6  # bytes before the unit in Modbus TCP


def refused_codes(exchanges: Sequence[Exchange], protocol: str) -> dict[str, str]:
    """By reason, `D1 01` for instance: the control byte or function code and the error; several with commas."""
    found: dict[str, dict[str, None]] = {}
    for exchange in exchanges:
        for reason, code in _refusals(exchange, protocol):
            found.setdefault(reason, {})[code] = None
    return {reason: ", ".join(codes) for reason, codes in found.items()}


def _refusals(exchange: Exchange, protocol: str) -> Iterator[tuple[str, str]]:
    match protocol:
        case "modbus" | "sunspec":
            yield from _modbus(exchange)
        case "dlt645-2007" | "dlt645-1997":
            yield from _dlt645(bytes(exchange.heard))
        case "cjt188-2004":
            yield from _cjt188(bytes(exchange.heard))


def _modbus(exchange: Exchange) -> Iterator[tuple[str, str]]:
    from drivers.modbus.pdu import EXCEPTION, REASONS

    start = TCP_HEAD if exchange.wire is None else 0
    unit, function = exchange.request[start : start + 2]
    _, begin, rest = exchange.heard[start:].partition(bytes([unit, function | EXCEPTION]))
    if begin and rest:
        yield REASONS.get(rest[0], "device_error"), f"{begin[1]:02X} {rest[0]:02X}"


def _dlt645(heard: bytes) -> Iterator[tuple[str, str]]:
    from drivers.dlt645.codec import NO_DATA, Decoder

    for frame in Decoder().feed(heard):
        if frame.is_error and frame.data:
            reason = "no_data" if frame.data[0] & NO_DATA else "device_error"
            yield reason, f"{frame.control:02X} {frame.data[0]:02X}"


def _cjt188(heard: bytes) -> Iterator[tuple[str, str]]:
    from drivers.cjt188.codec import Decoder

    for frame in Decoder().feed(heard):
        if frame.is_error:
            yield "device_error", f"{frame.control:02X} {frame.data[1:].hex(' ').upper()}".strip()
