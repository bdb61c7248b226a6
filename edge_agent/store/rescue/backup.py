"""A copy of a site in one file while the agent goes on, and the way back.

The database is copied by SQLite's backup in one step, which reads one state of it: commits go on meanwhile,
and the log grows by what they write. In small steps it would begin anew with each commit. The file is a
tar with a manifest; it appears under its name once it was synced and read back.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from edge_agent.store.lock import sync_folder
from edge_agent.store.rescue.check import DamagedError, check_any
from edge_agent.store.rescue.document_merge import RECORDS_DB
from edge_agent.store.rescue.full_check import FullCheck

PLANT_DB = "plant.db"
MANIFEST = "manifest.json"
NOTE = "last-backup.json"  # in the data folder
SCHEMA = "leafgate.backup/1"
DATABASES = (PLANT_DB, RECORDS_DB)
SECRET = ("pki", "secrets")  # folders of a site that are left out unless asked for
MARGIN_BYTES = 16 * 1024 * 1024  # free space that stays on the card
_PIECE = 1 << 20  # bytes read at once
_LONG_S = 3600.0


class NoRoomError(Exception):
    """The copy would not fit: bytes needed and free."""

    def __init__(self, needed: int, free: int) -> None:
        self.needed, self.free = needed, free
        super().__init__(f"{needed} bytes needed, {free} free")


@dataclass(frozen=True, slots=True)
class Backup:
    """What one file holds, by its manifest; `at` in microseconds UTC."""

    path: Path
    at: int
    site: str
    files: dict[str, dict[str, Any]]  # bytes and sha256 by name

    @property
    def size(self) -> int:
        """Bytes of the files in it."""
        return sum(int(said["bytes"]) for said in self.files.values())


def back_up(folder: Path, data: Path, target: Path, site: str, now: int, with_secrets: bool = False) -> Backup:
    """Copy a site into one new file. Raises NoRoomError, DamagedError for a faulty source or copy, OSError."""
    _must_have_room(folder, data, target, with_secrets)
    part = target.with_name(f".{target.name}.part")
    copies = [target.with_name(f".{target.name}.{name}") for name in DATABASES]
    try:
        found = [
            (f"data/{name}", copy) for name, copy in zip(DATABASES, copies, strict=True) if _copied(data, name, copy)
        ]
        found += [(str(path.relative_to(folder)), path) for path in own_files(folder, data, with_secrets)]
        said = {name: {"bytes": path.stat().st_size, "sha256": _sum(path)} for name, path in found}
        made = Backup(target, now, site, said)
        _write(part, made, found)
        if read_manifest(part).files != said or not all(_is_sound(part, name, one) for name, one in said.items()):
            raise DamagedError(f"{target}: what was written does not read back")
        os.rename(part, target)
        sync_folder(target.parent)
        return made
    finally:
        for path in (part, *copies):
            path.unlink(missing_ok=True)


def read_manifest(path: Path) -> Backup:
    """What a backup says of itself. Raises DamagedError for a file that is none."""
    try:
        with tarfile.open(path, "r:") as tar:
            file = tar.extractfile(MANIFEST)
            said = json.loads(file.read()) if file else {}
        if said["schema"] != SCHEMA:
            raise ValueError(said["schema"])
        return Backup(path, int(said["at"]), str(said["site"]), dict(said["files"]))
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise DamagedError(f"{path} is no backup: {error}") from error


def extract(backup: Backup, name: str, target: Path) -> None:
    """Lay one file of a backup down, synced, under its own name only when it is whole. Raises DamagedError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    told = hashlib.sha256()
    with tarfile.open(backup.path, "r:") as tar, part.open("wb") as file:
        source = tar.extractfile(name)
        while source and (piece := source.read(_PIECE)):
            told.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if told.hexdigest() != backup.files[name]["sha256"]:
        part.unlink()
        raise DamagedError(f"{backup.path}: {name}")
    os.rename(part, target)
    sync_folder(target.parent)


def note(data: Path, made: Backup) -> None:
    """Remember the newest backup, for `doctor`."""
    part = data / f"{NOTE}.part"
    part.write_text(json.dumps({"at": made.at, "file": str(made.path)}), encoding="utf-8")
    os.replace(part, data / NOTE)


def noted(data: Path) -> tuple[int, str] | None:
    """When the newest backup was made, and where; None where there never was one."""
    try:
        said = json.loads((data / NOTE).read_text(encoding="utf-8"))
        return int(said["at"]), str(said["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def own_files(folder: Path, data: Path, with_secrets: bool) -> list[Path]:
    """The files of a site but for its data folder; those that are hidden, or links, are nobody's."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_relative_to(data) or any(part.startswith(".") for part in parts) or path.is_symlink():
            continue
        if path.is_file() and (with_secrets or parts[0] not in SECRET) and path.suffix != ".tar":
            found.append(path)
    return found


def _copied(data: Path, name: str, copy: Path) -> bool:
    """Copy a database as it stands and check the copy; whether there is one."""
    if not (data / name).exists():
        return False
    copy.unlink(missing_ok=True)
    uri = f"{(data / name).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.execute("PRAGMA busy_timeout = 5000")
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, that any program may open
    if name == PLANT_DB:
        check = FullCheck(copy, keep=False)
        for _ in check.steps():
            pass
        if check.why:
            raise DamagedError(f"{name}: {check.why}")
    else:
        with closing(sqlite3.connect(copy)) as db:
            check_any(db, _LONG_S)
    return True


def _write(part: Path, made: Backup, found: list[tuple[str, Path]]) -> None:
    said = {"schema": SCHEMA, "at": made.at, "site": made.site, "files": made.files}
    text = json.dumps(said, ensure_ascii=False).encode()
    with part.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            head = tarfile.TarInfo(MANIFEST)
            head.size, head.mtime = len(text), made.at // 1_000_000
            tar.addfile(head, BytesIO(text))
            for name, path in found:
                tar.add(path, name, recursive=False, filter=_nobodys)
        file.flush()
        os.fsync(file.fileno())
        with suppress(OSError):  # so that it is read back from the card
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _is_sound(path: Path, name: str, said: dict[str, Any]) -> bool:
    with tarfile.open(path, "r:") as tar:
        source, told = tar.extractfile(name), hashlib.sha256()
        for piece in _read(source):
            told.update(piece)
    return told.hexdigest() == str(said["sha256"])


def _sum(path: Path) -> str:
    told = hashlib.sha256()
    with path.open("rb") as file:
        for piece in _read(file):
            told.update(piece)
    return told.hexdigest()


def _read(file: Any) -> Iterator[bytes]:
    """`file` is what tarfile or open gives."""
    while piece := file.read(_PIECE):
        yield piece


def _must_have_room(folder: Path, data: Path, target: Path, with_secrets: bool) -> None:
    """The copies of the databases and the file made of them lie side by side for a while."""
    databases = sum(_size(data / f"{name}{log}") for name in DATABASES for log in ("", "-wal"))
    needed = 2 * databases + sum(map(_size, own_files(folder, data, with_secrets))) + MARGIN_BYTES
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise NoRoomError(needed, free)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
