"""The real program in a real terminal: what it sends when nothing happens, what it weighs, how it ends."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from edge_agent.exit import Exit
from edge_agent.requests import wall_clock
from edge_agent.site import Site
from edge_agent.store.store import Store
from tests.tui import worlds
from tests.tui.terminal import terminal

IDLE_S = 3.0
MOST_RSS_KB = 60_000
MOST_BYTES = 6_000  # of a paint after a batch; the first paint of 80x24 takes three times that
ALTERNATE, NORMAL = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A small site whose agent stopped days ago, so that no age changes while we watch."""
    site = worlds.demo_site(tmp_path / "site")
    worlds.morning(site, wall_clock() - 5 * 24 * 60 * worlds.MINUTE)
    return site


def test_an_idle_screen_sends_nothing_is_light_and_leaves_well(site: Site) -> None:
    with terminal("-C", str(site.folder), "tui") as seen:
        first = len(seen.until("kWh"))
        assert b"\x1b[?1000h" not in seen.received, "the mouse stays with the terminal"
        assert seen.read(IDLE_S) == b""
        peak = seen.memory_kb("VmHWM")
        assert peak < MOST_RSS_KB, f"{peak} kB"
        seen.type("q")
        seen.until("退出屏幕")
        seen.type("y")
        assert seen.ended() == Exit.DONE
        assert seen.received.count(ALTERNATE) == seen.received.count(NORMAL) == 1
    print(f"first paint {first} bytes, peak memory {peak} kB")


def test_a_batch_is_one_small_paint_and_a_resize_is_survived(site: Site) -> None:
    with terminal("-C", str(site.folder), "tui") as seen:
        seen.until("kWh")
        with Store(site.data) as store:
            worlds.write(store, worlds.everything(site, wall_clock()))
        painted = seen.read(2.0)
        assert 0 < len(painted) < MOST_BYTES
        for size in ((40, 10), (80, 24)):
            seen.resize(*size)
            assert seen.read(1.0)
        seen.process.send_signal(signal.SIGTERM)
        assert seen.ended() == Exit.DONE
        assert NORMAL in seen.received, "the terminal is given back"


def test_a_crash_is_one_line_and_the_log_has_the_rest(site: Site) -> None:
    code = "import tui.pages.overview as o; o.flow_table = lambda view: 1 // 0"
    with terminal("-C", str(site.folder), "tui", code=code) as seen:
        assert seen.ended() == Exit.FAULT
        assert b"Traceback" not in seen.received
        [said] = [line for line in seen.received.rpartition(NORMAL)[2].decode().splitlines() if "ZeroDivision" in line]
    log = site.data / "log" / "leafgate-fault.log"
    assert str(log) in said
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
