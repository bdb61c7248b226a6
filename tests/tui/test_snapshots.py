"""What the screens look like, as text. LEAFGATE_SNAPSHOT=1 writes them anew; read the difference before committing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from drivers.reading import Quality
from edge_agent.site import Site
from edge_agent.texts import LANGUAGES, Language
from tests.plants import plant
from tests.tui import worlds
from tests.tui.screens import LARGE, SMALL, eyes, written
from tests.tui.worlds import SECOND

FOLDER = Path(__file__).parent / "snapshots"
MARKS = ("[!!]", "[!]", "[~]", "? 5m", "--")
LEAST_CONTRAST = 3.0  # WCAG for large text and signs; body text here has more


@dataclass(frozen=True)
class Case:
    """A world, whether its agent runs, and the keys that lead to the screen."""

    world: Callable[[Path], Site]
    keys: tuple[str, ...] = ()
    runs: bool = True


def normal(folder: Path) -> Site:
    site = worlds.demo_site(folder)
    worlds.morning(site, worlds.the_time(site))
    return site


def stale(folder: Path) -> Site:
    """One device is lost, one says nothing any more, one doubts a value, one sleeps."""
    site = worlds.demo_site(folder)
    now = worlds.the_time(site)
    worlds.morning(site, now, silent="m3", since=now - 262 * SECOND)
    worlds.lost(site, "m3", now - 260 * SECOND, now)
    worlds.one(site, "hp1.water_out", now, 61.5, Quality.UNCERTAIN, "uncertain_value")
    worlds.one(site, "inv1.power", now, None, Quality.ABSENT, "asleep")
    worlds.one(site, "inv1.link", now, 2.0, Quality.GOOD, None)
    worlds.one(site, "agent.overruns", now, 3.0, Quality.GOOD, None)
    worlds.one(site, "agent.blocked", now, 1.0, Quality.GOOD, None)
    return site


def alarm(folder: Path) -> Site:
    site = stale(folder)
    worlds.alarms(site, worlds.the_time(site))
    return site


def empty(folder: Path) -> Site:
    return plant(folder, worlds.EMPTY)


CASES = {
    "normal": Case(normal),
    "stale": Case(stale),
    "alarm": Case(alarm, ("tab",)),
    "empty": Case(empty, runs=False),
    "no-database": Case(worlds.demo_site, runs=False),
    "stopped": Case(normal, runs=False),
    "device": Case(alarm, ("down", "down", "enter")),
    "states": Case(normal, ("2", "b", "b", "pagedown")),
    "monochrome": Case(alarm),
    "help": Case(normal, ("question_mark",)),
    "acknowledge": Case(alarm, ("a",)),
}


@pytest.fixture(scope="module", params=CASES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Site]:
    """Built once for all its pictures; nobody writes to it."""
    name = request.param
    return name, CASES[name].world(tmp_path_factory.mktemp(name) / "site")


@contextmanager
def circumstances(name: str, site: Site, now: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, worlds.agent(site, now) if CASES[name].runs else nullcontext():
        patch.setenv("LOGNAME", "wang")
        if name == "monochrome":
            patch.setenv("NO_COLOR", "1")
        yield


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_screen_is_as_it_was(world: tuple[str, Site], language: Language) -> None:
    name, site = world
    now = worlds.the_time(site)
    with circumstances(name, site, now):
        for size in (SMALL, LARGE):
            async with eyes(site, now, language, size) as seen:
                await seen.press(*CASES[name].keys)
                agree(f"{name}-{language}-{size[0]}x{size[1]}", seen.strips, size)


def agree(name: str, strips: list[Strip], size: tuple[int, int]) -> None:
    """Every line has the width of the screen, and the picture is the stored one."""
    assert [cell_len(strip.text) for strip in strips] == [size[0]] * size[1]
    assert {c for strip in strips for c in strip.text if _is_ambiguous(c)} == set()
    path, found = FOLDER / f"{name}.txt", written(strips)
    if os.environ.get("LEAFGATE_SNAPSHOT"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"{path.name} differs; LEAFGATE_SNAPSHOT=1 writes it anew"


def _is_ambiguous(character: str) -> bool:
    """Glyphs that some terminals draw double: no line, arrow, block or ellipsis stands on these screens."""
    return character in "●▲■─│…°±²×→█Ω℃" or "\u2500" <= character <= "\u25ff"


def test_without_colour_every_sign_is_there_and_readable(tmp_path: Path) -> None:
    """Marks and words carry the meaning; what is on a fill still stands out from it."""
    name = "monochrome-zh-80x24"
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert all(mark in text for mark in MARKS)
    assert "未确认*" in text
    colours = {c for line in text.splitlines() for c in line.replace(";", " ").split() if c.startswith("#")}
    assert colours, "the styles are listed"
    assert all(c[1:3] == c[3:5] == c[5:7] for c in colours), "only greys"


@pytest.mark.parametrize("no_colour", [False, True])
async def test_every_cell_of_text_stands_out_from_its_ground(
    no_colour: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = alarm(tmp_path / "site")
    now = worlds.the_time(site)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    with worlds.agent(site, now):
        async with eyes(site, now) as seen:
            for keys in ((), ("m",), ("tab",), ("a",), ("escape",), ("enter",), ("question_mark",)):
                await seen.press(*keys)
                weak = {
                    (text, str(style)) for strip in seen.strips for text, style, _ in strip if _is_weak(text, style)
                }
                assert weak == set(), keys


def _is_weak(text: str, style: Style | None) -> bool:
    if not text.strip():
        return False
    if style is None or style.color is None or style.bgcolor is None:
        return True
    fore, back = style.color.triplet, style.bgcolor.triplet
    assert fore is not None
    assert back is not None
    light, dark = sorted((_luminance(fore), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05) < LEAST_CONTRAST


def _luminance(colour: tuple[int, int, int]) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [c / 255 for c in colour]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_pictures_of_one_world_at_one_time_are_the_same(tmp_path: Path) -> None:
    site = normal(tmp_path / "site")
    now = worlds.the_time(site)
    pictures = []
    for _ in range(2):
        async with eyes(site, now) as seen:
            pictures.append(written(seen.strips))
    assert pictures[0] == pictures[1]
