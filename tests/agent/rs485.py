"""A line of simple units in virtual time: every byte takes its time, every unit answers after its delay."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from drivers.bus import Bus, Line
from drivers.driver import Device
from drivers.link import Link
from drivers.profile import Profile
from drivers.reading import Quality, Reading
from drivers.round import Rounds
from drivers.sim.plant import shipped
from drivers.wire import Wire
from edge_agent.batch import Batch
from edge_agent.poll import LinkState, Poll, poll_line

WIRE = Wire(9600, "N", 1)
REQUEST = 8  # bytes of a question
REPLY = 25  # bytes of an answer: ten registers
UNHEARD = b"!"  # the last byte of a question that no unit answers
PROFILE: Profile = shipped("eastron-sdm630")


@dataclass(frozen=True, slots=True)
class Question:
    names: tuple[str, ...]
    low: bool = False


class Cable:
    """A link on which the unit in a question's first byte answers after its delay; None is silence."""

    def __init__(self, delays: Mapping[int, float | None]) -> None:
        self._delays = delays
        self._came: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        delay = self._delays[data[0]]
        if delay is not None and not data.endswith(UNHEARD):
            wait = (len(data) + REPLY) * WIRE.byte_s + delay
            asyncio.get_running_loop().call_later(wait, self._came.put_nowait, data)

    async def read(self, timeout_s: float) -> bytes:
        if not self._came.empty():
            return self._came.get_nowait()
        try:
            async with asyncio.timeout(max(timeout_s, 0.0)):
                return await self._came.get()
        except TimeoutError:
            return b""

    async def set(self, wire: Wire) -> None: ...

    async def close(self) -> None: ...


class Heard:
    """Takes the echo of a question as its answer."""

    def __init__(self, request: bytes) -> None:
        self._request = request

    def feed(self, data: bytes) -> bytes | None:
        return data if data == self._request else None

    def flush(self) -> bytes | None:
        return None

    def damaged(self) -> bool:
        return False


class Asked:
    """A driver of one unit with as many questions of high and of low priority as told."""

    def __init__(self, unit: int, line: Line, high: int, low: int = 0, deaf: Collection[str] = ()) -> None:
        self.device = Device(f"u{unit}", PROFILE, unit=unit, timeout=1.0)
        self.asked: Counter[str] = Counter()  # questions answered, by item
        self._unit, self._line, self._deaf = unit, line, deaf
        questions = [Question((f"h{i}",)) for i in range(high)] + [Question((f"l{i}",), True) for i in range(low)]
        self._rounds = Rounds(
            questions, lambda q, why: self._said(q, None, why), lambda q: self._said(q, None, "no_data")
        )

    @property
    def unfinished(self) -> bool:
        return self._rounds.unfinished

    async def connect(self) -> None: ...

    async def probe(self) -> str:
        return self.device.name

    async def read(self, until: float = math.inf) -> list[Reading]:
        return list((await self._rounds.cycle(self._ask, until)).values())

    async def close(self) -> None: ...

    async def _ask(self, question: Question) -> dict[str, Reading]:
        last = UNHEARD if question.names[0] in self._deaf else b"?"
        request = bytes([self._unit]).ljust(REQUEST - 1, b"?") + last
        await self._line.ask(request, Heard(request), self.device.timeout)
        self.asked[question.names[0]] += 1
        return self._said(question, 1.0, None)

    def _said(self, question: Question, value: float | None, why: str | None) -> dict[str, Reading]:
        name = question.names[0]
        quality = Quality.GOOD if why is None else Quality.BAD
        return {name: Reading(f"{self.device.name}.{name}", value, quality, why, 0, 0)}


@dataclass
class Told:
    """What a line did in a while: the questions answered by each unit, and the counters of health."""

    units: list[Asked]
    health: Counter[str]
    batches: int
    lost: int  # links that went down


async def polled(
    delays: Mapping[int, float | None],
    seconds: float,
    *,
    period: float,
    high: int = 1,
    low: int = 0,
    deaf: Collection[str] = (),
) -> Told:
    """Poll the units for so many seconds of virtual time; the store takes every batch at once."""

    async def opened() -> Link:
        return Cable(delays)

    bus = Bus("line", opened, wire=WIRE, gap_s=3.5 * WIRE.byte_s)
    units = [Asked(number, bus, high, low, deaf) for number in delays]
    batches: asyncio.Queue[Batch] = asyncio.Queue(100)
    health: Counter[str] = Counter()
    count = lost = 0

    async def store() -> None:
        nonlocal count, lost
        while True:
            batch = await batches.get()
            count += 1
            links = zip(batch.tags, batch.values, strict=True)
            lost += sum(tag.endswith(".link") and value == LinkState.DOWN for tag, value in links)

    polling = asyncio.create_task(poll_line(bus, [Poll(u, period) for u in units], batches, lambda: 0, health))
    storing = asyncio.create_task(store())
    await asyncio.sleep(seconds)
    polling.cancel()
    storing.cancel()
    await asyncio.gather(polling, storing, return_exceptions=True)
    return Told(units, health, count, lost)
