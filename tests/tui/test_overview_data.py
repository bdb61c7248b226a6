"""The facts behind the overview: the balance of powers, the past of a row, devices and their trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.energy.account import account
from edge_agent.energy.books import Books
from edge_agent.ledger import LedgerEvent, me
from edge_agent.overview.balance import EXPORT, GRID, LOAD, PV, REST, Wiring
from edge_agent.overview.past import History, Past
from edge_agent.overview.view import Flow, Memory, Overview, blind, overview
from edge_agent.period import Calendar, parse
from edge_agent.site import Site
from edge_agent.store.lock import make_data_folder
from edge_agent.store.store import Store
from tests.plants import plant
from tests.tui import worlds
from tests.tui.worlds import MINUTE, SECOND

HALL = """
site: {id: hall, title: Hall, timezone: Asia/Shanghai}
devices:
  g: {host: 127.0.0.1, profile: eastron-sdm630}
  x: {host: 127.0.0.2, profile: eastron-sdm630}
  a: {host: 127.0.0.3, profile: eastron-sdm630}
meters:
  grid: {tag: g.energy_import, carrier: electricity, flow: grid_import}
  out:  {tag: g.energy_export, carrier: electricity, flow: grid_export}
  sun:  {tag: x.energy_export, carrier: electricity, flow: pv_generation}
  load: {tag: a.energy_import, carrier: electricity, level: 2, parent: grid}
