"""M-Bus meters by primary address: a link reset, which a meter acknowledges, and its first telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from configs.text import both
from drivers.bus import Line
from drivers.driver import Device
from drivers.error import LinkError
from drivers.mbus.address import SECONDARY_DIGITS
from drivers.mbus.driver import MBusDriver
from drivers.mbus.link import LAST_PRIMARY, TEST, Ack, Decoder, reset_request
from drivers.profile import Profile
from edge_agent.scan.hearing import UNHEARD, hear

ADDRESSES = range(LAST_PRIMARY + 1)
ANSWER_BITS, ANSWER_S = 330, 0.05  # EN 13757-2, 5.4: a meter answers at the latest after 330 bits and 50 ms
NO_ITEMS = Profile(both("scan"), "mbus", "", {})  # to be asked who it is only
SPARE_S = 0.05  # converters and adapters


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter; `says` is empty where several stand under the address and their telegrams collide."""

    address: int
    says: str

    @property
    def wanted(self) -> str:
        """The address for plant.yaml: the meter's own where the primary one is 0, that of every new meter."""
        own = self.says.partition(" ")[0]
        return own if not self.address and len(own) == SECONDARY_DIGITS else str(self.address)


def timeout_s(baud: int) -> float:
    """Until a meter's answer has begun, seconds."""
    return ANSWER_BITS / baud + ANSWER_S + SPARE_S


async def is_anyone(line: Line, wait_s: float) -> bool:
    """Whether any meter acknowledges the test address; several acknowledge at once, which may look like noise."""
    heard = await hear(line, reset_request(TEST), Decoder(), wait_s)
    return bool(heard.frames) or heard.damaged


async def search(
    line: Line, addresses: Sequence[int], wait_s: float, asked: Callable[[], None]
) -> AsyncIterator[Meter]:
    """The meters that answer, address by address; raises LinkError where there is no line."""
    for address in addresses:
        heard = await hear(line, reset_request(address), Decoder(), wait_s)
        asked()
        if heard.damaged or any(isinstance(frame, Ack) for frame in heard.frames):
            says = await _says(line, address, wait_s)
            if says or not heard.damaged:
                yield Meter(address, says)


async def _says(line: Line, address: int, wait_s: float) -> str:
    device = Device("scan", NO_ITEMS, str(address), timeout=wait_s)
    try:
        return await MBusDriver(device, line, _no_clock).probe()
    except LinkError as error:
        if error.reason not in UNHEARD:
            raise
        return ""


def _no_clock() -> int:
    return 0
