"""Hours of a plant in trouble, in virtual time: the archive is complete, memory and database stay small."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import pytest

from drivers.reading import Quality
from edge_agent import record, waiting
from edge_agent.poll import LinkState
from edge_agent.status import status
from tests.faults.broken import BrokenDisk, inside
from tests.faults.hall import Fault, Hall
from tests.virtual import run

S = 1_000_000
HOUR_S = 3600
START = 1_784_073_600 * S  # 2026-07-15 UTC
LOOK_S = 200  # between two looks whether the polls wait, in the hall's pace
FEW_ROWS = 2000  # that may wait for the disk: some minutes of the hall
SLACK = 2000  # pieces of memory that hours may differ by, of half a million
GROWTH = 20_000  # bytes an hour of plant.db while three devices are gone: their rows differ in nothing but time


def test_thirteen_hours_without_any_device_leave_a_hole_and_no_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "leafgate")
    hall = Hall(tmp_path, START, meters=3, poll_s=30)

    async def hours() -> None:
        async with hall.agent():
            await asyncio.sleep(2 * HOUR_S)
            hall.unplugged.add("m1")  # its connections are refused
            hall.faults.set("m2", Fault.SILENT)
            hall.faults.set("m3", Fault.CHECKSUM)
            await asyncio.sleep(3 * HOUR_S)
            size, blocks = hall.size(), hall.blocks()
            await asyncio.sleep(10 * HOUR_S)
            assert hall.blocks() - blocks < SLACK
            assert hall.size() - size < 10 * GROWTH
            assert hall.opened["m1"] < 13 * 65, "it was tried more than once a minute"
            assert hall.links() == {LinkState.DOWN}
            hall.unplugged.clear()
            hall.faults.clear("m2")
            hall.faults.clear("m3")
            await asyncio.sleep(120)
            for _ in range(5):  # the store's own thread lives in real time
                if hall.links() == {LinkState.UP}:
                    break
                await asyncio.sleep(5)
            assert hall.links() == {LinkState.UP}
            await asyncio.sleep(2 * HOUR_S)

    run(hours())
    hall.check()
    seen = hall.seen
    hole = [row for row in seen if START + 2 * HOUR_S * S + 60 * S < row.at < START + 15 * HOUR_S * S]
    assert {(row.value, row.quality) for row in hole if ".link" not in row.tag} == {(None, int(Quality.BAD))}
    links = [row for row in seen if ".link" in row.tag]
    assert [sum(row.value == state for row in links) for state in (0.0, 1.0)] == [3, 6]
    assert len([r for r in caplog.records if r.levelno == logging.WARNING and r.name == "leafgate.poll"]) == 3


def refusing(folder: Path, disk: BrokenDisk) -> None:
    """A disk that is full, then read-only, then failing; the agent outlives all of it."""
    hall = Hall(folder, START, meters=3, poll_s=30)
    troubles: list[tuple[str, Callable[[], None]]] = [
        ("full", disk.fill),
        ("read_only", disk.forbid),
        ("failing", lambda: disk.fail_syncs(1 << 40)),
    ]

    async def hours() -> None:
        async with hall.agent():
            await asyncio.sleep(HOUR_S)
            for trouble, begin in troubles:
                begin()
                await asyncio.sleep(HOUR_S)
                assert "agent.blocked" not in hall.counts()
                seen = status(hall.site, hall.now())
                assert (seen["agent"]["state"], seen["agent"]["trouble"]) == ("stuck", trouble)
                disk.mend()
                await asyncio.sleep(2 * HOUR_S)
                assert status(hall.site, hall.now())["agent"]["state"] == "running"

    run(hours())
    hall.check()


def overflowing(folder: Path, disk: BrokenDisk) -> None:
    """A full disk for longer than the memory lasts: the polls wait, and that time is a gap that everybody sees."""
    hall = Hall(folder, START, meters=3, poll_s=30)

    async def hours() -> None:
        async with hall.agent():
            await asyncio.sleep(HOUR_S)
            disk.fill()
            await asyncio.sleep(2 * HOUR_S)
            blocks = hall.blocks()
            await asyncio.sleep(4 * HOUR_S)
            assert hall.blocks() - blocks < SLACK
            disk.mend()
            await asyncio.sleep(HOUR_S)

    with patch.object(waiting, "MOST_ROWS", FEW_ROWS), patch.object(record, "MOST_ROWS", FEW_ROWS):
        run(hours())
    hall.check()
    counts = hall.counts()
    assert counts["agent.store_failures"]
    assert counts["agent.blocked"] == len(hall.names)
    [gap] = status(hall.site, START + 8 * HOUR_S * S)["store"]["gaps"]
    start, end = (round(datetime.fromisoformat(gap[key]).timestamp()) - START // S for key in ("from", "to"))
    assert gap["why"] == "disk"
    assert HOUR_S < start < 3 * HOUR_S
    assert 7 * HOUR_S <= end < 7 * HOUR_S + 300
    assert not [row for row in hall.seen if start + LOOK_S < (row.at - START) // S < end - LOOK_S]


def test_a_full_disk_costs_no_memory_and_the_time_without_readings_is_a_gap(tmp_path: Path) -> None:
    inside(overflowing, tmp_path / "site")


def test_an_agent_outlives_hours_of_a_disk_that_refuses(tmp_path: Path) -> None:
    inside(refusing, tmp_path / "site")
