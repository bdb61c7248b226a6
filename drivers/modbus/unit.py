"""One Modbus unit on a line: asks for registers or bits and takes only the reply that is meant.

A TCP line carries Modbus TCP, any other line Modbus RTU.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from weakref import WeakKeyDictionary

from drivers.answer import Answer
from drivers.bus import Line, Port
from drivers.error import DeviceError, LinkError
from drivers.modbus import rtu, tcp
from drivers.modbus.pdu import EXCEPTION, REASONS, answers, read_pdu

# Numbers are unique in the process, so units that share a connection cannot mix up replies.
_transactions = itertools.count(1)
# Until when each unit of a serial line is left alone, on the monotonic clock; whoever asks it.
_left_alone: WeakKeyDictionary[Line, dict[int, float]] = WeakKeyDictionary()


class TcpSearch(Answer[tcp.Frame]):
    """Looks for the reply with the transaction and the unit of a question."""

    def __init__(self, asked: tcp.Frame) -> None:
        super().__init__(tcp.Decoder())
        self._asked = asked

    def meant(self, frame: tcp.Frame) -> bool:
        asked = self._asked
        return (frame.transaction, frame.unit) == (asked.transaction, asked.unit) and answers(frame.pdu, asked.pdu)


class TcpReply:
    """Waits for the reply to a question; one that comes whole and alone, as most do, need not be looked for."""

    def __init__(self, asked: tcp.Frame) -> None:
        self._asked = asked
        self._begin, self._size = tcp.reply_begin(asked)
        self._search: TcpSearch | None = None

    def feed(self, data: bytes) -> bytes | None:
        if self._search is None:
            if len(data) == self._size and data.startswith(self._begin) and data[tcp.PDU] != self._asked.pdu:
                return data[tcp.PDU]
            self._search = TcpSearch(self._asked)
        return _pdu(self._search.feed(data))

    def flush(self) -> bytes | None:
        return _pdu(self._search.flush()) if self._search else None

    def damaged(self) -> bool:
        return self._search is not None and self._search.damaged()


class RtuReply(Answer[rtu.Frame]):
    """Waits for the reply of a unit; nothing but its shape tells it from the reply to another question."""

    def __init__(self, asked: rtu.Frame) -> None:
        super().__init__(rtu.Decoder(rtu.reply_to(asked), bytes([asked.unit])))
        self._asked = asked

    def meant(self, frame: rtu.Frame) -> bool:
        return frame.unit == self._asked.unit and answers(frame.pdu, self._asked.pdu)


class Unit:
    """A unit id on a line; `timeout_s` is the time to the first byte of a reply.

    After a question without reply an RTU unit is left alone for as long again: a reply that comes
    late is thrown away by the line, and is never taken for the reply to the next question. The other
    units of the line need not wait, for a reply names its unit.
    """

    def __init__(self, bus: Line, number: int, timeout_s: float) -> None:
        self.number = number
        self._bus, self._timeout_s = bus, timeout_s
        self._left_alone = _left_alone.setdefault(bus.bus if isinstance(bus, Port) else bus, {})

    async def read(self, function: int, start: int, count: int) -> bytes:
        """Two bytes for each register, or the bits, lowest first; raises LinkError, DeviceError."""
        asked = read_pdu(function, start, count)
        pdu = await (self._over_tcp(asked) if self._bus.is_stream else self._over_rtu(asked))
        if not pdu[0] & EXCEPTION:
            return pdu[2:]
        reason = REASONS.get(pdu[1], "device_error")
        if reason == "no_reply":
            raise LinkError(reason, f"gateway, exception {pdu[1]:02X}")
        raise DeviceError(reason, f"exception {pdu[1]:02X}")

    async def _over_tcp(self, pdu: bytes) -> bytes:
        """A gateway that closed an idle connection is asked once more, on a new one."""
        asked = tcp.Frame(next(_transactions) & 0xFFFF, self.number, pdu)
        question = tcp.encode(asked)
        try:
            return await self._bus.ask(question, TcpReply(asked), self._timeout_s)
        except LinkError as error:
            if error.reason != "closed":
                raise
        return await self._bus.ask(question, TcpReply(asked), self._timeout_s)

    async def _over_rtu(self, pdu: bytes) -> bytes:
        if self.number in self._left_alone:
            await asyncio.sleep(max(self._left_alone[self.number] - time.monotonic(), 0.0))
        asked = rtu.Frame(self.number, pdu)
        try:
            return (await self._bus.ask(rtu.encode(asked), RtuReply(asked), self._timeout_s)).pdu
        except (LinkError, asyncio.CancelledError):
            self._left_alone[self.number] = time.monotonic() + self._timeout_s
            raise


def _pdu(frame: tcp.Frame | None) -> bytes | None:
    return frame.pdu if frame else None
