"""CJ/T 188 meters: by the wildcard for address and type. The protocol has no abbreviated addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.bus import Line
from drivers.cjt188.codec import (
    ANY_ADDRESS,
    ANY_TYPE,
    COLD_WATER,
    GAS,
    HEAT,
    METERED,
    Decoder,
    Frame,
    read_address_request,
    read_request,
)
from edge_agent.scan.hearing import hear

TIMEOUT_S = 0.6  # a meter begins its reply within 500 ms
TYPES = (ANY_TYPE, COLD_WATER, HEAT, GAS)  # some meters do not answer to AA
QUESTIONS = 2 * len(TYPES)


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter: fourteen digits, and the type as its reply says it."""

    address: str
    meter_type: int

    @property
    def medium(self) -> int:
        """What it measures."""
        return medium(self.meter_type)


def medium(meter_type: int) -> int:
    """The high digit of a type: 1 water, 2 heat and cooling, 3 gas."""
    return meter_type >> 4


async def search(line: Line, asked: Callable[[], None], timeout_s: float = TIMEOUT_S) -> tuple[list[Meter], bool]:
    """The meters that answer the wildcard, and whether replies collided; raises LinkError where there is no line."""
    found: dict[str, Meter] = {}
    collided = False
    for meter_type in TYPES:
        for request in (read_address_request(meter_type), read_request(meter_type, ANY_ADDRESS, METERED, 0)):
            heard = await hear(line, request, Decoder(), timeout_s)
            asked()
            collided = collided or heard.damaged
            found |= {f.address: Meter(f.address, f.meter_type) for f in heard.frames if _is_meter(f)}
        if found:
            break
    return list(found.values()), collided


def _is_meter(frame: Frame) -> bool:
    return frame.is_reply and frame.address.isdecimal()
