"""What an exchange needs on the wire at least, and what share of the time a line is put to use."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.build import GAP_BYTES, LEAST_GAP_S, METER_GAP_S
from drivers.exchange import Exchange
from drivers.wire import Wire

PACED_SHARE = 1.05  # a clock of ours may be that wrong
SILENT = ("modbus", "sunspec")  # protocols whose RTU frames are told apart by silence


def gap_s(wire: Wire, protocol: str) -> float:
    """The silence before a question, seconds."""
    silence = max(LEAST_GAP_S, GAP_BYTES * wire.byte_s)
    return silence if protocol in SILENT else max(silence, METER_GAP_S)


def least_s(exchange: Exchange, protocol: str) -> float | None:
    """From the first byte of the question to the last of the answer where the device thinks no time; None over TCP.

    A Modbus RTU device must keep silent between the two; Modbus over serial line V1.02, 2.5.1.1.
    """
    if exchange.wire is None:
        return None
    return exchange.wire_s + (_silence_s(exchange.wire, protocol) if exchange.heard else 0.0)


def share(exchange: Exchange, protocol: str) -> float | None:
    """The least time over the measured one; None over TCP and without an answer."""
    least = least_s(exchange, protocol)
    if least is None or exchange.reason is not None or exchange.took_s <= 0:
        return None
    return least / exchange.took_s


def utilisation(exchanges: Sequence[Exchange], protocol: str, wall_s: float) -> float | None:
    """The share of `wall_s` in which bytes, the silences between questions and the devices' delays filled the line.

    None over TCP, and where answers came quicker than their baud rate allows: that is no wire.
    """
    answered = [e for e in exchanges if e.wire is not None and e.reason is None]
    if not answered or wall_s <= 0 or any((share(e, protocol) or 0.0) > PACED_SHARE for e in answered):
        return None
    used = sum(_used_s(e, e.wire, protocol) for e in answered if e.wire is not None)
    silences = sum(gap_s(e.wire, protocol) for e in answered[1:] if e.wire is not None)
    return min((used + silences) / wall_s, 1.0)


def _used_s(exchange: Exchange, wire: Wire, protocol: str) -> float:
    """Bytes, and the device's delay until its first byte began."""
    delay = max(exchange.waited_s - wire.byte_s, _silence_s(wire, protocol))
    return min(exchange.wire_s + delay, exchange.took_s)


def _silence_s(wire: Wire, protocol: str) -> float:
    return gap_s(wire, protocol) if protocol in SILENT else 0.0
