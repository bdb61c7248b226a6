"""Modbus units over RTU and TCP, and what stands behind them: any answer counts, a refusal too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from drivers.bus import Bus, Line
from drivers.error import DeviceError, LinkError, ProfileError
from drivers.exchange import Exchange
from drivers.modbus.unit import LATE, Unit
from drivers.sunspec.chain import Model, walk
from edge_agent.scan.hearing import UNHEARD

SERIAL_UNITS = range(1, 248)  # Modbus over serial line V1.02, 2.2
TCP_UNITS = (1, 255, 0, 247, *range(2, 247))  # 255 and 0: a device that needs none, Modbus TCP guide V1.0b, 4.4.2
SERIAL_TIMEOUT_S, TCP_TIMEOUT_S = 0.3, 1.0  # until the line has shown how quick its devices are
SLOW_TIMEOUT_S = 1.0  # as long as the agent waits where plant.yaml says nothing
MOST_AGAIN_S = 60.0  # a second sweep that takes longer is the user's choice
LEAST_TIMEOUT_S = 0.08  # a USB adapter hands its bytes on every 16 ms
TIMES_SLOWER = 4  # than the slowest answer so far
HOLDING = 3


class Timeout:
    """How long to wait for a unit: as long as the slowest answer of the line, with some room."""

    def __init__(self, first_s: float) -> None:
        self.seconds = first_s
        self.silent: dict[int, float] = {}  # units that said nothing, and how long each of them was given
        self._first_s, self._slowest_s = first_s, 0.0

    def learn(self, exchange: Exchange) -> None:
        """To be the tap of the line."""
        if exchange.reason is None:
            self._slowest_s = max(self._slowest_s, exchange.waited_s)
            self.seconds = min(self._first_s, max(LEAST_TIMEOUT_S, TIMES_SLOWER * self._slowest_s))

    def again(self, settings: int) -> list[int]:
        """The units that a slow device may stand behind; none where asking them anew at so many settings is long.

        From here on each unit is given the time of a slow one.
        """
        short = [number for number, waited in self.silent.items() if waited < SLOW_TIMEOUT_S]
        if len(short) * SLOW_TIMEOUT_S * settings > MOST_AGAIN_S:
            return []
        self.seconds = self._first_s = self._slowest_s = SLOW_TIMEOUT_S
        return short


async def units(
    bus: Bus, line: Line, numbers: Sequence[int], timeout: Timeout, asked: Callable[[], None]
) -> AsyncIterator[int]:
    """The units that answer, in the order asked; raises LinkError where there is no line."""
    bus.tap = timeout.learn
    for number in numbers:
        waited = timeout.seconds
        try:
            answers = await _answers(Unit(line, number, waited), bus.is_stream)
        finally:
            asked()
        timeout.silent.pop(number, None)
        if answers:
            yield number
        elif answers is None:
            timeout.silent[number] = waited


async def models(unit: Unit) -> list[Model]:
    """The SunSpec chain behind a unit; empty where there is none."""
    steps = walk()
    try:
        span = next(steps)
        while True:
            span = steps.send(await _registers(unit, span.start, span.count))
    except StopIteration as end:
        chain: list[Model] = end.value
        return chain
    except ProfileError:
        return []


async def _answers(unit: Unit, over_tcp: bool) -> bool | None:
    """Whether anything whole comes back, if late; None for silence.

    Where nobody has the unit some gateways hang up, and others say so.
    """
    try:
        await unit.read(HOLDING, 0, 1)
    except DeviceError:
        return True
    except LinkError as error:
        if error.reason == LATE:
            return True
        if error.reason not in UNHEARD and not (over_tcp and error.reason == "closed"):
            raise
        return None if error.reason in UNHEARD and not error.detail else False
    return True


async def _registers(unit: Unit, start: int, count: int) -> bytes | None:
    try:
        return await unit.read(HOLDING, start, count)
    except DeviceError:
        return None
    except LinkError as error:
        if error.reason not in (*UNHEARD, LATE):
            raise
        return None
