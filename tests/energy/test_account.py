"""Accounts: the published formulas on plant Y, and what a missing part does to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from configs.problem import ConfigError
from edge_agent.energy.account import Account, account, intensities
from edge_agent.energy.books import Books
from edge_agent.period import parse
from edge_agent.requests import wall_clock
from edge_agent.site import Site
from tests.plants import PLANT_Y, PLANT_Y_FACTORS, Row, plant, plant_y, plant_y_rows, take_in

TEN = "2026-01-01..2026-11-01"
NOV_21 = 1_795_219_200_000_000  # 2026-11-21 00:00 UTC


def accounted(site: Site, period: str = TEN) -> tuple[Account, dict[str, float | None]]:
    """The account and the intensities of a period."""
    books = Books.open(site, max(wall_clock(), NOV_21))
    result = account(books, parse(period, books.calendar, books.at))
    return result, {name: f.exact for name, f in intensities(books, result.period, result)}


def without(drop: Callable[[Row], bool]) -> list[Row]:
    return [row for row in plant_y_rows() if not drop(row)]


def test_plant_y_gives_the_published_figures(tmp_path: Path) -> None:
    result, per = accounted(plant_y(tmp_path))
    assert result.tce.exact == pytest.approx(1488.77, abs=0.005)
    assert result.tco2.exact == pytest.approx(5060.0, abs=0.05)
    assert result.renewable_share.exact == pytest.approx(10.73, abs=0.005)
    assert per["carbon_per_piece"] == pytest.approx(4.217, abs=0.0005)
    assert result.self_use.exact == pytest.approx(1_300_000.0)


def test_without_the_last_month_of_grid_registers_what_rests_on_them_is_unknown(tmp_path: Path) -> None:
    rows = without(lambda r: r[0] == "manual.grid" and r[2] == "2026-11-01")
    result, per = accounted(plant_y(tmp_path, rows))
    assert not result.tce.is_known
    assert not result.tco2.is_known
    assert not result.renewable_share.is_known
    assert per["carbon_per_piece"] is None
    grid = next(line for line in result.lines if line.flow == "grid_import")
    assert grid.value.known == pytest.approx(9 * 864_000.0)
    assert grid.value.coverage == pytest.approx(273 / 304)
    assert [r.code for r in grid.value.reasons] == ["no_register_at_end"]


def test_without_a_middle_month_of_registers_nothing_changes(tmp_path: Path) -> None:
    rows = without(lambda r: r[0] == "manual.grid" and r[2] == "2026-05-01")
    assert accounted(plant_y(tmp_path / "a", rows)) == accounted(plant_y(tmp_path / "b"))


def test_without_one_of_ten_amounts_only_what_rests_on_it_is_unknown(tmp_path: Path) -> None:
    result, per = accounted(plant_y(tmp_path, without(lambda r: r[1] == "2026-04-01")))
    assert result.tce.exact == pytest.approx(1488.77, abs=0.005)
    assert per["carbon_per_piece"] is None


def test_a_later_amount_for_the_same_period_supersedes_and_an_empty_one_withdraws(tmp_path: Path) -> None:
    site = plant_y(tmp_path)
    take_in(site, [("manual.pieces", "2026-04-01", "2026-05-01", 240_000, "")])
    assert accounted(site)[1]["carbon_per_piece"] == pytest.approx(5060.0 / 1320, abs=0.001)
    take_in(site, [("manual.pieces", "2026-04-01", "2026-05-01", "", "")])
    assert accounted(site)[1]["carbon_per_piece"] is None


def test_taking_the_same_file_in_twice_adds_nothing(tmp_path: Path) -> None:
    site = plant_y(tmp_path)
    assert take_in(site, plant_y_rows()) == 0


def test_an_assessment_in_the_past_does_not_see_what_was_recorded_later(tmp_path: Path) -> None:
    site = plant_y(tmp_path)
    between = wall_clock()
    take_in(site, [("manual.gas", "", "2026-11-01", 999_999, "")])
    now, then = Books.open(site, wall_clock()), Books.open(site, wall_clock(), between)
    period = parse(TEN, now.calendar, NOV_21)
    assert account(then, period).tce.exact == pytest.approx(1488.77, abs=0.005)
    assert account(now, period).tce.exact == pytest.approx(1221.626 + 1.2143 * 998.999, abs=0.01)


def test_a_range_instead_of_a_factor_makes_an_interval(tmp_path: Path) -> None:
    only_co2 = PLANT_Y_FACTORS.replace("own.gas, carrier: natural_gas", "own.gas, carrier: diesel")
    site = plant(tmp_path, PLANT_Y, only_co2.replace("kgce/m3", "kgce/kg"))
    take_in(site, plant_y_rows())
    result, _ = accounted(site)
    assert result.tce.low == pytest.approx(1221.626 + 220 * 1.1)
    assert result.tce.high == pytest.approx(1221.626 + 220 * 1.33)
    assert {"factor_range", "factor_recalled"} <= {r.code for r in result.warnings}


def test_pv_without_an_export_meter_leaves_self_use_unknown_unless_the_plant_never_exports(tmp_path: Path) -> None:
    text = "\n".join(line for line in PLANT_Y.splitlines() if "grid_export" not in line)
    site = plant(tmp_path / "a", text, PLANT_Y_FACTORS)
    take_in(site, plant_y_rows())
    assert not accounted(site)[0].self_use.is_known
    never = plant(tmp_path / "b", text.replace("language: zh", "language: zh, exports: false"), PLANT_Y_FACTORS)
    take_in(never, plant_y_rows())
    assert accounted(never)[0].self_use.exact == pytest.approx(1_440_000.0)


def daily(days: int, skip: dict[str, int]) -> list[Row]:
    """Registers at local midnight of the last days; PV starts to generate ten days ago."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    rows: list[Row] = []
    for back in range(days, -1, -1):
        day = str(today - timedelta(back))
        steps = {
            "grid": 1000.0 * (days - back),
            "pv": 300.0 * max(10 - back, 0),
            "export": 0.0,
            "gas": 10.0 * (days - back),
        }
        rows += [(f"manual.{n}", "", day, value, "") for n, value in steps.items() if back >= skip.get(n, 0)]
    return rows


