"""A disk that loses what was not synced: files and names as a recorded program left them, cut anywhere.

The rules are harsher than ext4: a write counts once its own file was synced, a name once its folder was.
Of the rest anything may survive, in any order and torn at any sector; names survive in their order. After a
sync that failed the kernel takes its pages for written: no later sync makes them safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SECTOR = 512  # what a disk writes whole, as SQLite's "powersafe overwrite" supposes


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the program did; `kind` as in powercut.c."""

    kind: str
    inode: int
    offset: int
    first: bytes
    second: bytes

    @property
    def path(self) -> str:
        return self.first.decode()


@dataclass(slots=True)
class _Change:
    """Bytes laid at an offset, or the file cut to it when there are none."""

    offset: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        """Files grow with zeros where something later survived."""
        end = self.offset + len(self.data or b"")
        content.extend(bytes(max(end - len(content), 0)))
        if self.data is None:
            del content[self.offset :]
        else:
            content[self.offset : end] = self.data

    def torn(self, draw: Random) -> list[_Change]:
        """Those of its sectors that made it, each by a coin."""
        if self.data is None:
            return []
        ends = [*range(SECTOR - self.offset % SECTOR, len(self.data), SECTOR), len(self.data)]
        pieces = zip([0, *ends], ends, strict=False)
        return [_Change(self.offset + a, self.data[a:b]) for a, b in pieces if draw.randrange(2)]


@dataclass(slots=True)
class _File:
    """What surely is on the disk, and what may be."""

    safe: bytearray = field(default_factory=bytearray)
    loose: list[_Change] = field(default_factory=list)
    given_up: int = 0  # so many of the loose ones, the first, were in a sync that failed
    whole: bytearray = field(init=False)  # as the program itself sees it

    def __post_init__(self) -> None:
        self.whole = bytearray(self.safe)

    def change(self, change: _Change) -> None:
        change.apply(self.whole)
        self.loose.append(change)

    def sync(self) -> None:
        for change in self.loose[self.given_up :]:
            change.apply(self.safe)
        self.loose.clear()
        self.given_up = 0

    def fail(self) -> None:
        self.given_up = len(self.loose)

    def after_cut(self, draw: Random, luck: str) -> bytes:
        content = bytearray(self.safe)
        for change in _survivors(self.loose, draw, luck):
            change.apply(content)
        return bytes(content)


# What a name stands for: a file, a folder (None), or nothing (it is not in the table).
_Names = dict[str, _File | None]
LUCK = ("none", "first", "some", "all")  # which unsynced writes survive


@dataclass(slots=True)
class _Rename:
    """Names given and taken in one step that is never torn."""

    given: _Names
    taken: list[str]

    def apply(self, names: _Names) -> None:
        for path in self.taken:
            names.pop(path, None)
        names.update(self.given)


class Disk:
    """The files below a folder; `play` what a program did, then ask what a cut would leave."""

    def __init__(self, root: str, start: dict[str, tuple[int, bytes | None]]) -> None:
        """`start`: what is safely there, by path: inode and content, None for a folder."""
        self._root = root
        self._now: _Names = {p: None if c is None else _File(bytearray(c)) for p, (_, c) in start.items()}
        self._inodes = {inode: self._now[path] for path, (inode, _) in start.items()}
        self._safe = dict(self._now)
        self._loose: dict[str, list[_Rename]] = {}

    def play(self, step: Step) -> None:
        """Take in one step of the program."""
        match step.kind:
            case "o":
                self._open(step)
            case "w":
                self._file(step).change(_Change(step.offset, step.first))
            case "t":
                self._file(step).change(_Change(step.offset, None))
            case "f":
                self._file(step).sync()
            case "e":
                self._file(step).fail()
            case "d":
                for change in self._loose.pop(step.path, []):
                    change.apply(self._safe)
            case "m":
                self._rename(step.path, _Rename({step.path: None}, []))
            case "u":
                self._rename(step.path, _Rename({}, [step.path]))
            case "r":
                target = step.second.decode()
                self._rename(target, _Rename({target: self._now.get(step.path)}, [step.path]))

    def after_cut(self, seed: int) -> dict[str, bytes | None]:
        """What is there when the power comes back: paths and contents, None for a folder."""
        draw = Random(seed)
        luck = LUCK[seed % len(LUCK)]
        names = dict(self._safe)
        for loose in self._loose.values():
            count = {"none": 0, "all": len(loose)}.get(luck, draw.randint(0, len(loose)))
            for change in loose[:count]:
                change.apply(names)
        return {
            p: None if f is None else f.after_cut(draw, luck) for p, f in names.items() if self._reachable(p, names)
        }

    def now(self) -> dict[str, bytes | None]:
        """What the program itself sees."""
        return {path: None if file is None else bytes(file.whole) for path, file in self._now.items()}

    def _open(self, step: Step) -> None:
        if self._now.get(step.path) is None or self._now[step.path] is not self._inodes.get(step.inode):
            self._inodes[step.inode] = made = _File()
            self._rename(step.path, _Rename({step.path: made}, []))

    def _file(self, step: Step) -> _File:
        file = self._inodes[step.inode]
        assert file is not None, "a folder has no content"
        return file

    def _reachable(self, path: str, names: _Names) -> bool:
        """A file whose folder's name was lost is lost with it."""
        parent = str(Path(path).parent)
        return parent == self._root or (parent in names and self._reachable(parent, names))

    def _rename(self, path: str, change: _Rename) -> None:
        change.apply(self._now)
        self._loose.setdefault(str(Path(path).parent), []).append(change)


def _survivors(loose: list[_Change], draw: Random, luck: str) -> list[_Change]:
    match luck:
        case "none":
            return []
        case "all":
            return loose
        case "first":
            whole = draw.randint(0, len(loose))
            return loose[:whole] + [part for change in loose[whole : whole + 1] for part in change.torn(draw)]
        case _:
            fates: list[list[_Change]] = [draw.choice(([], [c], c.torn(draw))) for c in loose]
            return [change for fate in fates for change in fate]
