"""What goes wrong in a plant does not end the screen: it says so in one line, invents nothing, and goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.period import US
from edge_agent.site import PLANT_FILE, Site
from edge_agent.store import database
from edge_agent.store.lock import make_data_folder
from edge_agent.texts import Texts
from tests.plants import plant
from tests.tui import worlds
from tests.tui.screens import Eyes, eyes
from tui import source
from tui.actions import ACTIONS
from tui.source import KEEP_US


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = worlds.demo_site(tmp_path / "site")
    worlds.morning(site, worlds.the_time(site))
    return site


def state_line(seen: Eyes) -> str:
    """The line above the keys."""
    return seen.lines[-2]


def grid_line(seen: Eyes) -> str:
    return next(line for line in seen.lines if "电网购入" in line)


def well(seen: Eyes) -> bool:
    """Nothing is wrong but that these small worlds have no agent."""
    return Texts("zh")("tui.agent_stopped") in state_line(seen)


async def test_the_screen_waits_for_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(site)
    async with eyes(site, now) as seen:
        assert "还没有数据库" in state_line(seen)
        assert "--" in grid_line(seen)
        make_data_folder(site.data)
        (site.data / "plant.db").touch()
        await seen.look()
        assert "--" in grid_line(seen), "the first start has not come that far"
        (site.data / "plant.db").unlink()
        worlds.morning(site, now)
        seen.now += 20 * US
        await seen.look()
        assert "336.6" in grid_line(seen)
        assert well(seen)


async def test_a_database_of_a_newer_program_is_said_in_one_line(site: Site) -> None:
    now = worlds.the_time(site)
    async with eyes(site, now) as seen:
        with closing(sqlite3.connect(site.data / "plant.db")) as db:
            db.execute("PRAGMA user_version = 999")
        await seen.look()
        assert "[!]" in state_line(seen)
        assert "更新的绿闸" in state_line(seen)
        assert "336.6" in grid_line(seen), "for a short while what was seen a moment ago stays"
        seen.now += KEEP_US + US
        await seen.look()
        assert "336.6" not in seen.text, "then nothing is known"
        with closing(sqlite3.connect(site.data / "plant.db")) as db:
            db.execute(f"PRAGMA user_version = {database.NEWEST}")
        seen.now = now + US
        await seen.look()
        assert "336.6" in grid_line(seen)
        assert well(seen)


async def test_a_locked_database_is_waited_for_and_then_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 20)
    now = worlds.the_time(site)
    async with eyes(site, now) as seen:
        with closing(sqlite3.connect(site.data / "plant.db", isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("BEGIN EXCLUSIVE")
            await seen.look()
            assert "locked" in state_line(seen)
            db.execute("ROLLBACK")
        await seen.look()
        assert well(seen)


async def test_a_damaged_database_is_said_in_one_line(site: Site) -> None:
    async with eyes(site, worlds.the_time(site)) as seen:
        (site.data / "plant.db").write_bytes(b"this is no database" * 1000)
        await seen.look()
        assert "已损坏" in state_line(seen)


async def test_an_agent_that_stops_and_starts_changes_the_word(site: Site) -> None:
    now = worlds.the_time(site)
    async with eyes(site, now) as seen:
        assert "[!] 代理 停止" in seen.lines[0]
        with worlds.agent(site, now):
            await seen.look()
            assert "代理 好" in seen.lines[0]
        with worlds.agent(site, now, alive=now - 5 * worlds.MINUTE):
            await seen.look()
            assert "[!] 代理 无响应" in seen.lines[0]
        await seen.look()
        assert "[!] 代理 停止" in seen.lines[0]


async def test_a_wrong_plant_file_leaves_the_old_one_in_force_and_says_so(site: Site) -> None:
    right = (site.folder / PLANT_FILE).read_text(encoding="utf-8")
    async with eyes(site, worlds.the_time(site)) as seen:
        (site.folder / PLANT_FILE).write_text(right.replace("meters:", "metres:"), encoding="utf-8")
        await seen.look()
        assert "仍按原配置" in state_line(seen)
        assert "336.6" in grid_line(seen)
        (site.folder / PLANT_FILE).unlink()
        await seen.look()
        assert "[!]" in state_line(seen)
        (site.folder / PLANT_FILE).write_text(right.replace("zh: 一号工厂", "zh: 二号工厂"), encoding="utf-8")
        await seen.look()
        assert "二号工厂" in seen.lines[0]
        assert well(seen)


async def test_a_device_that_is_taken_out_of_the_plant_file_leaves_an_empty_page(site: Site) -> None:
    right = (site.folder / PLANT_FILE).read_text(encoding="utf-8")
    gone = "\n".join(line for line in right.splitlines() if not line.strip().startswith(("w1:", "water:")))
    async with eyes(site, worlds.the_time(site)) as seen:
        await seen.press("down", "down", "down", "down", "down", "enter")
        assert "水表" in seen.lines[0]
        (site.folder / PLANT_FILE).write_text(gone, encoding="utf-8")
        await seen.look()
        assert "已没有这台设备" in seen.text
        await seen.press("n")
        assert "冲压车间" in seen.lines[0]


async def test_a_smaller_terminal_and_back_is_the_same_picture(site: Site) -> None:
    async with eyes(site, worlds.the_time(site)) as seen:
        for keys in ((), ("enter",), ("escape", "question_mark"), ("escape", "colon"), ("escape", "q")):
            await seen.press(*keys)
            before = seen.lines
            for size in ((40, 10), (1, 1), (80, 24)):
                await seen.pilot.resize_terminal(*size)
                await seen.settle()
                assert len(seen.strips) == size[1]
                assert {strip.cell_length for strip in seen.strips} == {size[0]}
            assert seen.lines == before


async def test_a_fault_in_a_look_is_one_line_and_the_next_look_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug\nin two lines")

    async with eyes(site, worlds.the_time(site)) as seen:
        with monkeypatch.context() as patch:
            patch.setattr(source, "overview", broken)
            await seen.look()
            assert "ZeroDivisionError: a bug in two lines" in state_line(seen)
            seen.now += KEEP_US + US
            await seen.look()
            assert "--" in grid_line(seen)
        seen.now -= KEEP_US
        await seen.look()
        assert well(seen)


async def test_a_wish_that_cannot_be_written_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    now = worlds.the_time(site)
    worlds.alarms(site, now)
    monkeypatch.setattr(source, "ask_acknowledge", full)
    async with eyes(site, now) as seen:
        await seen.press("a", "enter", "enter")
        assert "没有写入" in state_line(seen)
        assert "disk is full" in state_line(seen)


async def test_a_title_that_would_command_the_terminal_is_only_shown(tmp_path: Path) -> None:
    site = worlds.demo_site(tmp_path / "site")
    text = (site.folder / PLANT_FILE).read_text(encoding="utf-8")
    evil = text.replace("zh: 总表,", 'zh: "总\\x1b[2J表",')
    async with eyes(site, worlds.the_time(site)) as seen:
        (site.folder / PLANT_FILE).write_text(evil, encoding="utf-8")
        await seen.look()
        assert "总?[2J表" in seen.text


async def test_a_screen_that_has_looked_at_nothing_yet_takes_any_key(site: Site) -> None:
    """Keys typed ahead, before the first look is in, are not a fault."""
    app = Eyes(site, worlds.the_time(site), "zh").app
    app.look = lambda: None  # type: ignore[method-assign]
    async with app.run_test() as pilot:
        await pilot.press("down", "tab", "a", "enter", "2", "p", "m", "n", "escape", "1", "pagedown", "question_mark")
        assert app.is_running


async def test_on_an_empty_site_every_key_is_harmless(tmp_path: Path) -> None:
    site = plant(tmp_path / "site", worlds.EMPTY)
    async with eyes(site, worlds.the_time(site)) as seen:
        for action in ACTIONS:
            for key in action.keys:
                await seen.pilot.press(key, "escape")
        await seen.press("a")
        assert "没有报警。" in state_line(seen)
        await seen.press("2")
        assert "没有设备" in state_line(seen)


@pytest.mark.parametrize("broken", [False, True])
def test_without_a_terminal_or_a_site_one_line_says_why(
    broken: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, worlds.EMPTY)
    if broken:
        (tmp_path / PLANT_FILE).write_text("site: {id: x, title: X, timezone: Nowhere/Land}\n")
    assert main(["-C", str(tmp_path), "tui"]) == (Exit.SITE if broken else Exit.USAGE)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_base_install_says_which_extra_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, worlds.EMPTY)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["-C", str(tmp_path), "tui"]) == Exit.UNHEALTHY
    said = capsys.readouterr().err
    assert 'pip install "leafgate[tui]"' in said
    assert said.count("\n") == 1


async def test_a_database_that_vanishes_is_no_plant_without_alarms(site: Site) -> None:
    """The alarms that stood are not told to be none; what cannot be asked is unknown."""
    now = worlds.the_time(site)
    worlds.alarms(site, now)
    async with eyes(site, now) as seen:
        assert "[!!]" in seen.lines[0]
        (site.data / "plant.db").rename(site.data / "away.db")
        await seen.look()
        assert "plant.db" in state_line(seen)
        assert "[!!]" in seen.lines[0], "the last look stands for a while"
        seen.now += KEEP_US + US
        await seen.look()
        assert Texts("zh")("tui.alarms_unknown") in seen.lines[0]
        assert Texts("zh")("tui.no_alarms") not in seen.text
        (site.data / "away.db").rename(site.data / "plant.db")
        await seen.look()
        assert "[!!]" in seen.lines[0]


async def test_new_alarms_come_on_top_of_a_list_that_nobody_reads(site: Site) -> None:
    now = worlds.the_time(site)
    for second, device in enumerate(["m2", "m3", "m4", "m5", "w1", "inv1", "hp1"]):
        worlds.raised(site, f"{device}.power", now - 60 * US + second * US, "medium")
    async with eyes(site, now) as seen:
        worlds.raised(site, "m1.power", now, "urgent")
        await seen.look()
        listed = [line for line in seen.lines[2:] if "[~]" in line or "[!!]" in line]
        assert listed
        assert "[!!]" in listed[0]
