"""A real file system that is full, and one that is read-only: the agent goes on, and everybody else can read."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.faults.broken import mounting
from tests.faults.hall import Hall
from tests.virtual import run

S = 1_000_000
HOUR_S = 3600
START = 1_784_073_600 * S  # 2026-07-15 UTC
READERS = {  # what people call, and the exit codes that are an answer
    ("status",): (0,),
    ("export", "--period", "2026-07"): (0,),
    ("energy", "--period", "2026-07"): (0,),
    ("alarms",): (0,),
    ("gap",): (0, 4, 5),
    ("doctor",): (0, 6),
}


def full(folder: Path) -> None:
    data, filler = _tmpfs(folder), folder / "data" / "filler"
    hall = Hall(folder, START, meters=3, poll_s=30)

    async def hours() -> None:
        async with hall.agent():
            await asyncio.sleep(HOUR_S)
            _fill(filler)
            await asyncio.sleep(HOUR_S)
            said = _all_read(folder)
            assert "the disk is full" in said[("status",)]
            agent = json.loads(_call(folder, "status", "--json").stdout)["agent"]
            assert (agent["state"], agent["trouble"]) == ("stuck", "full")
            filler.unlink()
            await asyncio.sleep(HOUR_S)
            assert hall.counts()["agent.store_failures"]
            assert "Agent running" in _call(folder, "status").stdout
            _fill(filler)
            await asyncio.sleep(600)

    run(hours())
    for memory in data.glob("*-shm"):
        memory.unlink()
    _fill(filler)
    assert len(_call(folder, "export", "--period", "2026-07").stdout.splitlines()) > 10 * 3 * 120 * 2
    started = _call(folder, "run", "--seconds", "1")
    assert started.returncode == 3
    assert "Traceback" not in started.stderr
    filler.unlink()


def read_only(folder: Path) -> None:
    data = _tmpfs(folder)
    hall = Hall(folder, START, meters=3, poll_s=30)

    async def hour() -> None:
        async with hall.agent():
            await asyncio.sleep(HOUR_S)

    run(hour())
    _mount("-o", "remount,ro", str(data))
    _all_read(folder)
    started = _call(folder, "run", "--seconds", "1")
    assert started.returncode == 3
    assert "read-only" in started.stderr.lower()
    assert "Traceback" not in started.stderr
    _mount("-o", "remount,rw", str(data))
    run(hour())


def test_on_a_full_disk_the_agent_goes_on_and_everybody_can_read(tmp_path: Path) -> None:
    mounting(full, tmp_path / "site")


def test_on_a_read_only_disk_everybody_can_read_and_the_agent_says_why_not(tmp_path: Path) -> None:
    mounting(read_only, tmp_path / "site")


def _tmpfs(folder: Path) -> Path:
    data = folder / "data"
    data.mkdir()
    _mount("-t", "tmpfs", "-o", "size=2m,mode=2770", "tmpfs", str(data))
    return data


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


def _fill(filler: Path) -> None:
    """Take what room there is."""
    with filler.open("ab", 0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _all_read(folder: Path) -> dict[tuple[str, ...], str]:
    """What everybody else is told."""
    said = {}
    for words, codes in READERS.items():
        called = _call(folder, *words)
        assert called.returncode in codes, (words, called.stdout, called.stderr)
        assert "Traceback" not in called.stderr
        said[words] = called.stdout
    return said


def _call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "edge_agent.cli", "-C", str(folder), *words]
    return subprocess.run(line, capture_output=True, text=True, check=False)
