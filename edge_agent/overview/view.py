"""The overview of a plant at a time: agent, alarms, flows, devices, store. It reads and keeps nothing open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from configs.text import Text, both
from drivers.reading import Quality
from edge_agent.alarm.alarm import Alarm, AlarmState
from edge_agent.alarm.board import asked, open_alarms
from edge_agent.exit import Exit, Stop
from edge_agent.overview.balance import EXPORT, PART, Wiring
from edge_agent.overview.device import ASLEEP, DeviceRow, DeviceView, device_row, device_view
from edge_agent.overview.past import History, Past, Trend
from edge_agent.overview.value import NEVER, UNREADABLE, Present, Value, worst
from edge_agent.period import US
from edge_agent.site import Site
from edge_agent.store.lock import LOCK_FILE, Holder, running
from edge_agent.store.reader import Reader
from edge_agent.store.store import PLANT_DB

DEAR_US = 15 * US  # how often the dear part is worth computing
# What the agent counts of itself since its start.
HEALTH = ("agent.blocked", "agent.overruns", "agent.store_failures", "agent.alarm_faults")


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent by its lock; since its start, or since its last sign of life when silent; why it is stuck."""

    state: Literal["running", "stuck", "silent", "stopped"]
    since: int | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One row of the balance; `title` only for meters, the others have words of their own."""

    row: str
    title: Text | None
    now: Value
    trend: Trend


@dataclass(frozen=True)
class Overview:
    """What the first page shows; as_of is when the newest reading came in, None when there is none."""

    title: Text
    as_of: int | None
    agent: Agent
    alarms: tuple[Alarm, ...]
    asked: frozenset[str]
    flows: tuple[Flow, ...]
    devices: tuple[DeviceRow, ...]
    past: Past
    health: Mapping[str, int] = field(default_factory=dict)  # only what is not zero
    device: DeviceView | None = None
    alarms_known: bool = True  # False where the store could not be asked

    @property
    def waiting(self) -> list[Alarm]:
        """The alarms that nobody has acknowledged."""
        return [a for a in self.alarms if a.state is not AlarmState.ACKNOWLEDGED]

    @property
    def active(self) -> list[Alarm]:
        """The alarms whose condition is there."""
        return [a for a in self.alarms if a.state is not AlarmState.RETURNED]


class Memory:
    """What one viewer of one site keeps from look to look, so that each costs little."""

    def __init__(self, site: Site) -> None:
        self.wiring, self.tags = Wiring.of(site), site.tags()
        self.usable: dict[str, int] = {}
        ages = {tag: known.max_age for tag, known in self.tags.items()}
        self._history, self._past = History(site, self.wiring, ages), Past(0)

    def past(self, now: int, dear: bool) -> Past:
        """The dear part, at most DEAR_US old; unless it is wanted, what there is of it."""
        if dear and not 0 <= now - self._past.at < DEAR_US:
            self._past = self._history.look(now)
        return self._past


def overview(
    site: Site, now: int, memory: Memory | None = None, device: str | None = None, dear: bool = True
) -> Overview:
    """The plant as it is now, one device in full where it is named; raises Stop where the store cannot be read.

    dear: whether the past is worth waiting for; without it the past is what `memory` has of it.
    """
    memory = memory or Memory(site)
    if not Reader(site.data).exists and (memory.usable or _running(site)):
        raise Stop(Exit.SITE, "error.database_gone", file=site.data / PLANT_DB)
    present = Present.read(site, memory.tags, now, memory.usable)
    alarms, wanted = open_alarms(site, now), asked(site)
    return _seen(present, memory, memory.past(now, dear), alarms, wanted, device)


def blind(site: Site, now: int, memory: Memory, device: str | None = None) -> Overview:
    """The same plant when nothing can be read: every value unknown."""
    nothing = Present(site, now, memory.tags, lacking=UNREADABLE)
    return replace(_seen(nothing, memory, Past(now), [], set(), device), alarms_known=False)


def _seen(
    present: Present, memory: Memory, past: Past, alarms: list[Alarm], wanted: set[str], device: str | None
) -> Overview:
    site, now = present.site, present.now
    agent = _running(site)
    view = _agent(agent, now)
    agent = None if view.state == "silent" else agent
    return Overview(
        both(site.plant.site.title),
        present.as_of,
        view,
        tuple(alarms),
        frozenset(wanted),
        tuple(_flows(present, memory.wiring, past)),
        tuple(device_row(present, name, agent) for name in site.plant.devices),
        past,
        _health(present, agent),
        device_view(present, device, agent) if device in site.plant.devices else None,
    )


def _running(site: Site) -> Holder | None:
    """The agent that holds the lock."""
    holder = running(site.data, LOCK_FILE)
    return holder if holder and holder.command == "run" else None


def _agent(holder: Holder | None, now: int) -> Agent:
    if holder is None:
        return Agent("stopped")
    state = holder.state(now)
    return Agent(state, holder.alive if state == "silent" else holder.since, holder.trouble)


def _health(present: Present, agent: Holder | None) -> dict[str, int]:
    found = {name: present.samples[name] for name in HEALTH if name in present.samples}
    return {name: int(s.value) for name, s in found.items() if agent and s.value and s.at >= agent.since}


def _flows(present: Present, wiring: Wiring, past: Past) -> list[Flow]:
    """The rows of the balance; that of the export only on days that have one."""
    rows = wiring.rows()
    values = {tag: present.value(tag) for tag in wiring.tags}
    numbers = wiring.balance(lambda tag: _number(values.get(tag, NEVER)))
    flows = []
    for row, tags in rows.items():
        trend = past.trends.get(row, Trend())
        if row == EXPORT and not numbers[row] and not trend.today:
            continue
        title = _titled(present.site, row.removeprefix(PART)) if row.startswith(PART) else None
        now = _joined([values.get(tag, NEVER) for tag in tags], numbers[row], len(tags) > 1)
        flows.append(Flow(row, title, now, trend))
    return flows


def _titled(site: Site, meter: str) -> Text:
    return both(site.plant.meters[meter].title or meter)


def _joined(values: list[Value], number: float | None, several: bool) -> Value:
    """The number of a row with the trust of its worst part; a sum that misses a part has no age to show."""
    least = worst([v for v in values if v.reason != ASLEEP] or values)
    if number is None:
        return Value(None, Quality.ABSENT, least.reason) if several else least
    return least if least.reason == ASLEEP else Value(number, least.quality, least.reason)


def _number(value: Value) -> float | None:
    """An inverter that says it sleeps delivers nothing."""
    return 0.0 if value.reason == ASLEEP else value.value
