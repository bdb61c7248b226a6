"""A script of faults says when who fails how, is taken up when it is saved, and a wrong one changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from configs.problem import ConfigError
from drivers.sim import script as script_file
from drivers.sim.cut import cuttable
from drivers.sim.faults import Fault, Faults
from drivers.sim.line import SharedLine
from drivers.sim.plant import ABLE
from drivers.sim.script import follow, load_script, orders

S = 1_000_000


def written(path: Path, *lines: str) -> Path:
    path.write_text("faults:\n" + "".join(f"  - {{{line}}}\n" for line in lines), encoding="utf-8")
    return path


def test_times_count_from_the_start_of_the_simulator(tmp_path: Path) -> None:
    path = written(tmp_path / "f.yaml", "device: m2, fault: silent, since: 30s, until: 1min", "device: w1, fault: echo")
    faults = Faults(*orders(load_script(path, ABLE), 100 * S))
    assert [faults.on("m2", Fault.SILENT, t * S) for t in (129, 130, 159, 160)] == [False, True, True, False]
    assert faults.since("w1", Fault.ECHO, 5000 * S) == 100 * S


def test_every_wrong_line_is_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path / "f.yaml",
        "device: m22, fault: silent",
        "device: m2, fault: restarted",
        "device: m2, fault: silent, since: 30s, until: 20s",
    )
    with pytest.raises(ConfigError) as caught:
        load_script(path, ABLE)
    found = [(p.code, p.line) for p in caught.value.problems]
    assert found == [("no_device", 2), ("cannot_fail_so", 3), ("ends_before_it_begins", 4)]
    assert caught.value.problems[0].fields["nearest"] == "m2"


async def test_a_saved_change_takes_effect_and_a_wrong_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_file, "LOOK_S", 0.01)
    path = written(tmp_path / "f.yaml", "device: m2, fault: silent")
    faults = Faults()
    complaints: list[ConfigError] = []
    following = asyncio.create_task(follow(path, ABLE, faults, 0, complaints.append))

    async def saved(stamp: int, *lines: str) -> None:
        written(path, *lines)
        os.utime(path, ns=(stamp, stamp))
        await asyncio.sleep(0.05)

    await asyncio.sleep(0.05)
    assert faults.on("m2", Fault.SILENT, S)
    await saved(1_000, "device: m2, fault: nonsense")
    assert faults.on("m2", Fault.SILENT, S)
    assert len(complaints) == 1
    await saved(2_000, "device: m3, fault: late")
    assert (faults.on("m2", Fault.SILENT, S), faults.on("m3", Fault.LATE, S)) == (False, True)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


async def test_a_cut_wire_comes_back_at_the_same_place() -> None:
    cut, given, events = False, [], []

    @contextlib.asynccontextmanager
    async def opened(was: int | None) -> AsyncIterator[int]:
        given.append(was)
        events.append("open")
        try:
            yield 4711
        finally:
            events.append("closed")

    async with cuttable(opened, lambda: cut) as where:
        assert where == 4711
        cut = True
        await asyncio.sleep(0.25)
        assert events == ["open", "closed"]
        cut = False
        await asyncio.sleep(0.25)
        assert events == ["open", "closed", "open"]
    assert (given, events[-1]) == ([None, 4711], "closed")


async def test_a_wire_that_cannot_be_opened_says_so_at_once() -> None:
    @contextlib.asynccontextmanager
    async def opened(was: int | None) -> AsyncIterator[int]:
        if was is None:
            raise OSError("in use")
        yield was

    with pytest.raises(OSError, match="in use"):
        async with cuttable(opened, lambda: False):
            pass


def test_every_device_hears_every_byte_and_forgets_half_a_frame_after_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[tuple[str, bytes | None]] = []

    class Ear:
        def __init__(self, name: str) -> None:
            self.name = name

        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            heard.append((self.name, data))
            return [(0.0, data)] if data == self.name.encode() else []

        def quiet(self) -> None:
            heard.append((self.name, None))

    now = 10.0
    monkeypatch.setattr("drivers.sim.line.time.monotonic", lambda: now)
    line = SharedLine([Ear("a"), Ear("b")])
    assert line.feed(b"b") == [(0.0, b"b")]
    heard.clear()
    now += 0.01
    line.feed(b"x")
    assert heard == [("a", b"x"), ("b", b"x")]
    heard.clear()
    now += 1.0
    line.feed(b"y")
    assert heard == [("a", None), ("a", b"y"), ("b", None), ("b", b"y")]
