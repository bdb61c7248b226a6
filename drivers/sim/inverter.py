"""A SunSpec inverter on Modbus TCP: a chain with a vendor's model in it, asleep while there is no sun."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from drivers.driver import Clock
from drivers.modbus.pdu import EXCEPTION, MOST_REGISTERS
from drivers.modbus.tcp import Decoder, Frame, encode
from drivers.profile import Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values
from drivers.sunspec.chain import BASES, HEAD, LAST_ID, MARKER
from drivers.sunspec.models import CODINGS, layouts

COMMON, COMMON_LENGTH = 1, 66
VENDOR, VENDOR_LENGTH = 64201, 17  # from the range that SunSpec leaves to makers
THREE_PHASES, THREE_PHASES_LENGTH = 103, 50
IDENTITY = {"Mn": "Leafgate", "Md": "simulated inverter", "Vr": "1.0"}
PAD = b"\x80\x00"
# Powers of ten with which some megawatts fit in 16 bits, and energy counts in steps of 10 Wh.
FACTORS = {"A_SF": 0, "V_SF": -1, "W_SF": 2, "Hz_SF": -2, "WH_SF": 1, "DCW_SF": 2, "Tmp_SF": -1}
LEAST_POWER_W = 500.0  # below it the inverter sleeps
SLEEPING, TRACKING = 2, 4  # St
COUNTER = "WH"
ALWAYS = {"Evt1": 0.0, "Evt2": 0.0}

READ_HOLDING = 3
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
BYTE_COUNT = 8  # where a reply says its length


class Inverter:
    """One unit on one connection. `values` are items of the profile in the wire's unit.

    An item that `values` leave out is not implemented.
    """

    def __init__(self, name: str, unit: int, profile: Profile, values: Values, faults: Faults, clock: Clock) -> None:
        self.name, self.unit, self._profile = name, unit, profile
        self._measured = Measured(name, profile, values)
        self._faults, self._clock = faults, clock
        self._decoder = Decoder(replies=False)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        for frame in self._decoder.feed(data):
            if frame.unit == self.unit:
                now = self._clock()
                reply = encode(Frame(frame.transaction, frame.unit, self._answer(frame.pdu, now)))
                sent += self._faults.sent(self.name, reply, min(BYTE_COUNT, len(reply) - 1), now)
        return sent

    def chain(self, now: int) -> bytes:
        """All registers from the first base address on, at a time."""
        identity = {**IDENTITY, "SN": self.name}
        return b"".join(
            [
                MARKER,
                HEAD.pack(COMMON, COMMON_LENGTH) + _texts(identity, COMMON_LENGTH, self.unit),
                HEAD.pack(VENDOR, VENDOR_LENGTH) + bytes(range(2 * VENDOR_LENGTH)),
                HEAD.pack(THREE_PHASES, THREE_PHASES_LENGTH) + _numbers(self._points(now), THREE_PHASES_LENGTH),
                HEAD.pack(LAST_ID, 0),
            ]
        )

    def _answer(self, pdu: bytes, now: int) -> bytes:
        function = pdu[0]
        if function != READ_HOLDING:
            return bytes([function | EXCEPTION, ILLEGAL_FUNCTION])
        if self._faults.on(self.name, Fault.ERROR, now):
            return bytes([function | EXCEPTION, DEVICE_FAILURE])
        if len(pdu) != 5:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        start, count = struct.unpack(">HH", pdu[1:])
        if not 1 <= count <= MOST_REGISTERS:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        chain, first = self.chain(now), 2 * (start - BASES[0])
        if not 0 <= first <= len(chain) - 2 * count:
            return bytes([function | EXCEPTION, ILLEGAL_ADDRESS])
        return bytes([function, 2 * count]) + chain[first : first + 2 * count]

    def _points(self, now: int) -> dict[str, float]:
        """What model 103 shows; asleep only its counter and its state."""
        values = self._measured.at(now, self._faults)
        points = {item.point: values[name] for name, item in self._profile.items.items() if name in values}
        if points.get("W", 0.0) < LEAST_POWER_W:
            counted = {COUNTER: points[COUNTER]} if COUNTER in points else {}
            return {**counted, **ALWAYS, "St": SLEEPING}
        phases = [points[phase] for phase in ("AphA", "AphB", "AphC") if phase in points]
        return {"St": TRACKING, "A": math.fsum(phases), **points, **ALWAYS}


def _texts(texts: Mapping[str, str], length: int, unit: int) -> bytes:
    """The registers of model 1 behind its head."""
    data = bytearray(PAD * (2 + length))
    for name, point in layouts()[COMMON].points.items():
        if point.type == "string":
            data[2 * point.offset : 2 * (point.offset + point.size)] = _text(texts.get(name, ""), point.size)
        else:
            data[2 * point.offset : 2 * point.offset + 2] = unit.to_bytes(2, "big")
    return bytes(data[HEAD.size :])


def _text(text: str, size: int) -> bytes:
    return text.encode()[: 2 * size].ljust(2 * size, b"\0")


def _numbers(points: Mapping[str, float], length: int) -> bytes:
    """The registers of model 103 behind its head; points that are not given are not implemented."""
    data = bytearray(2 * (2 + length))
    for name, point in layouts()[THREE_PHASES].points.items():
        code, lacking = CODINGS[point.type]
        raw: int | None = FACTORS.get(name)
        if name in points:
            scaled = points[name] / 10.0 ** FACTORS.get(point.factor, 0)
            # What is not counted yet is not shown, and a counter begins again at its end.
            raw = math.floor(scaled + 1e-6) % 2**32 if name == COUNTER else round(scaled)
        packed = lacking.to_bytes(2 * point.words, "big") if raw is None else struct.pack(">" + code, raw)
        data[2 * point.offset : 2 * (point.offset + point.words)] = packed
    return bytes(data[HEAD.size :])
