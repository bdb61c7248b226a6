"""Which of the stored readings a wrong clock has stamped, and what stays as people or another clock said it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.slot import Slot
from edge_agent.time.trust import STEP_US


class Wrong(NamedTuple):
    """Stamps that were found to be wrong, both ends included; shift: what is added to them, None where unknown.

    decided: when that was found, by the clock that is right.
    """

    first: int
    last: int
    decided: int
    shift: int | None

    def parted(self, rows: Columns) -> tuple[Columns, Columns]:
        """The rows that this clock has stamped, and the others.

        Of others that were got by this clock, `seen` is when it was found out: they are not later than that.
        """
        got = [self.first <= seen <= self.last for seen in rows.seen]
        if not any(got):
            return Columns(), rows
        ours = [is_ours(at, seen, self.first) for at, seen in zip(rows.at, rows.seen, strict=True)]
        wrong = [i for i, both in enumerate(zip(got, ours, strict=True)) if all(both)]
        stay = [i for i, both in enumerate(zip(got, ours, strict=True)) if not all(both)]
        others = rows.pick(stay)
        others.seen = [self.decided if got[i] else rows.seen[i] for i in stay]
        return rows.pick(wrong), others

    def parted_slots(self, slots: Sequence[Slot]) -> tuple[list[Slot], list[Slot]]:
        """The slots that hold stamps of this clock, other ones too where it was set inside a slot; and the others.

        Of the others' states that were got by it, the newest stays the newest.
        """
        wrong = [slot for slot in slots if self._holds(slot)]
        others = [slot for slot in slots if not self._holds(slot)]
        got = sorted({slot.seen for slot in others if self.first <= slot.seen <= self.last})
        amended = {seen: self.decided + number for number, seen in enumerate(got)}
        return wrong, [slot._replace(seen=amended.get(slot.seen, slot.seen)) for slot in others]

    def _holds(self, slot: Slot) -> bool:
        begins, ends = slot.told.first_at - STEP_US, slot.told.last_at + STEP_US
        return slot.seen >= self.first and begins <= self.last and ends >= self.first


def is_ours(at: int, seen: int, first: int) -> bool:
    """Whether a moment is by our own clock, whose stamps begin with `first`; else people or another clock gave it.

    Drivers stamp by our clock or within a minute of it (opcua/story.py), and never later than they got the reading.
    """
    return first - STEP_US <= at <= seen + STEP_US
