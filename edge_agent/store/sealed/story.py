"""What happened to one tag over a time: where it fell, how long it has stood.

The headers of blocks answer where they can; only what a bound cuts or a fall is in is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.store.codec.columns import FOREVER
from edge_agent.store.codec.summary import Summary, good_values
from edge_agent.store.sealed.archive import Archive, Run, read

Fall = tuple[int, float, float]  # when, the register before, the register after


def falls(archive: Archive, tag: int, start: int, end: int, until: int) -> list[Fall]:
    """From one good reading to the next, both ends included, as recorded by a time."""
    found: list[Fall] = []
    before: float | None = None
    for run in archive.runs(tag, start, end):
        for at, value in _course(run, start, end, until):
            if before is not None and value < before:
                found.append((at, before, value))
            before = value
    return found


def standing(archive: Archive, tag: int, state: float) -> int | None:
    """From when a tag has had a state without a break; None when its newest reading says another."""
    since: int | None = None
    for run in reversed(archive.runs(tag, -FOREVER, FOREVER)):
        told = _told(run, -FOREVER, FOREVER, FOREVER)
        if told and told.good == told.n and told.low == told.high == state:
            since = told.opened
            continue
        rows = read(run, -FOREVER, FOREVER)
        for at, value in zip(reversed(rows.at), reversed(rows.values), strict=True):
            if value != state:
                return since
            since = at
    return since


def _told(run: Run, start: int, end: int, until: int) -> Summary | None:
    """What a header says of all rows that count; None where only reading tells."""
    piece = run[0]
    alone = len(run) == 1 and start <= piece.first_at and piece.last_at <= end and piece.seen <= until
    return piece.summary if alone else None


def _course(run: Run, start: int, end: int, until: int) -> Iterator[tuple[int, float]]:
    """The good readings; only the first and the last where a header says that none in between fell."""
    told = _told(run, start, end, until)
    if told and not told.falls:
        ends = (told.opened, told.opening), (told.closed, told.closing)
        return ((at, value) for at, value in ends if at is not None and value is not None)
    return zip(*good_values(read(run, start, end, until)), strict=True)
