"""The device page: what it is, how its link stands, and every tag with its quality and age."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.overview.device import DeviceView, TagRow
from tui.actions import DEVICE, bindings
from tui.cells import GAP, Column, Line, Span
from tui.frame import View
from tui.pages.overview import remark
from tui.pages.page import Page
from tui.picker import Picker
from tui.widgets.table import GUTTER, Table
from tui.words import age, rounded, shown, why


class DevicePage(Page):
    """One device in full."""

    kind = DEVICE
    BINDINGS = bindings(DEVICE)

    def __init__(self) -> None:
        super().__init__()
        self._picker = Picker()

    def heading(self, view: View) -> str:
        device = view.plant.device
        return view.texts.title(device.row.title) if device else super().heading(view)

    def body(self, view: View) -> list[Line]:
        device = view.plant.device
        if device is None:
            return [((view.texts("tui.device.gone"), "dim"),)]
        facts = _facts(view, device)
        table = tag_table(view, device)
        return [*facts, (), *table.lines(self._picker, view.width, view.room - len(facts) - 1, True)]

    def action_move(self, by: int) -> None:
        """Through the tags."""
        device = self.view().plant.device
        if device:
            self._picker.move([tag.item for tag in device.tags], by)
            self.paint()

    def action_turn(self, by: int) -> None:
        """The next or the previous device; after the last comes the first."""
        view = self.view()
        names = [d.name for d in view.plant.devices]
        shown_now = view.plant.device.row.name if view.plant.device else ""
        if names:
            index = names.index(shown_now) if shown_now in names else 0
            self._picker = Picker()
            self.operator.open_device(names[(index + by) % len(names)])


def _facts(view: View, device: DeviceView) -> list[Line]:
    """Profile and protocol, place and period, link and its reason."""
    say, row = view.texts, device.row
    link = say(f"link.{row.link}")
    link_role = "lost" if row.link == "down" else "value"
    since = () if device.since is None else ((say("tui.device.since", since=view.time(device.since)), "label"),)
    reason = ((GAP + remark(view, row), "value"),) if row.reason else ()
    return [
        ((say("tui.device.profile"), "label"), (f"{say.title(device.profile)} ({device.protocol})", "value")),
        ((say("tui.device.place"), "label"), (row.where, "value")),
        ((say("tui.device.poll"), "label"), (f"{device.poll:g} s", "value")),
        ((say("tui.device.state"), "label"), (link, link_role), *since, *reason),
    ]


def tag_table(view: View, device: DeviceView) -> Table:
    """Every tag: what it is, its value and unit, its age, why it is not good."""
    say = view.texts
    name = max(min(view.width // 4, 28), 8)
    columns = [Column(name), Column(16), Column(14, True), Column(6), Column(5, True)]
    used = GUTTER + sum(c.width + len(GAP) for c in columns)
    columns.append(Column(max(view.width - used, 8)))
    heads = [say(f"tui.tag.{h}") for h in ("head", "quantity", "value", "unit", "age", "why")]
    rows: dict[str, Sequence[Span]] = {tag.item: _tag(view, tag) for tag in device.tags}
    return Table(columns, heads, rows)


def _tag(view: View, tag: TagRow) -> list[Span]:
    say, value = view.texts, tag.value
    number = value.value
    if tag.state:
        text = say.title(tag.state)
    elif number is None:
        text = ""
    else:
        text = f"{number:.0f}" if tag.is_state else rounded(number)
    return [
        (tag.item, "value"),
        (say.title(tag.title), "label"),
        shown(value, text, say),
        ("" if tag.unit == "1" else tag.unit, "label"),
        ("" if value.age is None else age(value.age), "label"),
        (why(value.reason, say), "value"),
    ]