"""


@pytest.fixture
def hall(tmp_path: Path) -> Site:
    return plant(tmp_path / "hall", HALL)


def put(site: Site, *rows: tuple[str, int, float | None, Quality, str | None]) -> None:
    make_data_folder(site.data)
    batch = Batch()
    for tag, at, value, quality, why in rows:
        batch.add(tag, at, at, value, quality, why)
    with Store(site.data) as store:
        worlds.write(store, batch)


def powers(site: Site, at: int, grid: float | None, pv: float | None, part: float | None) -> None:
    """The three powers at a moment; None is a reading that failed."""
    rows = zip(("g.power", "x.power", "a.power"), (grid, pv, part), strict=True)
    put(site, *[(t, at, v, Quality.GOOD if v is not None else Quality.BAD, None if v else "no_reply") for t, v in rows])


def flows(seen: Overview) -> dict[str, Flow]:
    return {flow.row: flow for flow in seen.flows}


def now_kw(seen: Overview) -> dict[str, float | None]:
    return {flow.row: flow.now.value for flow in seen.flows}


def test_load_is_import_and_pv_and_what_no_meter_sees_is_the_rest(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now, 100.0, -40.0, 90.0)
    assert now_kw(overview(hall, now)) == {GRID: 100.0, PV: 40.0, LOAD: 140.0, "meter:load": 90.0, REST: 50.0}


def test_an_exporting_plant_has_a_row_for_it_and_its_load_is_still_right(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now, -15.0, 40.0, 20.0)
    assert now_kw(overview(hall, now)) == {GRID: 0.0, EXPORT: 15.0, PV: 40.0, LOAD: 25.0, "meter:load": 20.0, REST: 5.0}


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_what_rests_on_an_unknown_power_is_unknown(hall: Site, unknown: int) -> None:
    now = worlds.the_time(hall)
    values: list[float | None] = [100.0, 40.0, 90.0]
    values[unknown] = None
    powers(hall, now, *values)
    seen = now_kw(overview(hall, now))
    assert seen[REST] is None
    assert (seen[LOAD] is None) == (unknown != 2)
    assert sum(v is None for v in (seen[GRID], seen[PV], seen["meter:load"])) == 1


def test_a_sleeping_inverter_delivers_nothing_and_leaves_the_load_known(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now, 100.0, 40.0, 90.0)
    put(hall, ("x.power", now, None, Quality.ABSENT, "asleep"))
    seen = flows(overview(hall, now))
    assert (seen[PV].now.value, seen[PV].now.reason) == (None, "asleep")
    assert (seen[LOAD].now.value, seen[LOAD].now.quality) == (100.0, Quality.GOOD)


def test_a_power_older_than_its_age_is_not_shown_as_if_it_were_now(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now - 5 * MINUTE, 100.0, 40.0, 90.0)
    grid = flows(overview(hall, now))[GRID].now
    assert (grid.value, grid.quality, grid.age) == (None, Quality.STALE, 5 * MINUTE)
    assert flows(overview(hall, now))[LOAD].now == type(grid)(None, Quality.ABSENT, "too_old")


def test_the_age_of_a_bad_value_counts_from_the_last_usable_one(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now - 4 * MINUTE, 100.0, 40.0, 90.0)
    powers(hall, now, None, 40.0, 90.0)
    memory = Memory(hall)
    for later in (0, 30 * SECOND):
        grid = flows(overview(hall, now + later, memory))[GRID].now
        assert (grid.quality, grid.reason, grid.age) == (Quality.BAD, "no_reply", 4 * MINUTE + later)


@pytest.fixture
def secondary(tmp_path: Path) -> Site:
    """The same hall with a grid meter behind a transformer."""
    text = HALL.replace("127.0.0.1, profile: eastron-sdm630", "127.0.0.1, profile: dlt645-2007-3ph, ct: 800")
    text = text.replace("host: 127.0.0.1,", "bus: b, address: 000000000161,")
    return plant(tmp_path / "secondary", text + "buses: {b: {serial: /dev/ttyS9}}\n")


def test_power_is_shown_on_the_primary_side(secondary: Site) -> None:
    now = worlds.the_time(secondary)
    powers(secondary, now, 0.5, 40.0, 90.0)
    assert now_kw(overview(secondary, now))[GRID] == 400.0


def test_a_meter_may_name_the_tag_of_its_power(tmp_path: Path) -> None:
    site = plant(tmp_path, HALL.replace("{tag: a.energy_import,", "{tag: a.energy_import, power: x.power,"))
    assert Wiring.of(site).parts == {"meter:load": "x.power"}


def test_an_uncertain_part_makes_the_sum_uncertain(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now, 100.0, 40.0, 90.0)
    put(hall, ("x.power", now, 41.0, Quality.UNCERTAIN, "uncertain_value"))
    seen = flows(overview(hall, now))
    assert (seen[LOAD].now.value, seen[LOAD].now.quality) == (141.0, Quality.UNCERTAIN)
    assert seen[GRID].now.quality == Quality.GOOD


def test_the_hour_has_a_hole_where_there_was_no_reading(hall: Site) -> None:
    now = worlds.the_time(hall)
    for minute in range(60):
        if not 20 <= minute < 30:
            powers(hall, now - minute * MINUTE, 100.0, 40.0, 90.0)
    hour = flows(overview(hall, now))[GRID].trend.hour
    assert len(hour) == 60
    holes = [i for i, mean in enumerate(hour) if mean is None]
    assert holes == list(range(31, 40)), "a reading holds for its greatest age, one minute here"
    assert flows(overview(hall, now))[LOAD].trend.hour[50] == 140.0


def test_a_failed_reading_ends_what_the_one_before_said(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now - 3 * MINUTE, 100.0, 40.0, 90.0)
    powers(hall, now - 2 * MINUTE, None, 40.0, 90.0)
    assert flows(overview(hall, now))[GRID].trend.hour[-4:] == (100.0, None, None, None)


def test_the_highest_quarter_is_a_whole_one_of_today(hall: Site) -> None:
    now = worlds.the_time(hall)  # 07:31
    quarter = now - 31 * MINUTE - 3 * SECOND  # 07:00
    for minute in range(45):
        load = 500.0 if minute == 7 else 800.0 if minute >= 30 else 100.0
        powers(hall, quarter + minute * MINUTE, load, 0.0, 90.0)
    yesterday = quarter - 10 * 60 * MINUTE
    for minute in range(15):
        powers(hall, yesterday + minute * MINUTE, 999.0, 0.0, 90.0)
    for minute in range(8):
        powers(hall, quarter - 60 * MINUTE + minute * MINUTE, 700.0, 0.0, 90.0)
    peak = flows(overview(hall, now))[GRID].trend.peak
    assert peak == pytest.approx((14 * 100.0 + 500.0) / 15), (
        "neither yesterday, nor half a quarter, nor the present one"
    )


def looked(site: Site, *moments: int) -> Past:
    """The past of a history that has looked at these moments."""
    history = History(site, Wiring.of(site), {tag: known.max_age for tag, known in site.tags().items()})
    for moment in moments:
        past = history.look(moment)
    return past


def test_many_looks_say_the_same_as_one(tmp_path: Path) -> None:
    """What is read piece by piece, over midnight too, adds up to what is read at once."""
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now, silent="m4", since=now - 40 * MINUTE)
    moments = [now - 100 * MINUTE, *range(now - 5 * MINUTE, now - SECOND, 23 * SECOND), now]
    assert looked(site, *moments) == looked(site, now)
    assert looked(site, now - 8 * 60 * MINUTE, now) == looked(site, now)


def test_today_is_what_the_accounts_say(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now)
    books = Books.open(site, now)
    period = parse("today", Calendar(site.zone), now)
    said = account(books, period)
    today = {row: flow.trend.today for row, flow in flows(overview(site, now)).items()}
    assert today[LOAD] == said.electricity.exact
    assert today[GRID] == next(line.value.exact for line in said.lines if line.flow == "grid_import")
    assert today["meter:hvac"] == books.used("m4.energy_import", period).exact


def test_todays_rest_is_unknown_while_a_meter_stays_behind(tmp_path: Path) -> None:
    """Otherwise what that meter has not told yet would count as unmetered."""
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now, silent="m4", since=now - 5 * MINUTE)
    today = {row: flow.trend.today for row, flow in flows(overview(site, now)).items()}
    assert today[REST] is None
    assert today[LOAD] is not None


def test_todays_load_is_unknown_while_a_first_level_meter_stays_behind(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now, silent="m1", since=now - 5 * MINUTE)
    today = {row: flow.trend.today for row, flow in flows(overview(site, now)).items()}
    assert (today[REST], today[LOAD]) == (None, None)


def test_a_register_that_fell_makes_today_unknown_however_it_is_read(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now - 10 * MINUTE)
    memory = Memory(site)
    assert flows(overview(site, now - 9 * MINUTE, memory))["meter:hvac"].trend.today is not None
    worlds.one(site, "m4.energy_import", now - 5 * MINUTE, 3.0, Quality.GOOD, None)
    worlds.one(site, "m4.energy_import", now - 4 * MINUTE, 4.0, Quality.GOOD, None)
    for known in (memory, None):
        assert flows(overview(site, now, known))["meter:hvac"].trend.today is None


def test_a_ratio_counts_from_its_own_time(secondary: Site) -> None:
    now = worlds.the_time(secondary)
    for minute in range(10):
        powers(secondary, now - minute * MINUTE, 0.5, 40.0, 90.0)
    ratios = ((0, 400.0), (now - 5 * MINUTE, 800.0))
    events = [LedgerEvent(at, "g", "ratio", {"ct": ct, "pt": 1.0}, me(), now) for at, ct in ratios]
    with Store(secondary.data) as store, store.transaction():
        store.write_ledger(events)
    grid = flows(overview(secondary, now))[GRID]
    assert grid.now.value == 400.0
    assert (grid.trend.hour[-7], grid.trend.hour[-3]) == (200.0, 400.0)


def test_devices_say_how_they_are(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now, silent="m3", since=now - 262 * SECOND)
    worlds.lost(site, "m3", now - 260 * SECOND, now)
    worlds.one(site, "hp1.water_out", now, 61.5, Quality.UNCERTAIN, "uncertain_value")
    with worlds.agent(site, now):
        devices = {d.name: d for d in overview(site, now).devices}
        view = overview(site, now, device="m3").device
    assert (devices["m1"].link, devices["m1"].quality, devices["m1"].faulty) == ("up", Quality.GOOD, 0)
    lost = devices["m3"]
    assert (lost.link, lost.quality, lost.reason, lost.item) == ("down", Quality.BAD, "checksum", "")
    assert lost.age is not None
    assert lost.age >= 262 * SECOND
    partly = devices["hp1"]
    assert (partly.quality, partly.faulty, partly.item, partly.reason) == (
        Quality.UNCERTAIN,
        1,
        "water_out",
        "uncertain_value",
    )
    assert view is not None
    assert view.since == now - 260 * SECOND


def test_what_an_earlier_agent_said_of_a_link_is_not_known_any_more(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now)
    assert {d.link for d in overview(site, now).devices} == {"unknown"}
    with worlds.agent(site, now, since=now - MINUTE):
        assert {d.link for d in overview(site, now).devices} == {"unknown"}
    with worlds.agent(site, now, alive=now - 2 * MINUTE):
        seen = overview(site, now)
        assert (seen.agent.state, seen.agent.since) == ("silent", now - 2 * MINUTE)
        assert {d.link for d in seen.devices} == {"unknown"}
    with worlds.agent(site, now):
        assert {d.link for d in overview(site, now).devices} == {"up"}


def test_the_agents_own_counts_are_shown_only_when_there_are_any(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now)
    worlds.one(site, "agent.overruns", now, 3.0, Quality.GOOD, None)
    worlds.one(site, "agent.blocked", now, 0.0, Quality.GOOD, None)
    with worlds.agent(site, now):
        assert overview(site, now).health == {"agent.overruns": 3}
    assert overview(site, now).health == {}


def test_a_reading_far_in_the_future_hides_nothing(hall: Site) -> None:
    now = worlds.the_time(hall)
    powers(hall, now, 100.0, 40.0, 90.0)
    powers(hall, now + 24 * 60 * MINUTE, 1.0, 1.0, 1.0)
    seen = overview(hall, now)
    assert now_kw(seen)[GRID] == 100.0
    assert seen.as_of == now


def test_a_blind_look_knows_no_value(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now)
    seen = blind(site, now, Memory(site), "m1")
    assert {flow.now.value for flow in seen.flows} == {None}
    assert seen.device is not None
    assert {tag.value.value for tag in seen.device.tags} == {None}


def test_the_dear_part_is_kept_for_a_while_and_not_waited_for_at_first(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now)
    memory = Memory(site)
    assert overview(site, now, memory, dear=False).past == Past(0)
    first = overview(site, now, memory).past
    assert overview(site, now + 10 * SECOND, memory).past is first
    assert overview(site, now + 16 * SECOND, memory).past.at == now + 16 * SECOND
    assert overview(site, now - 60 * SECOND, memory).past.at == now - 60 * SECOND, "the clock was set back"
