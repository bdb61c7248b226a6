"""One Modbus unit on a line: asks for registers or bits and takes only the reply that is meant.

A TCP line carries Modbus TCP, any other line Modbus RTU.
"""

from __future__ import annotations

import asyncio
import itertools
import time

from drivers.answer import Answer
from drivers.bus import Bus, StreamBus
from drivers.error import DeviceError, LinkError
from drivers.modbus import rtu, tcp
from drivers.modbus.pdu import EXCEPTION, REASONS, answers, read_pdu

# Numbers are unique in the process, so units that share a connection cannot mix up replies.
_transactions = itertools.count(1)


class TcpReply(Answer[tcp.Frame]):
    """Waits for the reply with the transaction and the unit of a question."""

    def __init__(self, asked: tcp.Frame) -> None:
        super().__init__(tcp.Decoder())
        self._asked = asked

    def meant(self, frame: tcp.Frame) -> bool:
        asked = self._asked
        return (frame.transaction, frame.unit) == (asked.transaction, asked.unit) and answers(frame.pdu, asked.pdu)


class RtuReply(Answer[rtu.Frame]):
    """Waits for the reply of a unit; nothing but its shape tells it from the reply to another question."""

    def __init__(self, asked: rtu.Frame) -> None:
        super().__init__(rtu.Decoder(rtu.reply_to(asked)))
        self._asked = asked

    def meant(self, frame: rtu.Frame) -> bool:
        return frame.unit == self._asked.unit and answers(frame.pdu, self._asked.pdu)


class Unit:
    """A unit id on a line; `timeout_s` is the time to the first byte of a reply.

    After a question without reply an RTU unit is left alone for as long again: a reply that comes
    late is thrown away by the line, and is never taken for the reply to the next question.
    """

    def __init__(self, bus: Bus, number: int, timeout_s: float) -> None:
        self.number = number
        self._bus, self._timeout_s = bus, timeout_s
        self._silent_until = 0.0

    async def read(self, function: int, start: int, count: int) -> bytes:
        """Two bytes for each register, or the bits, lowest first; raises LinkError, DeviceError."""
        asked = read_pdu(function, start, count)
        pdu = await (self._over_tcp(asked) if isinstance(self._bus, StreamBus) else self._over_rtu(asked))
        if not pdu[0] & EXCEPTION:
            return pdu[2:]
        reason = REASONS.get(pdu[1], "device_error")
        if reason == "no_reply":
            raise LinkError(reason, f"gateway, exception {pdu[1]:02X}")
        raise DeviceError(reason, f"exception {pdu[1]:02X}")

    async def _over_tcp(self, pdu: bytes) -> bytes:
        asked = tcp.Frame(next(_transactions) & 0xFFFF, self.number, pdu)
        return (await self._bus.ask(tcp.encode(asked), TcpReply(asked), self._timeout_s)).pdu

    async def _over_rtu(self, pdu: bytes) -> bytes:
        await asyncio.sleep(max(self._silent_until - time.monotonic(), 0.0))
        asked = rtu.Frame(self.number, pdu)
        try:
            return (await self._bus.ask(rtu.encode(asked), RtuReply(asked), self._timeout_s)).pdu
        except LinkError:
            self._silent_until = time.monotonic() + self._timeout_s
            raise
