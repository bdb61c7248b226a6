"""Thinning changes no answer about whole slots, and of the readings it leaves only real ones."""

from __future__ import annotations

import sqlite3
import sys
import zlib
from contextlib import closing, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.codec.block import decode as decode_rows
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.slot import Slot
from edge_agent.store.codec.slot_body import decode, encode
from edge_agent.store.codec.summary import Summary
from edge_agent.store.keep import thin
from edge_agent.store.keep.grain import DAYS, HOURS, QUARTERS, edges_of
from edge_agent.store.reader import Reader
from edge_agent.store.sealed.blocks import Blocks
from edge_agent.store.store import PLANT_DB, Store
from tests.conftest import ROOT
from tests.store.past import DAY, HOUR, KINDS, START, ZONE, S, fill, opened, periods, tidied

END = START + 3 * DAY


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two whole days, merged, of which nothing is thinned yet, and the beginning of the third."""
    with opened(tmp_path) as store:
        fill(store, START, START + 2 * DAY + 4 * HOUR, 10 * S)
    return tmp_path


def thinned(store: Store, grain: int, why: str = "budget", age: int = -90 * DAY) -> int:
    """Thin all that may go to a grain, slots as if they were of a certain age; answers how many steps it took."""
    retention, count = store.retention, 0
    assert retention is not None
    with patch.object(thin, "HALF_YEAR_US", age):
        while True:
            thinner = retention._thinner
            thinner._round = thinner._round or thinner._begin(thinner._now(), why)
            if thinner._round is None or thinner._round.grain > grain:
                thinner.forget()
                return count
            with store._committing():
                retention.step(why)
            count += 1


def same(told: Summary, plain: Summary) -> bool:
    """But for the order in which floating numbers were added up."""
    sums = [(s.total or 0.0, s.area) for s in (told, plain)]
    rest = [s._replace(total=None, area=0.0) for s in (told, plain)]
    return sums[0] == pytest.approx(sums[1], rel=1e-9) and rest[0] == rest[1]


@pytest.mark.parametrize("grain", [QUARTERS, HOURS, DAYS])
def test_every_period_of_whole_slots_comes_to_the_same(data: Path, grain: int) -> None:
    coarser = [g for g in (QUARTERS, HOURS, DAYS) if g >= grain]
    plain = {g: periods(data, START, END, g) for g in coarser}
    with opened(data) as store:
        assert thinned(store, grain)
    for g in coarser:
        found = periods(data, START, END, g)
        assert all(same(*pair) for tag in KINDS for pair in zip(found[tag], plain[g][tag], strict=True))


def test_registers_at_slot_edges_falls_and_changes_of_state_stay(data: Path) -> None:
    reader = Reader(data)
    ids, edges = reader.ids(), edges_of(START, END, QUARTERS, ZONE)

    def answers() -> list[object]:
        near = [(reader.good_before(n, at), reader.good_after(n, at)) for n in ids.values() for at in edges]
        falls = [reader.falls(ids[tag], START, END) for tag in ("m.energy", "slow.energy")]
        return [near, falls, reader.since("i.state", reader.last()["i.state"].value or 0.0), reader.last()]

    before, changes = answers(), state_changes(reader, ids["i.state"])
    with opened(data) as store:
        thinned(store, QUARTERS)
    assert answers() == before
    assert state_changes(reader, ids["i.state"]) == changes


def state_changes(reader: Reader, tag: int) -> list[tuple[object, ...]]:
    """When a state became another."""
    found: list[tuple[object, ...]] = []
    for sample in reader.samples(tag, START, END):
        if not found or found[-1][1:] != (sample.value, sample.quality, sample.reason):
            found.append((sample.at, sample.value, sample.quality, sample.reason))
    return found


def test_what_remains_was_really_read(data: Path) -> None:
    reader = Reader(data)
    before = {tag: set(reader.samples(number, START, END)) for tag, number in reader.ids().items()}
    with opened(data) as store:
        thinned(store, DAYS)
    for tag, number in reader.ids().items():
        after = list(reader.samples(number, START, END))
        assert set(after) <= before[tag]
        assert len(after) == len(set(after))
    assert len(list(reader.samples(reader.ids()["m.power"], START, START + 2 * DAY))) < 10


def test_every_loss_is_counted(data: Path) -> None:
    reader = Reader(data)

    def rows() -> int:
        return sum(len(list(reader.samples(number, START, END))) for number in reader.ids().values())

    before = rows()
    with opened(data) as store:
        thinned(store, QUARTERS)
    assert sum(gap.readings or 0 for gap in reader.gaps()) == before - rows() > 0
    assert {(gap.start, gap.end) for gap in reader.gaps()} == {(START, START + DAY), (START + DAY, START + 2 * DAY)}


def test_readings_at_both_sides_of_a_ratio_change_stay(data: Path) -> None:
    moment = START + 5 * HOUR + 333 * S
    with closing(sqlite3.connect(data / PLANT_DB)) as db:
        db.execute("INSERT INTO ledger VALUES (1, ?, 'm', 'ratio', '{}', '', '', 0)", (moment,))
        db.commit()
    reader = Reader(data)
    tag = reader.ids()["m.energy"]
    before = reader.good_before(tag, moment), reader.good_after(tag, moment)
    with opened(data) as store:
        thinned(store, DAYS)
    assert (reader.good_before(tag, moment), reader.good_after(tag, moment)) == before


def test_a_meter_read_each_quarter_keeps_its_readings(data: Path) -> None:
    reader = Reader(data)
    tag = reader.ids()["slow.energy"]
    before = list(reader.samples(tag, START, END))
    with opened(data) as store:
        thinned(store, QUARTERS)
    assert list(reader.samples(tag, START, END)) == before


def test_a_late_reading_is_added_to_its_slot_and_stays_when_it_is_thinned_again(data: Path) -> None:
    reader = Reader(data)
    tag, edges = reader.ids()["m.power"], [START + HOUR, START + 2 * HOUR]
    with opened(data) as store:
        thinned(store, QUARTERS)
        (before,) = reader.summaries(tag, edges)
        late = Batch(["m.power"], [edges[0] + 77 * S + 1], [START + 3 * DAY], [999.0], [0], [None])
        with store.transaction():
            store.write([late])
        (after,) = reader.summaries(tag, edges)
        assert (after.n, after.good, after.high) == (before.n + 1, before.good + 1, 999.0)
        fill(store, START + 3 * DAY, START + 5 * DAY + 3 * HOUR, 600 * S)
        thinned(store, QUARTERS)
        assert reader.summaries(tag, edges)[0].n == before.n + 1
        assert reader.summaries(tag, edges)[0].high == 999.0


def test_importing_what_was_thinned_adds_nothing(data: Path) -> None:
    reader = Reader(data)
    tag = reader.ids()["m.power"]
    old = list(reader.samples(tag, START, START + 2 * DAY))
    batch = Batch()
    for sample in old:
        batch.add("m.power", sample.at, sample.seen, sample.value, sample.quality, sample.reason)
    with opened(data) as store:
        thinned(store, QUARTERS)
        with store.transaction():
            assert store.write_past(batch) == 0
            assert store.write_found(batch) == 0


def test_what_an_uplink_has_not_sent_goes_only_for_the_reserve(data: Path) -> None:
    with closing(sqlite3.connect(data / PLANT_DB)) as db:
        db.execute("INSERT INTO uplink VALUES ('mqtt', ?), ('pg', ?)", (START + DAY + HOUR, START + 9 * DAY))
        db.commit()
    with opened(data) as store:
        thinned(store, QUARTERS, "budget", DAY)
        assert {gap.end for gap in Reader(data).gaps()} == {START + DAY}
        thinned(store, QUARTERS, "reserve", 99 * DAY)
        assert {gap.end for gap in Reader(data).gaps() if gap.why == "reserve"} == {START + 2 * DAY}


def test_one_reading_of_a_wild_date_makes_nothing_old(data: Path) -> None:
    wild = START + 40 * 365 * DAY
    with opened(data) as store:
        with store.transaction():
            store.write([Batch(["x.x"], [wild], [wild], [1.0], [0], [None])])
        tidied(store)
        assert store.retention is not None
        assert store.retention._thinner._now() < START + 3 * DAY


def test_a_reader_in_another_process_sees_one_state_while_all_is_thinned(data: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.store.past import *
from tests.store.test_thinning import same
data, plain = Path(sys.argv[1]), None
print("ready", flush=True)
while not (data / "stop").exists():
    found = periods(data, START, START + 2 * DAY, 3)
    plain = plain or found
    assert all(same(*pair) for tag in KINDS for pair in zip(found[tag], plain[tag], strict=True)), "two states"
"""
    with Popen([sys.executable, "-c", program, str(data)], cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        with patch.object(thin, "STEP_ROWS", 1), opened(data) as store:
            assert thinned(store, DAYS) > 10
        (data / "stop").touch()
        said = reader.communicate(timeout=60)[1]
    assert reader.returncode == 0, said


def say(store: Store, tag: str, rows: dict[int, float | None], seen: int) -> int:
    """Correct readings, or withdraw them; answers how many rows are new."""
    batch = Batch()
    for at, value in rows.items():
        said = (Quality.GOOD, None) if value is not None else (Quality.ABSENT, "not_filed")
        batch.add(tag, at, seen, value, *said)
    with store.transaction():
        return store.write_past(batch)


def test_withdrawing_all_that_stayed_leaves_nothing_known_and_nothing_that_raises(data: Path) -> None:
    reader = Reader(data)
    tag = reader.ids()["m.power"]
    with opened(data) as store:
        thinned(store, QUARTERS)
        stayed: dict[int, float | None] = {sample.at: None for sample in reader.samples(tag, START, START + DAY)}
        say(store, "m.power", stayed, END)
        for _ in range(2):
            (told,) = reader.summaries(tag, [START, START + DAY])
            known = told.good, told.low, told.high, told.total, told.opened, told.held, told.area, told.joined
            assert known == (0, None, None, None, None, 0, 0.0, 0)
            assert told.n > len(stayed)
            fill(store, END + 40 * DAY, END + 42 * DAY + 3 * HOUR, 600 * S)
            thinned(store, DAYS)


def test_a_correction_in_thinned_time_corrects_mean_and_extremes(data: Path) -> None:
    reader = Reader(data)
    tag, edges = reader.ids()["m.power"], [START + HOUR, START + HOUR + 900 * S]
    with opened(data) as store:
        (plain,) = reader.summaries(tag, edges)
        assert plain.opened is not None
        say(store, "m.power", {plain.opened: 1e6}, START + 2 * DAY + 5 * HOUR)
        fill(store, START + 3 * DAY, START + 3 * DAY + 3 * HOUR, 600 * S)
        (wrong,) = reader.summaries(tag, edges)
        thinned(store, QUARTERS)
        assert wrong.high == reader.summaries(tag, edges)[0].high == 1e6
        say(store, "m.power", {plain.opened: plain.opening}, START + 4 * DAY)
        (mended,) = reader.summaries(tag, edges)
    assert mended.mean == pytest.approx(plain.mean, rel=1e-6)
    assert mended.high is not None
    assert plain.high is not None
    assert (mended.opening or 0.0) <= mended.high <= plain.high
    assert (mended.n, mended.good, mended.held, mended.joined) == (plain.n, plain.good, plain.held, plain.joined)


def test_a_reading_that_is_withdrawn_in_thinned_time_is_not_known_any_more(data: Path) -> None:
    reader = Reader(data)
    tag, edges = reader.ids()["m.energy"], [START + HOUR, START + HOUR + 900 * S]
    with opened(data) as store:
        thinned(store, QUARTERS)
        (before,) = reader.summaries(tag, edges)
        say(store, "m.energy", {edges[0]: None}, END)
        (after,) = reader.summaries(tag, edges)
    assert (after.n, after.good, after.held) == (before.n, before.good - 1, before.held - 10 * S)
    assert after.joined == before.joined - 10 * S
    assert after.area == pytest.approx(before.area - (before.opening or 0.0) * 10 * S)


@pytest.mark.parametrize("grain", [QUARTERS, HOURS, DAYS])
def test_thinning_changes_no_assessment_from_before_a_correction(data: Path, grain: int) -> None:
    reader = Reader(data)
    tag, edges = reader.ids()["m.energy"], [START, START + DAY, START + 2 * DAY]
    untils = [START + 2 * DAY + 5 * HOUR, START + 3 * DAY, START + 4 * DAY]

    def answers() -> list[object]:
        near = [reader.good_before(tag, edge, until) for edge in edges for until in untils]
        return near + [
            told._replace(total=round(told.total or 0.0, 3), area=round(told.area / HOUR, 3))
            for until in untils
            for told in reader.summaries(tag, edges, until)
        ]

    with opened(data) as store:
        for late, until in enumerate(untils):
            say(store, "m.energy", {START + DAY: 4000.0 + late, START + HOUR + 5 * S + late: 1.0}, until - S)
        fill(store, START + 5 * DAY, START + 6 * DAY, 600 * S)
        before = answers()
        for each in (QUARTERS, HOURS, DAYS)[:grain]:
            thinned(store, each)
            assert answers() == before


def test_a_thinned_body_that_does_not_decode_is_a_damaged_block(data: Path) -> None:
    reader = Reader(data)
    tag = reader.ids()["m.power"]
    empty = Slot(START, Summary(START, START + HOUR, 9, 9, 9, total=1.0, step=10 * S))
    broken = encode([empty], Columns([END], [END], [1.0], [0], [None]))
    with pytest.raises(zlib.error):
        decode(broken)
    with opened(data) as store:
        thinned(store, QUARTERS)
        (block,) = store._db.execute("SELECT MIN(id) FROM block WHERE tag = ? AND grain = 1", (tag,)).fetchone()
        with store.transaction():
            store._db.execute("DELETE FROM body WHERE id >= ? AND id < ?", (block << 14, block + 1 << 14))
            Blocks(store._db)._put_body(block, broken)
        reader.summaries(tag, [START, START + HOUR, START + DAY])
        thinned(store, DAYS)
        reader.summaries(tag, [START, START + HOUR, START + DAY])


@given(cut=st.integers(0, 200), flip=st.integers(0, 255))
def test_bytes_that_are_sound_to_zlib_and_no_body_raise_nothing_else(cut: int, flip: int) -> None:
    rows = Columns([10, 20, 30], [11, 20, 31], [1.0, None, -2.5], [0, 3, 0], [None, "x", None])
    slots = [Slot(31, Summary(10, 30, 9, 7, 6, 3, 2, -3.25, 8.0, 4.125, 10, 1.0, 30, -2.5, 5, 17, 1.0, 12))]
    raw = bytearray(zlib.decompress(encode(slots, rows)))
    raw[cut % len(raw)] = flip
    for read in (decode, decode_rows):
        with suppress(zlib.error):
            read(zlib.compress(bytes(raw)))


def test_slots_come_back_as_they_were() -> None:
    rows = Columns([10, 20, 30, 50], [11, 20, 31, 50], [1.0, None, -2.5, 7.0], [0, 3, 0, 1], [None, "x", None, "y"])
    first = Summary(10, 30, 9, 7, 6, 3, 2, -3.25, 8.0, 4.125, 10, 1.0, 30, -2.5, 5, 17, 1e300, 12)
    alone = Summary(50, 50, 1, 1, 0, 1, step=None)
    slots = [Slot(31, first), Slot(50, alone)]
    assert decode(encode(slots, rows)) == slots


def test_slots_begin_where_the_clock_on_the_wall_says() -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    autumn = 1_792_879_200 * S  # 2026-10-25 00:00 there, a day of 25 hours
    assert edges_of(autumn, autumn + 30 * HOUR, DAYS, berlin) == [autumn, autumn + 25 * HOUR, autumn + 49 * HOUR]
    mumbai = edges_of(autumn, autumn, HOURS, ZoneInfo("Asia/Kolkata"))
    assert [at % HOUR for at in mumbai] == [HOUR // 2] * len(mumbai)
