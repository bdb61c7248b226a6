"""The overview page: flows, devices, open alarms; Tab goes from list to list."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from edge_agent.alarm.alarm import Alarm, AlarmState
from edge_agent.alarm.words import sentence, value_words
from edge_agent.overview.balance import EXPORT, GRID, PART, PV
from edge_agent.overview.device import DeviceRow
from edge_agent.overview.past import HOUR
from edge_agent.overview.view import Flow
from tui.actions import OVERVIEW, bindings
from tui.cells import GAP, Column, Line, Span
from tui.frame import View, alarm_mark
from tui.pages.page import Page
from tui.picker import Picker
from tui.widgets.table import GUTTER, Table
from tui.words import NOTHING, age, number, shown, sparkline

DEVICES, ALARMS, FLOWS = "devices", "alarms", "flows"
ORDER = (DEVICES, ALARMS, FLOWS)  # of Tab
SPARKS = (60, 30, 20, 12)  # widths that divide an hour
WIDE = 110  # cells from which there is room for more columns
# Where room is lacking: which list (of flows, devices, alarms) gives lines away, and how many it keeps.
GIVES_WAY = ((1, 6), (2, 4), (0, 4), (1, 3), (0, 2), (2, 2), (0, 0), (1, 0), (2, 0))


class OverviewPage(Page):
    """Everything at a glance."""

    kind = OVERVIEW
    BINDINGS = bindings(OVERVIEW)

    def __init__(self) -> None:
        super().__init__()
        self._pickers = {name: Picker() for name in ORDER}
        self._focus = DEVICES

    def body(self, view: View) -> list[Line]:
        if self._focus != ALARMS:
            self._pickers[ALARMS] = Picker()  # nobody reads it line by line: the most urgent stand on top
        tables = self._tables(view)
        heights = shares([tables[name].wanted for name in (FLOWS, DEVICES, ALARMS)], view.room)
        spare = view.room - sum(heights)
        lines: list[Line] = []
        for name, height in zip((FLOWS, DEVICES, ALARMS), heights, strict=True):
            lines += tables[name].lines(self._pickers[name], view.width, height, name == self._focus)
            if spare > 0 and name != ALARMS:
                lines.append(())
                spare -= 1
        return lines

    def action_move(self, by: int) -> None:
        """Up or down in the list that has the cursor."""
        self._pickers[self._focus].move(self._tables(self.view())[self._focus].keys, by)
        self.paint()

    def action_section(self) -> None:
        """The cursor goes to the next list."""
        self._focus = ORDER[(ORDER.index(self._focus) + 1) % len(ORDER)]
        self.paint()

    def action_open(self) -> None:
        """The device under the cursor, or the one that the selected alarm is about."""
        devices = [d.name for d in self.view().plant.devices]
        chosen = self._pickers[DEVICES].key
        alarm = self._alarm()
        if self._focus == ALARMS and alarm and alarm.tag.partition(".")[0] in devices:
            chosen = alarm.tag.partition(".")[0]
        if self._focus == FLOWS:
            chosen = device_of(self.view(), self._pickers[FLOWS].key)
        if chosen in devices:
            self.operator.open_device(chosen)
        else:
            self.operator.say("tui.no_device_here" if devices else "tui.no_devices")

    def action_acknowledge(self) -> None:
        """Ask who has seen the selected alarm."""
        alarm = self._alarm()
        if alarm is None:
            self.operator.say("tui.no_alarms")
        elif alarm.state is AlarmState.ACKNOWLEDGED or alarm.id in self.view().plant.asked:
            self.operator.say("tui.nothing_to_acknowledge")
        else:
            self._focus = ALARMS
            self.paint()
            self.operator.acknowledge(alarm)

    def _alarm(self) -> Alarm | None:
        alarms = self.view().plant.alarms
        picker = self._pickers[ALARMS]
        picker.follow([a.id for a in alarms])
        return alarms[picker.index] if alarms else None

    def _tables(self, view: View) -> dict[str, Table]:
        return {FLOWS: flow_table(view), DEVICES: device_table(view), ALARMS: alarm_table(view)}


def device_of(view: View, row: str) -> str:
    """The device behind a row of the balance; none for a sum."""
    meters = view.look.site.plant.meters
    flow = {GRID: "grid_import", EXPORT: "grid_export", PV: "pv_generation"}.get(row)
    wanted = [m for n, m in meters.items() if row == PART + n or (flow and m.flow == flow)]
    return wanted[0].tag.partition(".")[0] if len(wanted) == 1 else ""


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many lines flows, devices and alarms get; the devices give way first: what is wrong there is an alarm too."""
    given = list(wanted)
    for index, least in GIVES_WAY:
        given[index] = max(given[index] - max(sum(given) - room, 0), min(given[index], least))
    return given


