"""What the agent takes for the time, from a clock that runs evenly and a date that may be anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.batch import Batch
from edge_agent.health import examine
from edge_agent.requests import wall_clock
from edge_agent.status import status
from edge_agent.store.lock import make_data_folder
from edge_agent.store.store import Store
from edge_agent.time import ntp
from edge_agent.time import told as time_told
from edge_agent.time.boot import boot_id, since_boot
from edge_agent.time.clock import forward
from edge_agent.time.trust import FAR_US, MOST_US, RELEASED_US, STEP_US, Course, Era, Look, Trust, opening
from tests.plants import BARE, plant

S = 1_000_000
HOUR, DAY = 3600 * S, 86_400 * S
NOW = 1_795_000_000 * S  # 2026-11-18 UTC
BOOT = 500 * S

looks = st.builds(
    Look,
    st.integers(BOOT, BOOT + 400 * DAY),
    st.integers(0, NOW + 1000 * DAY) | st.integers(NOW - 90 * S, NOW + 90 * S),
    st.booleans(),
)


def look(after: int = 0, date: int = NOW, synchronised: bool = False) -> Look:
    return Look(BOOT + after, date, synchronised)


def course(trust: Trust = Trust.PLAUSIBLE) -> Course:
    era = Era(BOOT, NOW - BOOT, NOW - DAY - BOOT, trust)
    return Course(era, BOOT, NOW - 1)


@given(st.lists(looks, max_size=30), st.integers(0, NOW + DAY))
def test_every_stamp_is_later_than_the_one_before(seen: list[Look], newest: int) -> None:
    clocks = sorted(seen, key=lambda s: s.boot)
    if not clocks:
        return
    ours, stamps = Course(opening(clocks[0], newest), clocks[0].boot, newest), [newest]
    for one in clocks:
        ours.judge(one)
        stamps.append(ours.stamp(one.boot))
    assert all(b > a for a, b in pairwise(stamps))


@pytest.mark.parametrize(
    ("date", "newest", "synchronised", "trust"),
    [
        (NOW, 0, False, Trust.PLAUSIBLE),
        (NOW, NOW - HOUR, False, Trust.PLAUSIBLE),
        (NOW, NOW - HOUR, True, Trust.SYNCHRONISED),
        (NOW, NOW + HOUR, False, Trust.UNSURE),
        (NOW, NOW + HOUR, True, Trust.SYNCHRONISED),
        (600 * S, 0, False, Trust.UNSURE),
        (600 * S, 0, True, Trust.UNSURE),
        (RELEASED_US + FAR_US + DAY, 0, False, Trust.UNSURE),
    ],
)
def test_a_boot_begins_with_a_date_that_can_be_or_with_the_earliest_moment(
    date: int, newest: int, synchronised: bool, trust: Trust
) -> None:
    era = opening(look(0, date, synchronised), newest)
    assert era.trust == trust
    assert era.first == (date if trust else max(RELEASED_US, newest + 1))


def test_a_small_step_forward_is_taken_at_once_and_one_back_absorbed_at_half_speed() -> None:
    ours = course()
    ours.judge(look(10 * S, NOW + 40 * S))
    assert ours.stamp(BOOT + 10 * S) == NOW + 40 * S
    ours.judge(look(20 * S, NOW + 20 * S))
    assert ours.stamp(BOOT + 20 * S) == NOW + 45 * S
    assert ours.stamp(BOOT + 30 * S) == NOW + 50 * S
    assert ours.stamp(BOOT + 100 * S) == NOW + 100 * S
    assert ours.following is None


def test_a_large_step_needs_another_era_which_a_date_less_sure_cannot_bring() -> None:
    for trust, follows in ((Trust.PLAUSIBLE, True), (Trust.SYNCHRONISED, False)):
        ours = course(trust)
        ours.judge(look(S, NOW + 5 * HOUR))
        assert bool(ours.following) == follows
        assert ours.stamp(BOOT + S) == NOW + S
        assert ours.differs == (0 if follows else 5 * HOUR - S)
        ours.judge(look(S, NOW + 5 * HOUR, True))
        assert ours.following is not None


def test_1970_is_never_believed_and_the_clock_goes_on_without_it() -> None:
    ours = course()
    ours.judge(look(HOUR, 7 * S))
    assert ours.following is None
    assert ours.stamp(BOOT + HOUR) == NOW + HOUR


def test_what_a_crystal_loses_in_a_year_is_no_wrong_date_and_a_time_zone_is() -> None:
    ours, year = course(), 366 * DAY
    ours.judge(look(year, NOW + year - 40 * 60 * S, True))
    assert ours.following is None
    assert course().era.agrees(BOOT + 100 * year, NOW - BOOT + MOST_US)
    assert not course().era.agrees(BOOT + 100 * year, NOW - BOOT + HOUR)
    assert not course().era.agrees(BOOT, NOW - BOOT + STEP_US + 1)


@pytest.fixture
def somewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_summer_time_and_another_zone_of_the_machine_change_nothing(somewhere: pytest.MonkeyPatch) -> None:
    boot, date = [BOOT], [1_792_890_000 * S]  # 2026-10-25 01:00 UTC, when Berlin sets its clocks back
    clock = forward(lambda: date[0], 0, lambda: boot[0], lambda: True)
    stamps = []
    for zone in ("Europe/Berlin", "Europe/Berlin", "Asia/Shanghai", "UTC"):
        somewhere.setenv("TZ", zone)
        time.tzset()
        boot[0] += 1800 * S
        date[0] += 1800 * S
        stamps.append(clock() - date[0])
    assert stamps == [0] * 4
    assert clock.following is None


def test_the_kernel_is_asked_and_where_it_may_not_be_the_file_of_timesyncd(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isinstance(ntp.synchronised(), bool)
    for said, answer in (((0, 0), True), ((0, 0x40), False), ((5, 0), False), ((0, 0x2001), True)):
        monkeypatch.setattr(ntp, "_kernel", lambda said=said: said)
        assert ntp.synchronised() is answer
    monkeypatch.setattr(ntp, "_kernel", lambda: (None, 0))
    monkeypatch.setattr(ntp, "_TOUCHED", tmp_path / "synchronized")
    assert not ntp.synchronised()
    (tmp_path / "synchronized").touch()
    assert ntp.synchronised()


def test_the_clock_since_boot_goes_on_and_a_boot_has_one_name() -> None:
    first = since_boot()
    assert 0 < first <= since_boot()
    assert boot_id() == boot_id() != ""


def test_status_and_doctor_tell_of_a_clock_that_is_wrong_and_what_lies_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, now = plant(tmp_path, BARE), wall_clock()
    monkeypatch.setattr(time_told, "synchronised", lambda: False)
    assert status(site, now)["clock"] == {"state": "not_synchronised", "off_s": 0.0, "untimed": [], "waiting": 0}
    assert next(f for f in examine(site) if f.check == "clock").ok
    make_data_folder(site.data)
    with Store(site.data) as store:
        era = opening(Look(since_boot(), 600 * S, False), now - DAY)
        with store.transaction():
            store.apart.enter(boot_id(), era, 0)
            store.write([Batch(["m.e"], [era.first], [era.first], [1.0], [0], [None])])
    told = status(site, now)["clock"]
    assert (told["state"], [spell["readings"] for spell in told["untimed"]]) == ("unsure", [1])
    found = {f.check: f for f in examine(site)}
    assert (found["clock"].ok, found["clock"].repair) == (False, "sudo timedatectl set-ntp true")
    assert "export --untimed" in found["untimed"].repair
    with Store(site.data) as store, store.transaction():
        store.apart.enter(boot_id(), Era(since_boot(), now + 5 * HOUR - since_boot(), era.least, Trust.PLAUSIBLE), 0)
    assert status(site, now)["clock"]["state"] == "off"
