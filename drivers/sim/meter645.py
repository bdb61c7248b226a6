"""DL/T 645 meters of either edition on one line: they answer reads and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.bcd import FILLER, bcd
from drivers.dlt645.codec import (
    BROADCAST,
    ERROR,
    LONGEST,
    METER_NUMBER_1997,
    MORE,
    NO_DATA,
    READ,
    READ_1997,
    READ_ADDRESS,
    READ_NEXT,
    READ_NEXT_1997,
    REPLY,
    WAKE_UP,
    Decoder,
    Frame,
    encode,
    same_address,
)
from drivers.dlt645.table import DI_DIGITS, MOMENT_SIZE, block_of, known
from drivers.dlt645.value import value_size
from drivers.driver import Clock
from drivers.profile import Item, Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values, cut
from drivers.sim.meter_line import MeterLine

OTHER_ERROR = 0x01  # error word, bit 0
OWN_NUMBER = ("04000401", "04000402", METER_NUMBER_1997)
EDITIONS = {"dlt645-2007": (READ, READ_NEXT), "dlt645-1997": (READ_1997, READ_NEXT_1997)}


@dataclass(frozen=True)
class Meter645:
    """One meter: an address, the profile that it fills and the values it measures.

    `blocks` says whether it knows the identifiers of blocks, `tariffs` how many its blocks have,
    `filler` what stands for a value that it does not measure; an answer of more than `most` bytes
    is sent in several frames.
    """

    name: str
    address: str
    profile: Profile
    values: Values
    blocks: bool = True
    tariffs: int = 4
    filler: int = FILLER
    most: int = LONGEST
    _parts: dict[str, list[bytes]] = field(init=False, repr=False, default_factory=dict)  # of long answers

    def answer(self, frame: Frame, faults: Faults, now: int) -> Frame | None:
        """The reply to a frame; None when the meter stays silent, as it does for every other control."""
        protocol = self.profile.protocol
        is_old = protocol == "dlt645-1997"
        if frame.is_reply or not (same_address(frame.address, self.address) or (is_old and frame.address == BROADCAST)):
            return None
        if frame.control == READ_ADDRESS and not is_old:
            return Frame(self.address, READ_ADDRESS | REPLY, self._number())
        size = DI_DIGITS[protocol] // 2
        if frame.control not in EDITIONS[protocol] or len(frame.data) < size:
            return None
        di, sequence = frame.data[:size][::-1].hex().upper(), frame.data[size:]
        if frame.control == EDITIONS[protocol][0]:
            self._parts[di] = self._cut(self._payload(di, faults, now), size)
        return self._part(frame.control, di, sequence, refused=faults.on(self.name, Fault.ERROR, now))

    def _part(self, control: int, di: str, sequence: bytes, refused: bool) -> Frame:
        """One frame of an answer, with the sequence number that was asked for."""
        parts, place = self._parts.get(di, []), sequence[0] if sequence else 0
        if refused or place >= len(parts):
            return Frame(self.address, control | REPLY | ERROR, bytes([OTHER_ERROR if refused else NO_DATA]))
        more = MORE if place + 1 < len(parts) else 0
        return Frame(self.address, control | REPLY | more, bytes.fromhex(di)[::-1] + parts[place] + sequence)

    def _cut(self, payload: bytes | None, di_size: int) -> list[bytes]:
        """An answer in pieces that fit a frame beside identifier and sequence number; none for no answer."""
        if payload is None:
            return []
        room = self.most - di_size - 1
        return [payload[i : i + room] for i in range(0, len(payload), room)]

    def _payload(self, di: str, faults: Faults, now: int) -> bytes | None:
        """The data of one identifier; None when the meter lacks it."""
        if di in OWN_NUMBER:
            return self._number()
        found = Measured(self.name, self.profile, self.values).at(now, faults)
        items = self.profile.items
        single = {name: item for name, item in items.items() if item.di == di and name in found}
        if single:
            return _encoded(single, found)
        return self._block(di, found) if self.blocks else None

    def _block(self, di: str, found: Mapping[str, float]) -> bytes | None:
        listed = known(di)
        if listed is None or listed.axis is None:
            return None
        by_place: dict[int, dict[str, Item]] = {}
        for name, item in self.profile.items.items():
            block = block_of(item.di)
            if block is not None and block.di == di and name in found:
                by_place.setdefault(block.place, {})[name] = item
        if not by_place:
            return None
        full = listed.axis.last - listed.axis.first + 1
        count = max(self.tariffs, *by_place) + 1 if listed.axis.open else full
        nothing = bytes([self.filler]) * listed.entry.size
        return b"".join(_encoded(by_place[i], found) if i in by_place else nothing for i in range(count))

    def _number(self) -> bytes:
        return bytes.fromhex(self.address)[::-1]


def _encoded(items: Mapping[str, Item], found: Mapping[str, float]) -> bytes:
    """The bytes of the items that share one identifier: one, or the value and the moment of a demand."""
    item = next(iter(items.values()))
    shown = {its.part: cut(found[n], its.decimals) if its.modulus is not None else found[n] for n, its in items.items()}
    if value_size(item) > item.bytes:
        number = bcd(shown.get("value", 0.0), item.bytes, item.decimals, item.signed)
        return number + bcd(shown.get("time", 0.0), MOMENT_SIZE, 0, signed=False)
    return bcd(shown["value"], item.bytes, item.decimals, item.signed)


class Line645(MeterLine[Frame]):
    """The DL/T 645 meters of a line; `wake_up` stands before every reply."""

    def __init__(self, meters: Sequence[Meter645], faults: Faults, clock: Clock, wake_up: bytes = WAKE_UP) -> None:
        super().__init__(meters, faults, clock)
        self._wake_up = wake_up

    def hunter(self) -> Decoder:
        return Decoder()

    def sent(self, frame: Frame) -> bytes:
        return self._wake_up + encode(frame)