def test_a_silent_grid_meter_does_not_raise_the_share_of_a_running_period(tmp_path: Path) -> None:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    running = f"{today - timedelta(100)}..{today + timedelta(1)}"
    text = PLANT_Y.replace("24h", "35d")
    sites = []
    for name, skip in (("whole", {}), ("silent", {"grid": 4}), ("long", {"grid": 20})):
        sites.append(plant(tmp_path / name, text, PLANT_Y_FACTORS))
        take_in(sites[-1], daily(100, skip))
    whole, silent, long = (accounted(site, running)[0] for site in sites)
    closed = accounted(sites[0], f"{today - timedelta(100)}..{today - timedelta(4)}")[0]
    assert whole.renewable_share.exact is not None
    assert silent.renewable_share.exact is not None
    assert silent.renewable_share.exact == pytest.approx(closed.renewable_share.exact)
    assert silent.renewable_share.exact < whole.renewable_share.exact
    assert not long.renewable_share.is_known
    assert "settled_short" in {r.code for r in long.renewable_share.reasons}


def test_an_assessment_in_the_past_uses_the_plant_yaml_of_that_time(tmp_path: Path) -> None:
    site = plant_y(tmp_path)
    between = wall_clock()
    changed = plant(
        tmp_path, PLANT_Y.replace("  pv:     {tag: manual.pv", "  sun:    {tag: manual.pv"), PLANT_Y_FACTORS
    )
    take_in(changed, [])
    now, then = Books.open(changed, wall_clock()), Books.open(changed, wall_clock(), between)
    assert "sun" in now.site.plant.meters
    assert then.site.plant == site.plant
    before_all = Books.open(changed, wall_clock(), 1)
    assert [r.code for r in before_all.notes] == ["site_not_recorded"]


def test_two_level_one_meters_cannot_share_a_tag(tmp_path: Path) -> None:
    twice = PLANT_Y.replace("manual.export, carrier", "manual.pv, carrier")
    with pytest.raises(ConfigError) as caught:
        plant(tmp_path, twice)
    assert [p.code for p in caught.value.problems] == ["tag_metered_twice"]
