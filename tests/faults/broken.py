"""A disk that is full, read-only or failing, for a program that runs below broken.c; switched while it runs."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.conftest import ROOT, missing

FIELDS = ("room", "changes", "syncs", "syncs_after", "reads", "reads_after", "grown", "changed", "synced", "read")
ENDLESS = -1
_ALL = struct.Struct(f"={len(FIELDS)}q")
_ONE = struct.Struct("=q")
_PROGRAM = """
import os, sys
from importlib import import_module
from pathlib import Path
from tests.faults.broken import BrokenDisk
disks = [BrokenDisk(Path(state)) for state in [os.environ.get("BROKEN_STATE")] if state]
getattr(import_module(sys.argv[1]), sys.argv[2])(Path(sys.argv[3]), *disks)
"""
_APART = ["unshare", "--map-root-user", "--mount"]
Scenario = Callable[[Path, "BrokenDisk"], None]


class BrokenDisk:
    """What ails the disk below one folder, shared by everybody who maps the file `state`."""

    def __init__(self, state: Path) -> None:
        if not state.exists():
            state.write_bytes(_ALL.pack(ENDLESS, ENDLESS, *[0] * (len(FIELDS) - 2)))
        with state.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _ALL.size)

    def mend(self) -> None:
        """There is room again, it may be written, and nothing fails."""
        self.fill(ENDLESS)
        self.forbid(ENDLESS)
        self.fail_syncs(0)
        self.fail_reads(0)

    def fill(self, room: int = 0) -> None:
        """Files may grow by so many bytes and no more."""
        self._set("room", room)

    def forbid(self, after: int = 0) -> None:
        """Be read-only after so many more changes."""
        self._set("changes", after)

    def fail_syncs(self, count: int, after: int = 0) -> None:
        """Fail so many syncs after so many that work."""
        self._set("syncs_after", after)
        self._set("syncs", count)

    def fail_reads(self, count: int, after: int = 0) -> None:
        """Fail so many reads after so many that work."""
        self._set("reads_after", after)
        self._set("reads", count)

    @property
    def unreadable(self) -> bool:
        """Whether a read may fail."""
        return self._get("reads") > 0

    def counts(self) -> dict[str, int]:
        """By how many bytes files have grown so far; how many changes, syncs and reads there were, failed ones too."""
        return {name: self._get(name) for name in ("grown", "changed", "synced", "read")}

    def _set(self, field: str, value: int) -> None:
        _ONE.pack_into(self._map, FIELDS.index(field) * _ONE.size, value)

    def _get(self, field: str) -> int:
        return int(_ONE.unpack_from(self._map, FIELDS.index(field) * _ONE.size)[0])


def inside(scenario: Scenario, folder: Path) -> str:
    """Run a function of a test module in a process of its own, whose disk below `folder` can break; its output."""
    folder.mkdir(exist_ok=True)
    folder = folder.resolve()
    state = Path(mkdtemp(prefix="broken")) / "state"
    BrokenDisk(state)
    below = {"LD_PRELOAD": str(_shim()), "BROKEN_FOLDER": str(folder), "BROKEN_STATE": str(state)}
    try:
        return _run([], scenario, folder, {**os.environ, **below})
    finally:
        shutil.rmtree(state.parent)


def mounting(scenario: Callable[[Path], None], folder: Path) -> str:
    """Run a function of a test module in a process that may mount what nobody else sees; its output."""
    if subprocess.run([*_APART, "true"], capture_output=True, check=False).returncode:
        missing("mount", "this machine lets nobody mount a file system of his own (unshare -rm)")
    folder.mkdir(exist_ok=True)
    return _run(_APART, scenario, folder, dict(os.environ))


def _run(before: list[str], scenario: Callable[..., None], folder: Path, environment: dict[str, str]) -> str:
    line = [*before, sys.executable, "-W", "error", "-c", _PROGRAM, scenario.__module__, scenario.__name__, str(folder)]
    run = subprocess.run(line, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@cache
def _shim() -> Path:
    """broken.c, compiled once a run."""
    if shutil.which("cc") is None or not sys.platform.startswith("linux"):
        missing("peers", "no C compiler for the broken disk")
    built = Path(mkdtemp(prefix="broken")) / "broken.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", str(built), str(Path(__file__).with_name("broken.c"))], check=True
    )
    return built
