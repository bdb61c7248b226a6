"""A Modbus TCP slave: it answers reads of the registers of one profile and refuses the rest."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drivers.driver import Clock
from drivers.modbus.codec import EXCEPTION, MOST_REGISTERS, READS, Decoder, Frame, encode, registers
from drivers.profile import Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
BYTE_COUNT = 8  # where a reply says its length


@dataclass(frozen=True)
class Slave:
    """One unit: the profile that it fills and the values it measures."""

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
        if len(pdu) != 5:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        start, count = struct.unpack(">HH", pdu[1:])
        if not 1 <= count <= MOST_REGISTERS:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        words = self._words(function, faults, now)
        if any(register not in words for register in range(start, start + count)):
            return bytes([function | EXCEPTION, ILLEGAL_ADDRESS])
        data = b"".join(words[register] for register in range(start, start + count))
        return bytes([function, len(data)]) + data

    def _words(self, function: int, faults: Faults, now: int) -> dict[int, bytes]:
        values = Measured(self.name, self.profile, self.values).at(now, faults)
        words: dict[int, bytes] = {}
        for name, item in self.profile.items.items():
            if item.function == function and item.register is not None:
                raw = registers(values[name], item)
                words |= {item.register + i: raw[2 * i : 2 * i + 2] for i in range(len(raw) // 2)}
        return words


class SlaveLine:
    """One connection; a unit that is not there stays silent."""

    def __init__(self, slaves: list[Slave], faults: Faults, clock: Clock) -> None:
        self.slaves, self._faults, self._clock = slaves, faults, clock
        self._decoder = Decoder(replies=False)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        for frame in self._decoder.feed(data):
            for slave in self.slaves:
                if slave.unit == frame.unit:
                    now = self._clock()
                    pdu = slave.answer(frame.pdu, self._faults, now)
                    reply = encode(Frame(frame.transaction, frame.unit, pdu))
                    weak = min(BYTE_COUNT, len(reply) - 1)
                    sent += self._faults.sent(slave.name, reply, weak, now)
        return sent
