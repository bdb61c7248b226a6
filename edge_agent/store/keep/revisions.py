"""The states of a slot that are told apart when it is thinned, so that what comes later changes no earlier answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.slot import Slot
from edge_agent.store.sealed.span import GRACE_US, MINUTE_US

TOGETHER_US = MINUTE_US  # what came within a minute of what came before came with it


def revisions(rows: Columns, late: Columns, slots: Sequence[Slot]) -> dict[int, int]:
    """The states of a time that becomes a slot: until when each holds, and the newest time at which it got a row.

    rows: all there are, superseded ones too, by moment; late: those of them that no slot of `slots` counts.
    A state ends before each correction of what was over, and before what came after the hour of grace.
    """
    last = max(rows.at[-1], *(slot.told.last_at for slot in slots), -FOREVER)
    seen = sorted({*late.seen, *(slot.seen for slot in slots)})
    corrected = {at for at in _corrections(rows) if at > last}
    return {
        after - 1: before
        for before, after in pairwise([*seen, FOREVER])
        if after == FOREVER
        or (after > last + GRACE_US and after - before > TOGETHER_US)
        or before in corrected
        or after in corrected
    }


def _corrections(rows: Columns) -> set[int]:
    """When rows were got that say something else of their moment than those before."""
    if len(set(rows.at)) == len(rows):
        return set()
    said = zip(rows.values, rows.qualities, rows.reasons, strict=True)
    known = list(zip(rows.at, rows.seen, said, strict=True))
    return {new[1] for old, new in pairwise(known) if old[0] == new[0] and old[2] != new[2]}
