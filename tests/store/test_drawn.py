"""What is drawn away with a wrong clock's stamps, what stays, and what can only be counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.codec.columns import FOREVER, Columns, Sample
from edge_agent.store.codec.slot import Slot
from edge_agent.store.codec.summary import Summary
from edge_agent.store.keep.budget import Budget
from edge_agent.store.keep.retention import Keep
from edge_agent.store.reader import Reader
from edge_agent.store.stamps import draw
from edge_agent.store.stamps.draw import Drawer
from edge_agent.store.stamps.untimed import UntimedReader
from edge_agent.store.stamps.wrong import Wrong
from edge_agent.store.store import Store
from edge_agent.time.trust import Era, Trust
from tests.store.wrong_clock import DAY, FILED, HOUR, START, TAG, S

AHEAD = START + 300 * DAY
WRONG = Era(0, AHEAD, START - DAY, Trust.PLAUSIBLE)  # stamps 300 days ahead
RUN = 3 * DAY  # of the first boot, until a time server comes
NEXT_BOOT = Era(0, START + RUN, AHEAD + RUN + HOUR, Trust.SYNCHRONISED)
SAME_BOOT = Era(RUN, START, START - DAY, Trust.SYNCHRONISED)  # the same boot, whose time is known
EVEN = range(0, RUN, 15 * S)
BURSTS = [quarter + late for quarter in range(0, RUN, HOUR // 4) for late in (0, 15 * S, 30 * S)]
EVERYTHING_GOES = Keep(Budget(1, 0), ZoneInfo("UTC"))


@pytest.fixture(params=["same boot", "next boot"])
def right(request: pytest.FixtureRequest) -> tuple[str, Era]:
    """The boot and era in which a time server comes."""
    return ("boot 1", SAME_BOOT) if request.param == "same boot" else ("boot 2", NEXT_BOOT)


def test_what_people_filed_while_the_date_was_ahead_stays(tmp_path: Path, right: tuple[str, Era]) -> None:
    with Store(tmp_path) as store:
        wrong_boot(store, EVEN[:30])
        assert filed(store, AHEAD + HOUR, (START - 30 * DAY, 100.0), (START - DAY, 220.0)) == 2
        turn(store, *right)
        tidied(store)
        found = samples(tmp_path, FILED)
        assert [(s.at, s.value, s.reason) for s in found] == [
            (START - 30 * DAY, 100.0, None),
            (START - DAY, 220.0, None),
        ]
        assert {s.seen for s in found} == {START + RUN}
        assert Reader(tmp_path).last()[FILED] == found[-1]
        assert store.apart.eras.newest() <= START + RUN


def test_what_people_file_while_wrong_readings_are_drawn_is_not_drawn(tmp_path: Path, right: tuple[str, Era]) -> None:
    now = START + RUN + 10 * S
    with Store(tmp_path) as store, patch.object(draw, "STEP_ROWS", 1):
        wrong_boot(store, EVEN[:30])
        turn(store, *right)
        store.tidy()
        moments = [START - 30 * DAY, now - 5 * S]
        assert filed(store, now, *((at, float(at)) for at in moments)) == 2
        tidied(store)
        assert [(s.at, s.seen, s.reason) for s in samples(tmp_path, FILED)] == [(at, now, None) for at in moments]


@pytest.mark.parametrize(
    "era", [None, Era(0, START + RUN, START + RUN + DAY, Trust.UNSURE)], ids=["a command", "unsure"]
)
def test_what_is_filed_by_another_writer_amid_the_drawing_is_not_drawn(
    tmp_path: Path, right: tuple[str, Era], era: Era | None
) -> None:
    now = START + RUN + HOUR
    with Store(tmp_path) as store, patch.object(draw, "STEP_ROWS", 1):
        wrong_boot(store, EVEN[:30])
        turn(store, *right)
    with Store(tmp_path) as store:
        if era is not None:
            with store.transaction():
                store.apart.enter("boot 3", era, now)
        filed(store, now, (now - S, 7.0))
        tidied(store)
        assert [(s.at, s.seen, s.value) for s in samples(tmp_path, FILED)] == [(now - S, now, 7.0)]


def test_a_correction_filed_later_still_counts(tmp_path: Path, right: tuple[str, Era]) -> None:
    with Store(tmp_path) as store, patch.object(draw, "STEP_ROWS", 1):
        wrong_boot(store, EVEN[:30])
        filed(store, AHEAD + HOUR, (START - DAY, 220.0))
        turn(store, *right)
        filed(store, START + RUN + S, (START - DAY, 222.0))
        tidied(store)
        assert [s.value for s in samples(tmp_path, FILED)] == [222.0]


def test_thinned_readings_of_a_wrong_date_leave_the_future_and_are_counted(
    tmp_path: Path, right: tuple[str, Era]
) -> None:
    with Store(tmp_path) as store:
        store.keep(EVERYTHING_GOES, {TAG: "gauge"})
        wrong_boot(store, EVEN)
        turn(store, *right, {TAG: 1.0})
        reader = Reader(tmp_path)
        stood_for = reader.summaries(reader.ids()[TAG], [START + 90 * DAY, AHEAD + 90 * DAY])[0].n
        remained = len(samples(tmp_path, TAG))
        assert remained < stood_for == len(EVEN)
        tidied(store)
        assert store._db.execute("SELECT DISTINCT drawing FROM restamp").fetchall() == [(0,)]
        assert max(s.at for s in samples(tmp_path, TAG)) == START + RUN + S
        is_placed = right[0] == "boot 1"
        apart = [u.sample for u in UntimedReader(tmp_path).samples()]
        assert len(apart) == (0 if is_placed else remained)
        lost = [gap for gap in reader.gaps() if gap.why == "clock"]
        assert sum(gap.readings or 0 for gap in lost) == stood_for - remained
        assert all(START <= gap.start < gap.end <= START + RUN + 1 for gap in lost)


def test_a_block_that_thinning_left_whole_is_drawn_too(tmp_path: Path, right: tuple[str, Era]) -> None:
    with Store(tmp_path) as store:
        store.keep(EVERYTHING_GOES, {TAG: "gauge"})
        wrong_boot(store, BURSTS)
        assert store._db.execute("SELECT COUNT(*) FROM block WHERE grain > 0").fetchone() > (0,)
        turn(store, *right)
        tidied(store)
        assert not any(s.at > START + RUN for s in samples(tmp_path, TAG))
        drawn = [*samples(tmp_path, TAG), *(u.sample for u in UntimedReader(tmp_path).samples())]
        assert sorted(int(s.value or 0) for s in drawn) == list(range(len(BURSTS)))
        assert not [gap for gap in Reader(tmp_path).gaps() if gap.why == "clock"]


def test_of_a_thinned_day_only_the_slots_since_the_wrong_date_go(tmp_path: Path) -> None:
    middle = AHEAD + DAY + 12 * HOUR
    with Store(tmp_path) as store:
        store.keep(EVERYTHING_GOES, {TAG: "gauge"})
        wrong_boot(store, EVEN)
        reader = Reader(tmp_path)
        hours, tag = list(range(AHEAD, middle + 1, HOUR)), reader.ids()[TAG]
        before, there = reader.summaries(tag, hours), samples(tmp_path, TAG)
        drawer, drawn = Drawer(store._db), 0
        with store.transaction():
            store._sealer.close()
            while not (step := drawer.step(Wrong(middle, FOREVER, START, None))).is_last:
                drawn += len(step.rows)
        assert reader.summaries(tag, hours)[:-1] == before[:-1]  # how long the last value holds is another question
        left = samples(tmp_path, TAG)
        assert left == [s for s in there if s.at < middle]
        assert drawn + len(step.rows) == len(there) - len(left)


def test_thinned_time_before_the_wrong_date_keeps_its_slots() -> None:
    early, late = (
        Summary(first_at=10 * HOUR, last_at=11 * HOUR, n=9),
        Summary(first_at=30 * HOUR, last_at=31 * HOUR, n=9),
    )
    wrong = Wrong(24 * HOUR, 48 * HOUR, 20 * HOUR, None)
    states = [Slot(seen * HOUR, early) for seen in (11, 25, 26)]
    gone, stay = wrong.parted_slots([*states, Slot(31 * HOUR, late)])
    assert gone == [Slot(31 * HOUR, late)]
    assert stay == [states[0], Slot(20 * HOUR, early), Slot(20 * HOUR + 1, early)]


def test_a_moment_that_a_wrong_clock_cannot_have_given_stays() -> None:
    rows = Columns(
        [5 * HOUR, 30 * HOUR, 30 * HOUR], [30 * HOUR, 30 * HOUR, 26 * HOUR], [1.0, 2.0, 3.0], [0] * 3, [None] * 3
    )
    drawn, stay = Wrong(24 * HOUR, 48 * HOUR, 20 * HOUR, None).parted(rows)
    assert drawn.values == [2.0]
    assert (stay.at, stay.seen) == ([5 * HOUR, 30 * HOUR], [20 * HOUR] * 2)


def wrong_boot(store: Store, times: Sequence[int]) -> None:
    """A boot whose date is ahead, with readings at times since its start, thinned where the store is to do so."""
    noise = Random(6)  # as a straight line, slots would take no less room than the readings
    for first in range(0, len(times), 240):
        batch = Batch()
        for number, time in enumerate(times[first : first + 240], first):
            batch.add(TAG, AHEAD + time, AHEAD + time, number + noise.random(), Quality.GOOD, None)
        with store.transaction():
            store.apart.enter("boot 1", WRONG, 0)
            store.write([batch])
    tidied(store)


def turn(store: Store, boot: str, era: Era, readings: dict[str, float] | None = None) -> None:
    """A time server comes; nothing is drawn yet."""
    batch = Batch()
    for tag, value in (readings or {}).items():
        batch.add(tag, era.first + S, era.first + S, value, Quality.GOOD, None)
    with store.transaction():
        store.apart.enter(boot, era, AHEAD + RUN)
        store.write([batch])


def filed(store: Store, now: int, *readings: tuple[int, float]) -> int:
    """Somebody files readings with their moments; answers how many were new."""
    batch = Batch()
    for at, value in readings:
        batch.add(FILED, at, now, value, Quality.GOOD, None)
    with store.transaction():
        return store.write_past(batch)


def tidied(store: Store) -> None:
    while store.tidy():
        pass


def samples(data: Path, tag: str) -> Sequence[Sample]:
    """What the archive has of a tag, by time."""
    reader = Reader(data)
    number = reader.ids().get(tag)
    return [] if number is None else list(reader.samples(number, 0, START + 999 * DAY))
