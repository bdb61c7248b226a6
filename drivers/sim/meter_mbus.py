"""M-Bus meters on one line: they answer reset, selection and request, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import zip_longest

from configs.quantity import quantities
from drivers.mbus.address import Secondary, secondary_of
from drivers.mbus.cut import MORE
from drivers.mbus.header import ERROR, LONG
from drivers.mbus.link import (
    FCB,
    REQ_UD2,
    RSP_UD,
    SELECT,
    SELECTED,
    SND_NKE,
    SND_UD,
    TEST,
    Ack,
    Decoder,
    Frame,
    Heard,
    encode,
)
from drivers.mbus.measure import factor
from drivers.mbus.record_name import FUNCTIONS, RecordName, record_of
from drivers.profile import Profile
from drivers.sim.faults import US, Fault, Faults
from drivers.sim.measured import Measured, Values
from drivers.sim.meter_line import CHECKSUM, MeterLine
from drivers.sim.world import ZONE

CLOCK_OFF_S = 3600
BUSY = 8  # after CI 70H
INTEGER32, DATE_TIME = 4, 0x6D
DIFE = 0x80
BITS = 32
# How the meter sends a quantity: VIF, unit, resolution; EN 13757-3, VIF tables.
SENT = {
    "energy": (b"\x06", "Wh", 1000.0),
    "volume": (b"\x13", "m3", 0.001),
    "power": (b"\x2b", "W", 1.0),
    "volume_flow": (b"\x3b", "m3/h", 0.001),
    "flow_temperature": (b"\x5a", "degC", 0.1),
    "return_temperature": (b"\x5e", "degC", 0.1),
    "external_temperature": (b"\x66", "degC", 0.1),
    "voltage": (b"\xfd\x48", "V", 0.1),
    "current": (b"\xfd\x59", "A", 0.001),
    "frequency": (b"\xfb\x2d", "Hz", 0.01),
    "error_flags": (b"\xfd\x17", None, 1.0),
}


@dataclass
class MeterMBus:
    """One meter: its addresses, the profile that it fills and the values it measures, in the items' units.

    It puts `records` of its records into one telegram. A question with the count bit of the last one
    makes it repeat its last telegram.
    """

    name: str
    primary: int
    secondary: Secondary
    profile: Profile
    values: Values
    status: int = 0
    records: int = 99
    zone: tzinfo = ZONE
    is_selected: bool = field(default=False, init=False)
    access: int = field(default=0, init=False)
    _bit: int | None = field(default=None, init=False)
    _last: Frame | None = field(default=None, init=False)
    _next: int = field(default=0, init=False)

    def answer(self, frame: Heard, faults: Faults, now: int) -> Heard | None:
        """The reply to a frame; None when the meter stays silent."""
        if isinstance(frame, Ack) or frame.is_reply:
            return None
        if frame.ci == SELECT and frame.control & ~FCB == SND_UD and frame.address == SELECTED:
            return self._select(secondary_of(frame.data))
        if frame.ci is not None or not self._is_meant(frame.address):
            return None
        if frame.control == SND_NKE:
            self._bit, self._next = None, 0
            self.is_selected = self.is_selected and frame.address != SELECTED
            return Ack()
        if frame.control & ~FCB != REQ_UD2:
            return None
        if self._last is None or frame.control & FCB != self._bit:
            self._bit, self._last = frame.control & FCB, self._telegram(faults, now)
        return self._last

    def _is_meant(self, address: int) -> bool:
        return address in (self.primary, TEST) or (address == SELECTED and self.is_selected)

    def _select(self, wanted: Secondary) -> Heard | None:
        """A meter that is not meant is no longer selected."""
        self.is_selected = wanted.matches(self.secondary)
        if self.is_selected:
            self._bit = None
        return Ack() if self.is_selected else None

    def _telegram(self, faults: Faults, now: int) -> Frame:
        """The next one of the readout, or the first again."""
        if faults.on(self.name, Fault.ERROR, now):
            return Frame(RSP_UD, self.primary, ERROR, bytes([BUSY]))
        self.access = (self.access + 1) & 0xFF
        sent = self._records(faults, now)
        part = sent[self._next : self._next + self.records]
        self._next += self.records
        followed = self._next < len(sent)
        self._next = self._next if followed else 0
        head = self.secondary.wire + bytes([self.access, self.status, 0, 0])
        return Frame(RSP_UD, self.primary, LONG, head + b"".join(part) + bytes([MORE] if followed else []))

    def _records(self, faults: Faults, now: int) -> list[bytes]:
        """The meter's clock and what its profile names."""
        behind = CLOCK_OFF_S if faults.on(self.name, Fault.CLOCK_OFF, now) else 0
        clock = datetime.fromtimestamp(now / US - behind, self.zone)
        found = Measured(self.name, self.profile, self.values).at(now, faults)
        items = self.profile.items
        named = [(record_of(items[name].record), items[name].quantity, value) for name, value in found.items()]
        records = [
            record_bytes(record, quantity, value) for record, quantity, value in named if record.quantity in SENT
        ]
        return [bytes([INTEGER32, DATE_TIME]) + _clock_bytes(clock), *records]


def record_bytes(name: RecordName, quantity: str, value: float) -> bytes:
    """A record of 32 bits for a value in the quantity's unit."""
    vif, unit, resolution = SENT[name.quantity]
    raw = round(value / (factor(unit, quantities()[quantity]) or 1.0) / resolution)
    return _information(name) + vif + (raw & (1 << BITS) - 1).to_bytes(BITS // 8, "little")


def _information(name: RecordName) -> bytes:
    """DIF and as many extensions as storage, tariff and unit need."""
    chain = [INTEGER32 | FUNCTIONS.index(name.function) << 4 | (name.storage & 1) << 6]
    storage, tariff, unit = name.storage >> 1, name.tariff, name.unit
    while storage or tariff or unit:
        chain[-1] |= DIFE
        chain.append(storage & 0xF | (tariff & 3) << 4 | (unit & 1) << 6)
        storage, tariff, unit = storage >> 4, tariff >> 2, unit >> 1
    return bytes(chain)


def _clock_bytes(at: datetime) -> bytes:
    """Type F of EN 13757-3."""
    year = at.year % 100
    return bytes([at.minute, at.hour, at.day | (year & 7) << 5, at.month | (year & 0x78) << 1])


class MBusLine(MeterLine[Heard]):
    """The M-Bus meters of a line; those that answer at once destroy each other's frames."""

    def hunter(self) -> Decoder:
        return Decoder()

    def sent(self, frame: Heard) -> bytes:
        return encode(frame)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        for frame in self._hunter.feed(data) + self._hunter.flush():
            now = self.clock()
            replies = [(m.name, self.sent(r)) for m in self.meters if (r := m.answer(frame, self._faults, now))]
            loud = [r for r in replies if not self._faults.on(r[0], Fault.SILENT, now)]
            if replies:
                replies = loud or replies
                name, reply = replies[0][0], _collided([reply for _, reply in replies])
                sent += self._faults.sent(name, reply, CHECKSUM, now, self.sent(frame))
        return sent


def _collided(replies: Sequence[bytes]) -> bytes:
    """What the master hears: a 0 of one meter covers the 1 of another, so that equal frames stay whole."""
    columns = zip_longest(*replies, fillvalue=0xFF)
    return bytes(_covered(column) for column in columns)


def _covered(column: Sequence[int]) -> int:
    level = 0xFF
    for byte in column:
        level &= byte
    return level
