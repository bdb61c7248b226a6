"""A real agent, `leafgate run` in a process of its own, on a site that was made for measuring; and its devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

from edge_agent.site import PLANT_FILE
from edge_agent.store.reader import Reader

HOST = "127.0.0.1"
SITE = "site: {id: bench, title: Bench, timezone: Asia/Shanghai}\n"
STOP_S = 10.0
PATIENCE_S = 60.0  # for the first reading, on a busy machine
LOOK_S = 0.005  # between two looks whether it is there
# As on a gateway, where a start does not compile the program anew.
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_AGENT = (sys.executable, "-m", "edge_agent.cli", "run")


class NoReadingError(Exception):
    """The agent stored nothing in time, or ended."""


@contextmanager
def agent(folder: Path, plant: str, profiles: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """An agent on a new site: what stands behind the site's name in plant.yaml, and profiles as YAML by their names."""
    (folder / "devices").mkdir(parents=True)
    for name, text in profiles.items():
        (folder / "devices" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / PLANT_FILE).write_text(SITE + plant, encoding="utf-8")
    with running(_AGENT, folder, stdout=DEVNULL) as process:
        yield process


@contextmanager
def running(words: Sequence[str], folder: Path, stdout: int = PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """Another program until the end of the block, with nothing to say on stderr."""
    with subprocess.Popen(words, cwd=folder, env=COMPILED, stdout=stdout, stderr=DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def devices(folder: Path, slaves: int, items: int, meters: int = 0) -> Iterator[list[int]]:
    """Simulated devices in a process of their own; gives the ports of the Modbus slaves."""
    counts = map(str, (slaves, items, meters))
    with running([sys.executable, "-m", "edge_agent.bench.devices", str(folder), *counts], folder) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


def until_stored(process: subprocess.Popen[bytes], folder: Path, tags: int = 1, patience_s: float = PATIENCE_S) -> None:
    """Wait until so many tags of devices have a good reading on the disk; raises NoReadingError."""
    deadline, reader = time.monotonic() + patience_s, Reader(folder / "data")
    while time.monotonic() < deadline and process.poll() is None:
        good = sum(sample.value is not None for tag, sample in reader.last().items() if not tag.endswith(".link"))
        if good >= tags:
            return
        time.sleep(LOOK_S)
    raise NoReadingError(folder.name)
