"""Modbus slaves over TCP and RTU: they answer reads of the registers of their profiles and refuse the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import or_

from drivers.driver import Clock
from drivers.modbus import rtu, tcp
from drivers.modbus.pdu import BIT_FUNCTIONS, EXCEPTION, MOST_BITS, MOST_REGISTERS, READS, REQUEST
from drivers.modbus.value import registers
from drivers.profile import Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
BYTE_COUNT = 8  # where a TCP reply says its length
LAST_DATA = -3  # before the checksum of an RTU reply
REQUEST_SIZE = 8  # an RTU frame of functions 1 to 6
COUNTED = (15, 16)  # functions whose request says at COUNT_AT how many bytes follow
COUNT_AT = 6
COUNTED_SIZE = 9  # without what is counted


@dataclass(frozen=True)
class Slave:
    """One unit: the profile that it fills and the values it measures; items without a value do not exist."""

    name: str
    unit: int
    profile: Profile
    values: Values

    def answer(self, pdu: bytes, faults: Faults, now: int) -> bytes:
        """The reply to a PDU: registers, or an exception."""
        function = pdu[0]
        if function not in READS:
            return bytes([function | EXCEPTION, ILLEGAL_FUNCTION])
        if faults.on(self.name, Fault.ERROR, now):
            return bytes([function | EXCEPTION, DEVICE_FAILURE])
        if len(pdu) != REQUEST.size:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        _, start, count = REQUEST.unpack(pdu)
        if not 1 <= count <= (MOST_BITS if function in BIT_FUNCTIONS else MOST_REGISTERS):
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        words = self._words(function, faults, now)
        if any(register not in words for register in range(start, start + count)):
            return bytes([function | EXCEPTION, ILLEGAL_ADDRESS])
        data = b"".join(words[register] for register in range(start, start + count))
        if function in BIT_FUNCTIONS:
            data = _packed(data)
        return bytes([function, len(data)]) + data

    def _words(self, function: int, faults: Faults, now: int) -> Mapping[int, bytes]:
        values = Measured(self.name, self.profile, self.values).at(now, faults)
        words: dict[int, bytes] = {}
        for name, item in self.profile.items.items():
            if item.function == function and item.register is not None and name in values:
                raw = registers(values[name], item)
                for place in range(len(raw) // 2):
                    word = raw[2 * place : 2 * place + 2]
                    if item.bits:  # beside the other fields of the same register
                        word = bytes(map(or_, word, words.get(item.register + place, bytes(2))))
                    words[item.register + place] = word
        return words


class SlaveLine:
    """One TCP connection; a unit that is not there stays silent."""

    def __init__(self, slaves: list[Slave], faults: Faults, clock: Clock) -> None:
        self.slaves, self._faults, self._clock = slaves, faults, clock
        self._decoder = tcp.Decoder(replies=False)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        for frame in self._decoder.feed(data):
            for slave in self.slaves:
                if slave.unit == frame.unit:
                    now = self._clock()
                    pdu = slave.answer(frame.pdu, self._faults, now)
                    reply = tcp.encode(tcp.Frame(frame.transaction, frame.unit, pdu))
                    weak = min(BYTE_COUNT, len(reply) - 1)
                    sent += self._faults.sent(slave.name, reply, weak, now, tcp.encode(frame))
        return sent


class SlaveLineRtu:
    """Every slave hears every frame, and those of other protocols too; the one that is meant replies."""

    def __init__(self, slaves: list[Slave], faults: Faults, clock: Clock) -> None:
        self.slaves, self._faults, self._clock = slaves, faults, clock
        self.quiet()

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        for frame in self._decoder.feed(data):
            slave = next(slave for slave in self.slaves if slave.unit == frame.unit)
            now = self._clock()
            reply = rtu.encode(rtu.Frame(slave.unit, slave.answer(frame.pdu, self._faults, now)))
            sent += self._faults.sent(slave.name, reply, LAST_DATA, now, rtu.encode(frame))
        return sent

    def quiet(self) -> None:
        """The line was silent: forget a frame that never came to its end."""
        self._decoder = rtu.Decoder(self._size, bytes(slave.unit for slave in self.slaves))

    def _size(self, data: bytes) -> int:
        """How long the question to one of these units is that begins with these bytes; 0 for none."""
        if len(data) < 2:
            return 0
        if data[1] in COUNTED:
            return COUNTED_SIZE + data[COUNT_AT] if len(data) > COUNT_AT else 0
        return REQUEST_SIZE if 1 <= data[1] <= 6 else 0


def _packed(words: bytes) -> bytes:
    """Bits from registers, the first in the lowest place."""
    bits = sum(1 << i for i, low in enumerate(words[1::2]) if low)
    return bits.to_bytes((len(words) // 2 + 7) // 8, "little")
