"""A simulated power cut for any program, the real sqlite3 included: only what was synced survives.

`recorded` runs the program below powercut.c and answers the journal of what it did to a folder; a journal
builds that folder as it may be after a cut at any step. A line that the program prints is its word that
all before is safe, so it must print (and flush) after each commit and not sooner.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from tests.conftest import ROOT, missing
from tests.store.disk import Disk, Step

_HEAD = struct.Struct("=5Q")  # struct head of powercut.c


class Journal:
    """What a program did below a folder, step by step; a cut `at` n comes after its first n steps."""

    def __init__(self, folder: Path, start: dict[str, tuple[int, bytes | None]], steps: list[Step]) -> None:
        self.folder, self._start, self._steps = folder, start, steps
        self._lines = _lines(steps)
        self._disk, self._played = Disk(str(folder), start), 0

    def __len__(self) -> int:
        return len(self._steps)

    def acknowledged(self, at: int) -> list[str]:
        """The whole lines that the program printed before the cut."""
        return [line for n, line in self._lines if n < at]

    def during(self, begin: str, end: str) -> range:
        """The cuts after the line `begin` was printed and before the line `end` that follows it."""
        first = next(n for n, line in self._lines if line == begin)
        last = next(n for n, line in self._lines if n > first and line == end)
        return range(first + 1, last + 1)

    def after_cut(self, at: int, seed: int, folder: Path) -> None:
        """Build in an empty `folder` what is there when the power comes back; cuts in order are quickest.

        Every fourth seed leaves only what was synced, every fourth all; between them anything goes.
        """
        self._play(at)
        for path, content in sorted(self._disk.after_cut(seed).items()):
            place = folder / Path(path).relative_to(self.folder)
            if content is None:
                place.mkdir()
            else:
                place.write_bytes(content)

    def _play(self, at: int) -> Disk:
        if at < self._played:
            self._disk, self._played = Disk(str(self.folder), self._start), 0
        for step in self._steps[self._played : at]:
            self._disk.play(step)
        self._played = at
        return self._disk

    def check(self) -> None:
        """The journal saw everything: played to its end it is what the folder holds."""
        there = {path: content for path, (_, content) in _content(self.folder).items()}
        assert self._play(len(self)).now() == there, "something was written past the journal"


def recorded(line: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Journal:
    """Run a command line to its end and answer the journal of `folder`, whose content of now counts as safe."""
    folder = folder.resolve()
    start = _content(folder)
    with TemporaryDirectory() as aside:
        file = Path(aside) / "journal"
        below = {"LD_PRELOAD": str(_shim()), "POWERCUT_FOLDER": str(folder), "POWERCUT_JOURNAL": str(file)}
        around = {**os.environ, **(environment or {}), **below}
        run = subprocess.run(line, env=around, cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        journal = Journal(folder, start, _steps(file.read_bytes()))
    journal.check()
    return journal


def recorded_python(program: str, folder: Path, *arguments: str) -> Journal:
    """`recorded` for a Python text; sys.argv[1] is the folder, the arguments follow."""
    return recorded([sys.executable, "-c", program, str(folder), *arguments], folder)


@cache
def _shim() -> Path:
    """powercut.c, compiled once a run."""
    if shutil.which("cc") is None or not sys.platform.startswith("linux"):
        missing("peers", "no C compiler for the simulated power cut")
    built = Path(mkdtemp(prefix="powercut")) / "powercut.so"
    source = Path(__file__).with_name("powercut.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(built), str(source)], check=True)
    return built


def _content(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Inode and bytes of everything below, without SQLite's shared memory."""
    found = (path for path in folder.rglob("*") if not path.name.endswith("-shm"))
    return {str(p): (p.stat().st_ino, None if p.is_dir() else p.read_bytes()) for p in found}


def _steps(journal: bytes) -> list[Step]:
    steps, at = [], 0
    while at < len(journal):
        kind, inode, offset, first, second = _HEAD.unpack_from(journal, at)
        at += _HEAD.size
        texts = journal[at : at + first], journal[at + first : at + first + second]
        steps.append(Step(chr(kind), inode, offset, *texts))
        at += first + second
    return steps


def _lines(steps: list[Step]) -> list[tuple[int, str]]:
    """Each printed line with the step that ended it; the last one without an end is not said yet."""
    found, said = [], b""
    for number, step in enumerate(steps):
        if step.kind == "s":
            *whole, said = (said + step.first).split(b"\n")
            found += [(number, line.decode()) for line in whole]
    return found
