"""Every key of the registry does what its word says, on every page where it stands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from edge_agent.alarm.board import asked, open_alarms
from edge_agent.inbox import Inbox
from edge_agent.site import Site
from edge_agent.texts import LANGUAGES, Texts
from tests.tui import worlds
from tests.tui.screens import Eyes, eyes
from tui.actions import ACTIONS, DEVICE, OVERVIEW, Action, on_page
from tui.frame import MOST_KEYS
from tui.pages.device import DevicePage
from tui.pages.overview import OverviewPage
from tui.theme import DARK, LIGHT
from tui.widgets.dialog import Acknowledge, Help, Leave, Palettes

# What a plain terminal cannot tell from Backspace, Tab, Enter or Esc, and what stops or suspends it.
UNFIT = {f"ctrl+{c}" for c in "hijm[sqz"}
FIT = {"enter", "escape", "tab", "up", "down", "left", "right", "pageup", "pagedown", "question_mark", "colon"}
Scenario = Callable[[Eyes, str], Awaitable[None]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = worlds.demo_site(tmp_path_factory.mktemp("keys") / "site")
    now = worlds.the_time(site)
    worlds.morning(site, now)
    worlds.alarms(site, now)
    return site


@pytest.fixture
async def seen(site: Site) -> AsyncIterator[Eyes]:
    now = worlds.the_time(site)
    with worlds.agent(site, now):
        async with eyes(site, now) as found:
            yield found
    (site.data / "inbox.db").unlink(missing_ok=True)


def cursor(seen: Eyes) -> str:
    """The line that the cursor is on; that of a dialog stands below that of its page."""
    return [line for line in seen.lines if line.startswith("> ")][-1]


async def _overview(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert isinstance(seen.app.screen, OverviewPage), "on the overview it stays there"
    await seen.press("2", key)
    assert isinstance(seen.app.screen, OverviewPage)
    assert "一号工厂 / 总览" in seen.text


async def _device(seen: Eyes, key: str) -> None:
    await seen.press("down", key)
    assert isinstance(seen.app.screen, DevicePage)
    assert "一号工厂 / 冲压车间" in seen.text
    assert "energy_import" in seen.text


async def _acknowledge(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert isinstance(seen.app.screen, Acknowledge)
    assert "总表需量越限" in seen.text
    await seen.press("ctrl+a", "ctrl+k", *"Li", "enter", *"ok", "enter")
    assert isinstance(seen.app.screen, OverviewPage)
    [request] = Inbox(seen.source.site.data).waiting("acknowledge")
    raised, note = json.loads(request.payload)
    assert (request.by.name, list(raised), note) == ("Li", ["m1.power.high"], "ok")
    assert asked(seen.source.site) == {"m1.power.high"}
    assert "已申请" in cursor(seen)
    assert Texts("zh")("tui.asked") in seen.text
    await seen.press(key)
    assert isinstance(seen.app.screen, OverviewPage), "asked once is enough"


async def _section(seen: Eyes, key: str) -> None:
    found = []
    for _ in range(4):
        found.append(cursor(seen)[2:])
        await seen.press(key)
    assert found[0].startswith("总表")
    assert found[1].startswith("[!!]")
    assert found[2].startswith("电网购入")
    assert found[3] == found[0]


async def _next(seen: Eyes, key: str) -> None:
    await seen.press("2", key)
    assert "一号工厂 / 冲压车间" in seen.text


async def _previous(seen: Eyes, key: str) -> None:
    await seen.press("2", key)
    assert "一号工厂 / 冲压线" in seen.text, "before the first comes the last"


async def _up(seen: Eyes, key: str) -> None:
    await seen.press("down", "down", key)
    assert cursor(seen).startswith("> 冲压车间")
    await seen.press("2", "down", "down", key)
    assert cursor(seen).startswith("> energy_export")


async def _down(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert cursor(seen).startswith("> 冲压车间")
    await seen.press("2", key)
    assert cursor(seen).startswith("> energy_export")


async def _page_up(seen: Eyes, key: str) -> None:
    await seen.press("pagedown", key)
    assert cursor(seen).startswith("> 总表")
    await seen.press("2", "pagedown", key)
    assert cursor(seen).startswith("> energy_import")


async def _page_down(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert cursor(seen).startswith("> 冲压线"), "the last of nine"
    await seen.press("2", key)
    assert cursor(seen).startswith("> energy_2")


async def _back(seen: Eyes, key: str) -> None:
    await seen.press("2", key)
    assert isinstance(seen.app.screen, OverviewPage)


async def _pause(seen: Eyes, key: str) -> None:
    before = seen.lines
    await seen.press(key)
    assert Texts("zh")("tui.paused") in seen.text
    seen.now += 10 * worlds.MINUTE
    await seen.pilot.pause(1.2)
    assert seen.lines[1:-2] == before[1:-2], "no look while it is paused"
    assert Texts("zh")("tui.is_paused") in seen.lines[0], "the top line says so whatever the state line has to say"
    await seen.press(key)
    assert "? 10m" in seen.text


async def _theme(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert seen.app.palette is LIGHT
    assert {style.bgcolor.name for _, style, _ in seen.strips[4] if style and style.bgcolor} == {LIGHT.ground}
    await seen.press("2", key)
    assert seen.app.palette is DARK


async def _palette(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert isinstance(seen.app.screen, Palettes)
    await seen.press(*"pause")
    assert "暂停" in cursor(seen)
    await seen.press("enter")
    assert Texts("zh")("tui.paused") in seen.text, "by its name in any language"
    await seen.press(key, "up", "down", "down", "enter")
    assert isinstance(seen.app.screen, DevicePage | Acknowledge)


async def _help(seen: Eyes, key: str) -> None:
    for page in (OVERVIEW, DEVICE):
        await seen.press(key)
        assert isinstance(seen.app.screen, Help)
        words = [seen.texts(action.text_key) for action in on_page(page)]
        assert all(word in seen.text for word in words)
        await seen.press("escape", "2")
    assert isinstance(seen.app.screen, DevicePage)


async def _leave(seen: Eyes, key: str) -> None:
    await seen.press(key)
    assert isinstance(seen.app.screen, Leave)
    await seen.press("n")
    assert isinstance(seen.app.screen, OverviewPage)
    await seen.press(key, "y")
    assert seen.app.return_code == 0


SCENARIOS: dict[str, Scenario] = {
    "overview": _overview,
    "device": _device,
    "acknowledge": _acknowledge,
    "section": _section,
    "next": _next,
    "previous": _previous,
    "up": _up,
    "down": _down,
    "page_up": _page_up,
    "page_down": _page_down,
    "back": _back,
    "pause": _pause,
    "theme": _theme,
    "palette": _palette,
    "help": _help,
    "leave": _leave,
}
PRESSED = [(action, key) for action in ACTIONS for key in action.keys]


@pytest.mark.parametrize(("action", "key"), PRESSED, ids=[f"{a.name}-{k}" for a, k in PRESSED])
async def test_a_key_does_what_its_word_says(action: Action, key: str, seen: Eyes) -> None:
    await SCENARIOS[action.name](seen, key)


def test_every_action_of_the_registry_is_pressed_here() -> None:
    assert set(SCENARIOS) == {action.name for action in ACTIONS}


def test_every_key_is_one_that_any_terminal_can_send() -> None:
    for action in ACTIONS:
        assert not UNFIT & set(action.keys)
        plain = [k for k in action.keys if len(k) == 1 or k in FIT]
        assert plain, f"{action.name} has a twin that needs neither Ctrl nor an F-key"
        for key in set(action.keys) - set(plain) - {"ctrl+p", "ctrl+c"}:
            assert key in {f"f{n}" for n in range(1, 11)}


@pytest.mark.parametrize("page", [OVERVIEW, DEVICE])
def test_a_key_means_one_thing_on_a_page_and_the_footer_is_short(page: str) -> None:
    keys = [key for action in on_page(page) for key in action.keys]
    assert len(keys) == len(set(keys))
    assert sum(action.in_footer for action in on_page(page)) <= MOST_KEYS


def test_every_action_has_its_word_in_both_languages() -> None:
    assert all(Texts(language).has(action.text_key) for action in ACTIONS for language in LANGUAGES)


async def test_an_alarm_leads_to_its_device(seen: Eyes) -> None:
    await seen.press("tab", "down", "enter")
    assert "一号工厂 / 空压站" in seen.text


async def test_nobody_acknowledges_without_a_name_and_escape_takes_it_back(seen: Eyes) -> None:
    await seen.press("a", "ctrl+a", "ctrl+k", "enter", "enter")
    assert isinstance(seen.app.screen, Acknowledge)
    await seen.press("escape")
    assert asked(seen.source.site) == set()


async def test_the_cursor_stays_on_its_alarm_when_a_new_one_comes(site: Site, tmp_path: Path) -> None:
    other = worlds.demo_site(tmp_path / "site")
    now = worlds.the_time(other)
    worlds.morning(other, now)
    worlds.alarms(other, now)
    async with eyes(other, now) as seen:
        await seen.press("tab", "down")
        before = cursor(seen)
        worlds.raised(other, "press.oil_temperature_1", now, "urgent")
        await seen.look()
        assert cursor(seen) == before
        assert open_alarms(other, now)[0].tag == "press.oil_temperature_1"
        assert "[!!] 4 未确认" in seen.text
