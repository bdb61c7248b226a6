"""DL/T 645-2007 meters on one line: they answer reads and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.dlt645.codec import (
    ERROR,
    NO_DATA,
    READ,
    READ_ADDRESS,
    REPLY,
    WAKE_UP,
    Decoder,
    Frame,
    bcd,
    encode,
    same_address,
)
from drivers.profile import Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values, cut
from drivers.sim.meter_line import MeterLine

OTHER_ERROR = 0x01  # error word, bit 0


@dataclass(frozen=True)
class Meter645:
    """One meter: an address, the profile that it fills and the values it measures."""

    name: str
    address: str
    profile: Profile
    values: Values
    _by_di: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_di.update({item.di: name for name, item in self.profile.items.items()})

    def answer(self, frame: Frame, faults: Faults, now: int) -> Frame | None:
        """The reply to a frame; None when the meter stays silent, as it does for every other control."""
        if frame.is_reply or not same_address(frame.address, self.address):
            return None
        if frame.control == READ_ADDRESS:
            return Frame(self.address, READ_ADDRESS | REPLY, bytes.fromhex(self.address)[::-1])
        if frame.control != READ or len(frame.data) < 4:
            return None
        name = self._by_di.get(frame.data[3::-1].hex().upper())
        refused = OTHER_ERROR if faults.on(self.name, Fault.ERROR, now) else 0 if name else NO_DATA
        if refused or name is None:
            return Frame(self.address, READ | REPLY | ERROR, bytes([refused]))
        item = self.profile.items[name]
        value = Measured(self.name, self.profile, self.values).at(now, faults)[name]
        if item.modulus is not None:
            value = cut(value, item.decimals)
        payload = bcd(value, item.bytes, item.decimals, item.signed)
        return Frame(self.address, READ | REPLY, frame.data[:4] + payload)


class Line645(MeterLine[Frame]):
    """The DL/T 645 meters of a line."""

    def hunter(self) -> Decoder:
        return Decoder()

    def sent(self, frame: Frame) -> bytes:
        return WAKE_UP + encode(frame)
