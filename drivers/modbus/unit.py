"""One Modbus unit on a line: asks for registers or bits and takes only the reply that is meant.

A TCP line carries Modbus TCP, any other line Modbus RTU.
"""

from __future__ import annotations

import asyncio
import itertools

from drivers.answer import Answer
from drivers.bus import Line
from drivers.error import DeviceError, LinkError
from drivers.modbus import rtu, tcp
from drivers.modbus.owed import owed_by
from drivers.modbus.pdu import EXCEPTION, REASONS, answers, data_size, read_pdu

NEVER_SENT = ("no_port", "refused")  # there was no line for the question
LATE = "late_reply"

# Numbers are unique in the process, so units that share a connection cannot mix up replies.
_transactions = itertools.count(1)


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
        self._heard = b""

    def meant(self, frame: rtu.Frame) -> bool:
        return frame.unit == self._asked.unit and answers(frame.pdu, self._asked.pdu)

    def feed(self, data: bytes) -> rtu.Frame | None:
        self._heard += data
        return super().feed(data)

    @property
    def has_spoken(self) -> bool:
        """Whether the unit gave a reply, if only a damaged one: then it does not owe it any more."""
        asked, size = self._asked, data_size(self._asked.pdu)
        heard = self._heard.replace(rtu.encode(asked), b"")  # an echo may look like it
        _, begin, rest = heard.partition(bytes([asked.unit, asked.pdu[0], size]))
        return bool(begin) and len(rest) >= size + rtu.CRC_SIZE


class Unit:
    """A unit id on a line; `timeout_s` is the time to the first byte of a reply.

    The bus throws away what comes soon after a question is given up. While an RTU unit may owe a reply
    all the same, one that looks like it counts only when it came oftener than those owed can; where that
    cannot be reached, LinkError late_reply says so.
    """

    def __init__(self, bus: Line, number: int, timeout_s: float) -> None:
        self.number = number
        self._bus, self._timeout_s = bus, timeout_s
        self._owed = owed_by(number, bus)

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
        """Asks until a reply came that no late ones can have made; at once where none is owed."""
        heard: list[bytes] = []
        owed = 0
        while len(heard) <= 2 * owed and not self._owed.too_much:
            reply = await self._once(pdu)
            like = self._owed.like(reply)
            if not like:
                return reply
            self._owed.came(pdu, self._timeout_s)
            heard.append(reply)
            owed = max(owed, like)
            if heard.count(reply) > owed:
                return reply
        raise LinkError(LATE, f"timeout {self._timeout_s:g} s")

    async def _once(self, pdu: bytes) -> bytes:
        """The first reply; raises LinkError."""
        asked = rtu.Frame(self.number, pdu)
        waiting = RtuReply(asked)
        try:
            return (await self._bus.ask(rtu.encode(asked), waiting, self._timeout_s)).pdu
        except (LinkError, asyncio.CancelledError) as error:
            if waiting.has_spoken:
                self._owed.came(pdu, self._timeout_s)
            elif not (isinstance(error, LinkError) and error.reason in NEVER_SENT):
                self._owed.lost(pdu, self._timeout_s)
            raise


def _pdu(frame: tcp.Frame | None) -> bytes | None:
    return frame.pdu if frame else None
