"""The device page: what it is, how its link stands, and every tag with its quality and age."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.overview.device import DeviceView, TagRow
from edge_agent.texts import Texts
from edge_agent.when import METER_MOMENTS, as_read
from tui.actions import DEVICE, bindings
from tui.cells import GAP, Column, Line, Span, wrapped
from tui.frame import View
from tui.pages.overview import remark
from tui.pages.page import Page
from tui.picker import Picker
from tui.widgets.table import GUTTER, Table
from tui.words import age, rounded, shown

INDENT = 6  # cells before a reason, as wide as the names of the facts


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
        if device is None or device.row.name != self.operator.device:
            known = self.operator.device in [d.name for d in view.plant.devices]
            return [] if known else [((view.texts("tui.device.gone"), "dim"),)]
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
        if names:
            index = names.index(self.operator.device) if self.operator.device in names else 0
            self._picker = Picker()
            self.operator.open_device(names[(index + by) % len(names)])


def _facts(view: View, device: DeviceView) -> list[Line]:
    """Profile and protocol, place and period, link, and the reason in full."""
    say, row = view.texts, device.row
    link_role = "lost" if row.link == "down" else "value"
    since = () if device.since is None else ((say("tui.device.since", since=view.time(device.since)), "label"),)
    lines: list[Line] = [
        ((say("tui.device.profile"), "label"), (f"{say.title(device.profile)} ({device.protocol})", "value")),
        ((say("tui.device.place"), "label"), (row.where, "value")),
        ((say("tui.device.poll"), "label"), (f"{device.poll:g} s", "value")),
        ((say("tui.device.state"), "label"), (say(f"link.{row.link}"), link_role), *since),
    ]
    reason = wrapped(remark(view, row), view.width - INDENT) if row.reason else []
    return [*lines, *(((" " * INDENT, ""), (piece, "value")) for piece in reason)]


def tag_table(view: View, device: DeviceView) -> Table:
    """Every tag: what it is, its value and unit, its age, why it is not good."""
    columns = [Column(28), Column(16, True), Column(5), Column(4, True)]
    used = GUTTER + sum(c.width + len(GAP) for c in columns)
    columns.append(Column(max(view.width - used, 8)))
    heads = [view.texts(f"tui.tag.{h}") for h in ("head", "value", "unit", "age", "why")]
    rows: dict[str, Sequence[Span]] = {tag.item: _tag(view, tag) for tag in device.tags}
    return Table(columns, heads, rows)


def _tag(view: View, tag: TagRow) -> list[Span]:
    say, value = view.texts, tag.value
    return [
        (f"{tag.item} {say.title(tag.title)}", "value"),
        shown(value, _number(tag, say), say),
        ("" if tag.unit in ("1", *METER_MOMENTS) else tag.unit, "label"),
        ("" if value.age is None else age(value.age), "label"),
        (say.why(value.reason), "value"),
    ]


def _number(tag: TagRow, say: Texts) -> str:
    """The value as a word of its profile, as a code, or as a number."""
    number = tag.value.value
    if tag.state:
        return say.title(tag.state)
    if number is None:
        return ""
    return as_read(number, tag.unit) or (f"{number:.0f}" if tag.is_state else rounded(number))
