"""`leafgate salvage`: from quarantined files, a copy or a backup into the archive, by us or by the running agent."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from edge_agent.exit import Exit, Stop
from edge_agent.inbox import INBOX_DB, Inbox, Request
from edge_agent.ledger import Person
from edge_agent.requests import SALVAGE as COMMAND
from edge_agent.requests import begin, submit, wall_clock
from edge_agent.rescue.mend import mend, waiting_in
from edge_agent.site import Site
from edge_agent.store.lock import BusyError, writing
from edge_agent.store.rescue.aside import aside
from edge_agent.store.rescue.document_merge import RECORDS_DB, document_rows, merge_documents
from edge_agent.store.rescue.lacking import lacking
from edge_agent.store.rescue.opening import HOLES
from edge_agent.store.rescue.quarantine import Quarantined, bound, mark, quarantined
from edge_agent.store.rescue.rescue import Lost, Rescue
from edge_agent.store.rescue.salvage import Found, Piece, closing, pieces, take
from edge_agent.store.store import PLANT_DB, Store

TOGETHER = 4  # pieces on their way to the agent at once: a few megabytes of inbox.db


@dataclass(frozen=True, slots=True)
class Source:
    """One database to read: a file, or a part of a backup from `offset` on; `entry` where it is a quarantine."""

    path: Path
    file: str
    offset: int = 0
    length: int | None = None
    cut_short: bool = False  # the file ends within it
    entry: Quarantined | None = None


@dataclass
class Brought:
    """What one source gave."""

    source: Source
    found: Found = field(default_factory=Found)
    new: dict[str, int] = field(default_factory=dict)  # by table, or `readings`, `documents`, `requests`
    lost: list[Lost] = field(default_factory=list)
    unnamed: int = 0
    missed_pages: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing of ours in it any more."""
        found = self.found
        return not (found.readings or any(found.rows.values()) or self.lost or self.unnamed)


def sources(site: Site, given: Path | None) -> list[Source]:
    """What is to be read: the quarantine where nothing was given. Raises Stop for a file that is none of ours."""
    if given is None:
        _look(site)
        waiting = [q for q in quarantined(site.data) if q.salvaged is None and q.path.exists()]
        return [Source(q.path, q.file, entry=q) for q in waiting]
    if given.is_dir():
        names = [given / name for name in (PLANT_DB, RECORDS_DB, INBOX_DB)]
        entries = {q.path.resolve(): q for q in quarantined(site.data)}
        found = [Source(p, p.name, entry=entries.get(p.resolve())) for p in names if p.exists()]
    elif given.exists() and tarfile.is_tarfile(given):
        found = list(_in_backup(given))
    else:
        found = [Source(given, _kind(given))] if given.exists() else []
    if not found:
        raise Stop(Exit.USAGE, "salvage.nothing_there", file=given)
    return found


def salvage(site: Site, source: Source, by: Person) -> Brought:
    """Bring one source in; what is there already is not added again."""
    brought = Brought(source)
    if source.file == RECORDS_DB:
        rows = document_rows(source.path, source.offset, source.length)
        brought.found.rows["documents"], brought.new["documents"] = merge_documents(site.data / RECORDS_DB, rows)
    elif source.file == INBOX_DB:
        waiting = waiting_in(source.path)
        brought.found.rows["requests"] = len(waiting)
        brought.new["requests"] = Inbox(site.data).take_over(waiting)
    else:
        _plant(site, brought, by)
    _finish(site, brought, by)
    return brought


def seen_aside(site: Site, by: Person) -> int:
    """Blocks and commits that do not decode: nothing of them can be brought back, and the alarm about them ends."""
    count = len(aside(site.data))
    if count:
        _bring(site, iter([("", closing(HOLES, []))]), {}, by)
    return count


def _look(site: Site) -> None:
    """Put away what is damaged and still in its place; a running agent does so by itself."""
    if not site.data.exists():
        return
    with suppress(BusyError), writing(site.data, COMMAND), Store(site.data, site.calendar.cut(wall_clock())) as store:
        mend(site.data, store, wall_clock)


def _plant(site: Site, brought: Brought, by: Person) -> None:
    rescue = Rescue.of(brought.source.path, brought.source.offset, brought.source.length)
    try:
        _bring(site, pieces(rescue, brought.found), brought.new, by)
        brought.unnamed, brought.missed_pages = rescue.unnamed, rescue.wreck.missed
        rescue.copies = False
        brought.lost = lacking(site.data, [*rescue.lost, *rescue.slots], rescue.readings())
    finally:
        rescue.wreck.close()


def _finish(site: Site, brought: Brought, by: Person) -> None:
    entry = brought.source.entry
    if entry is None:
        return
    lost = brought.lost if entry.salvaged is None else []
    _bring(site, iter([("", closing(entry.file, lost))]), {}, by)
    mark(entry, salvaged=wall_clock())
    bound(site.data, reserve=0)  # what still waits is about to be salvaged


def _bring(site: Site, found: Iterator[tuple[str, Piece]], new: dict[str, int], by: Person) -> None:
    """Here while no agent runs, through its inbox while one does."""
    while True:
        try:
            with writing(site.data, COMMAND), Store(site.data, site.calendar.cut(wall_clock())) as store:
                begin(store, site, Inbox(site.data))
                while store.apart.due:  # what has no place in the archive yet is not found there
                    store.tidy()
                for kind, piece in found:
                    with store.transaction():
                        new[kind] = new.get(kind, 0) + take(store, piece, by, wall_clock())
                    store.tidy()
            return
        except BusyError:
            group = list(islice(found, TOGETHER))
        if not group:
            return
        _submit(site, group, new, by)


def _submit(site: Site, group: list[tuple[str, Piece]], new: dict[str, int], by: Person) -> None:
    for kind in dict.fromkeys(kind for kind, _ in group):
        asked = [Request(COMMAND, piece, by, wall_clock()) for of, piece in group if of == kind]
        new[kind] = new.get(kind, 0) + submit(site, asked, COMMAND)


def _in_backup(path: Path) -> Iterator[Source]:
    """What can be read of a file that was cut short is taken; one that is compressed has nothing of ours."""
    size = path.stat().st_size
    with suppress(tarfile.TarError), tarfile.open(path, "r:") as tar:
        for member in tar:
            name, there = Path(member.name).name, min(member.size, size - member.offset_data)
            if name in (PLANT_DB, RECORDS_DB):
                yield Source(path, name, member.offset_data, there, cut_short=there < member.size)


def _kind(path: Path) -> str:
    """Which of the databases a single file is: by its name, else by what lies in it."""
    for name in (RECORDS_DB, INBOX_DB):
        if name.removesuffix(".db") in path.name:
            return name
    return PLANT_DB


def body_of(brought: Brought) -> dict[str, Any]:
    """One source as `salvage --json` says it; times in microseconds UTC."""
    found = brought.found
    return {
        "file": str(brought.source.path),
        "cut_short": brought.source.cut_short,
        "nothing": brought.is_nothing,
        "database": brought.source.file,
        "readings": {
            "found": found.readings,
            "new": brought.new.get("readings", 0),
            "tags": len(found.tags),
            "first_at": found.first_at,
            "last_at": found.last_at,
        },
        "rows": {table: {"found": n, "new": brought.new.get(table, 0)} for table, n in found.rows.items()},
        "lost": [one._asdict() for one in brought.lost],
        "lost_readings": sum(one.readings for one in brought.lost) + brought.unnamed,
        "damaged_pages": brought.missed_pages,
    }
