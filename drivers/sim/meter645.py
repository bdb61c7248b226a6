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
from drivers.driver import Clock
from drivers.profile import Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values, cut

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


class Line645:
    """Every meter hears every frame, and those of other protocols too; the one that is meant replies."""

    def __init__(self, meters: list[Meter645], faults: Faults, clock: Clock) -> None:
        self.meters, self._faults, self.clock = meters, faults, clock
        self._decoder = Decoder()

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        # What is left of another protocol's frame may look like a start: a question behind it still counts.
        for frame in self._decoder.feed(data) + self._decoder.flush():
            for meter in self.meters:
                now = self.clock()
                reply = meter.answer(frame, self._faults, now)
                if reply is not None:
                    asked = WAKE_UP + encode(frame)
                    sent += self._faults.sent(meter.name, WAKE_UP + encode(reply), -2, now, asked)
        return sent

    def quiet(self) -> None:
        """The line was silent: forget a frame that never came to its end."""
        self._decoder = Decoder()
