"""A plant with two devices and three limits whose recorder is fed by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from drivers.reading import Quality
from edge_agent.alarm.alarm import Alarm
from edge_agent.alarm.board import history, open_alarms
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox
from edge_agent.ledger import Person
from edge_agent.poll import LinkState
from edge_agent.record import Recorder
from edge_agent.requests import begin
from edge_agent.store.lock import make_data_folder
from edge_agent.store.store import Store
from tests.plants import plant

S = 1_000_000
NOW = 1_795_219_200 * S
WANG = Person("值班员", "wang")
PLANT = """
site: {id: p, title: P, timezone: Asia/Shanghai}
buses: {line1: {serial: /dev/null}}
devices:
  m1: {bus: line1, profile: dlt645-2007-3ph, address: 000000000161, ct: 100, title: {zh: 总表, en: Main meter}}
  m2: {host: 127.0.0.1, profile: eastron-sdm630}
alarms:
  m1.power: {high: 450, low: 1, delay: 10s, deadband: 5, priority: urgent,
             cause: {zh: 需量越限, en: demand}, action: {zh: 先停空压机, en: stop a compressor}}
  m2.power: {high: 3}
"""


class Plant:
    """A site and its recorder, fed by hand; the clock is the newest reading's."""

    def __init__(self, folder: Path, text: str = PLANT) -> None:
        self.site = plant(folder, text)
        make_data_folder(self.site.data)
        self.now = NOW
        self.start()

    def start(self) -> None:
        """A new run of the agent on the same data."""
        self.store, self.inbox = Store(self.site.data), Inbox(self.site.data)
        begin(self.store, self.site, self.inbox, lambda: self.now)
        self.batches: asyncio.Queue[Batch] = asyncio.Queue(100)
        self.health: Counter[str] = Counter()
        self.recorder = Recorder(self.site, self.store, self.inbox, self.batches, lambda: self.now, self.health)

    async def restart(self, text: str = PLANT) -> None:
        await self.stop()
        self.site = plant(self.site.folder, text)
        self.start()

    async def stop(self) -> None:
        await self.recorder.close()
        self.store.close()

    def read(self, tag: str, value: float | None, after_s: float = 1.0, why: str | None = None) -> None:
        """One reading so many seconds after the last one."""
        self.now += int(after_s * S)
        batch = Batch()
        batch.add(tag, self.now, self.now, value, Quality.BAD if value is None else Quality.GOOD, why)
        self.batches.put_nowait(batch)

    def lose(self, device: str, after_s: float = 40.0) -> None:
        """The device is lost, and so many seconds later it still is."""
        self.read(f"{device}.link", float(LinkState.DOWN), why="no_reply")
        self.read(f"{device}.power", None, after_s, why="no_reply")

    async def see(self, tag: str, *values: float | None, every_s: float = 5.0) -> None:
        for value in values:
            self.read(tag, value, every_s)
        await self.recorder.flush()

    @property
    def open(self) -> dict[str, Alarm]:
        return {alarm.id: alarm for alarm in open_alarms(self.site, self.now)}

    def states(self) -> dict[str, str]:
        return {name: alarm.state.value for name, alarm in self.open.items()}

    def events(self) -> list[tuple[str, str]]:
        """Oldest first."""
        return [(e.alarm, e.event.value) for e in reversed(history(self.site, 0, 2**62))]