def flow_table(view: View) -> Table:
    """The balance: now, today, the highest 15 minutes, the last hour."""
    say = view.texts
    columns = [Column(16), Column(10, True), Column(10, True), Column(12, True)]
    used = GUTTER + sum(c.width + len(GAP) for c in columns)
    spark = next((w for w in SPARKS if used + w <= view.width), 0)
    columns += [Column(max(spark, len(GAP)))] if spark else []
    rows: dict[str, Sequence[Span]] = {f.row: _flow(view, f, spark) for f in view.plant.flows}
    return Table(
        columns, [say(f"tui.flow.{h}") for h in ("head", "now", "today", "peak", "hour")], rows, say("tui.no_meters")
    )


def _flow(view: View, flow: Flow, spark: int) -> list[Span]:
    title = view.texts.title(flow.title) if flow.title else view.texts(f"tui.flow.{flow.row}")
    trend = flow.trend
    return [
        (title, "value"),
        shown(flow.now, number(flow.now.value), view.texts),
        (number(trend.today, 0), "value" if trend.today is not None else "dim"),
        (number(trend.peak), "value" if trend.peak is not None else "dim"),
        (sparkline(trend.hour, min(spark, HOUR)), "value"),
    ]


def device_table(view: View) -> Table:
    """Every device: link, last reading, quality, remark."""
    say = view.texts
    columns = [Column(18), Column(7), Column(11), Column(9)]
    heads = ["head", "link", "last", "quality", "remark"]
    if view.width >= WIDE:
        columns, heads = [*columns, Column(30)], [*heads[:4], "where", "remark"]
    used = GUTTER + sum(c.width + len(GAP) for c in columns)
    columns.append(Column(max(view.width - used, 12)))
    rows: dict[str, Sequence[Span]] = {d.name: _device(view, d) for d in view.plant.devices}
    titles = [say(f"tui.device.{h}") for h in heads]
    ill = sum(is_ill(d) for d in view.plant.devices)
    if ill:  # one that is not well may stand on a line that is not seen
        titles[0] = say("tui.device.head_ill", count=ill)
    return Table(columns, titles, rows, say("tui.no_devices"))


def is_ill(device: DeviceRow) -> bool:
    """Whether somebody should look at the device."""
    return device.link == "down" or device.quality.code in ("bad", "stale")


def _device(view: View, device: DeviceRow) -> list[Span]:
    say = view.texts
    down = device.link == "down"
    place = [(device.where, "label")] if view.width >= WIDE else []
    return [
        (say.title(device.title), "value"),
        (say(f"link.{device.link}"), "lost" if down else "value" if device.link == "up" else "dim"),
        (view.time(device.last), "value"),
        quality_words(view, device),
        *place,
        (remark(view, device), "value"),
    ]


def quality_words(view: View, device: DeviceRow) -> Span:
    """Good, `~` with how many tags are not, or `?` with how long ago it was."""
    code = device.quality.code
    if code == "good":
        return view.texts("quality.good"), "value"
    if code == "uncertain":
        return view.texts("tui.device.partly", count=device.faulty), "value"
    if code == "absent":
        return NOTHING, "dim"
    return f"? {NOTHING if device.age is None else age(device.age)}", "dim"


def remark(view: View, device: DeviceRow) -> str:
    """Why it is not all good."""
    said = view.texts.why(device.reason)
    return f"{device.item}: {said}" if device.item and said else said


def alarm_table(view: View) -> Table:
    """The open alarms, highest priority first, then newest."""
    say = view.texts
    times = max((cell_len(view.time(a.raised)) for a in view.plant.alarms), default=8)
    narrow = [Column(4), Column(times), Column(10), Column(20, True)]
    wide = [Column(16)] if view.width >= WIDE else []
    used = GUTTER + sum(c.width + len(GAP) for c in (*narrow, *wide))
    columns = [*narrow[:3], Column(max(view.width - used, 10)), narrow[3], *wide]
    heads = [say(f"tui.alarm.{h}") for h in ("head", "time", "state", "text", "value", "by")]
    rows: dict[str, Sequence[Span]] = {a.id: _alarm(view, a) for a in view.plant.alarms}
    empty = "tui.no_alarms" if view.plant.alarms_known else "tui.alarms_unreadable"
    return Table(columns, heads, rows, say(empty), range_at=3)


def _alarm(view: View, alarm: Alarm) -> list[Span]:
    say, site = view.texts, view.look.site
    seen = alarm.state is AlarmState.ACKNOWLEDGED
    asked = alarm.id in view.plant.asked
    state = say("alarm.asked") if asked else say(f"tui.alarm.{alarm.state.value}")
    return [
        alarm_mark(alarm),
        (view.time(alarm.raised), "value"),
        (state, "value" if seen or asked else "reverse"),
        (sentence(alarm, site, say), "value"),
        (value_words(alarm, site), "value"),
        (alarm.acknowledged_by or "", "label"),
    ]
