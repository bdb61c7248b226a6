"""The register of evidence: files kept by their hash, and who filed, confirmed or rejected them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import msgspec

from assistant.choice import frameworks_of
from assistant.indicators import TABLE
from assistant.paper import FUNCTIONS, Entry, Evidence, Standing, last_day, standing
from assistant.records import FOREVER, Body, Records, Version
from configs.problem import nearest
from edge_agent.exit import Exit, Stop
from edge_agent.ledger import Person, me
from edge_agent.period import Calendar
from edge_agent.requests import wall_clock
from edge_agent.site import Site
from edge_agent.store.lock import DIRECTORY_MODE
from kb.framework import EvidenceKind, Rulebook, load_rulebook

EVIDENCE = "evidence"
FILE_MODE = 0o640
BLOCK = 1 << 20  # bytes read at a time


class Details(TypedDict, total=False):
    """What may be said of a document beside its kind and what it covers."""

    criteria: list[str]
    issuer: str
    issued: date | None
    valid_from: date | None
    valid_to: date | None
    functions: list[str]
    note: str
    owner: str


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a document that was handed in; `new` is false when it was filed already."""

    entry: Entry
    new: bool


class Register:
    """The documents of one site; raises ConfigError where a framework file is wrong."""

    def __init__(self, site: Site, rulebook: Rulebook | None = None) -> None:
        self.site = site
        self.folder = site.folder / EVIDENCE
        self.rulebook = rulebook or load_rulebook(site.folder, TABLE)
        self.records = Records(site.data)

    def entries(self, at: int = FOREVER) -> list[Entry]:
        """Every document as recorded by `at`, in the order they were filed."""
        return [_entry(version) for version in self.records.as_of(EVIDENCE, at).values()]

    def find(self, name: str) -> Entry:
        """A document by its id in whatever case; Stop(USAGE) when there is none."""
        for entry in self.entries():
            if entry.id == name.upper():
                return entry
        raise Stop(Exit.USAGE, "evidence.no_id", id=name)

    def add(
        self,
        source: Path,
        kind: str,
        *,
        covers: tuple[date, date] | None = None,
        by: str = "",
        proposed: bool = False,
        now: int | None = None,
        **details: Unpack[Details],
    ) -> Filed:
        """Keep the file and what is said of it; the end of `covers` is excluded.

        The same file of the same kind is the same document: other words make a new version of it, but
        a proposal never touches what a person has decided. Raises Stop(USAGE) for what is missing.
        """
        if source.is_file() and source.stat().st_size == 0:
            raise Stop(Exit.USAGE, "evidence.empty_file", file=source)
        now = now or wall_clock()
        known = self._kind(kind)
        details["criteria"] = self._criteria(kind, details.get("criteria", []), now)
        details["functions"] = list(details.get("functions", []))
        first, after = covers or (None, None)
        state: Literal["proposed", "confirmed"] = "proposed" if proposed else "confirmed"
        said = Evidence(kind, "", source.name, state, covers_from=first, covers_to=after, **details)
        _check(said, known, Calendar(self.site.zone).local(now).date())
        try:
            said = msgspec.structs.replace(said, file=keep(source, self.folder))
        except OSError as error:
            raise Stop(Exit.USAGE, "evidence.no_file", file=source, why=error.strerror) from error
        return self._file(said, me(by), now)

    def decide(
        self,
        entry: Entry,
        state: Literal["confirmed", "rejected"],
        by: Person,
        now: int,
        why: str = "",
    ) -> Entry:
        """A person confirms or rejects a document as it stands."""

        def change(last: Version | None) -> Body:
            said = _entry(last).said if last else entry.said
            body: Body = msgspec.to_builtins(msgspec.structs.replace(said, state=state, why=why))
            return body

        version = self.records.change(EVIDENCE, entry.id, change, by, now)
        assert version is not None
        return _entry(version)

    def standing(self, entry: Entry, day: date) -> Standing:
        """How a document stands; one of a kind that is no longer known cannot count."""
        kind = self.rulebook.kinds.get(entry.said.kind)
        return standing(kind, entry.said, day) if kind else Standing.REJECTED

    def until(self, entry: Entry) -> date | None:
        """The last day on which a document is in force."""
        kind = self.rulebook.kinds.get(entry.said.kind)
        return last_day(kind, entry.said) if kind else None

    def _file(self, said: Evidence, by: Person, now: int) -> Filed:
        known = next((e for e in self.entries() if (e.said.file, e.said.kind) == (said.file, said.kind)), None)
        if known and (_same(known.said, said) or (said.state == "proposed" and known.said.state != "proposed")):
            return Filed(known, False)
        version = self.records.put(EVIDENCE, known.id if known else "", msgspec.to_builtins(said), by, now)
        return Filed(_entry(version), True)

    def _kind(self, name: str) -> EvidenceKind:
        kinds = {key: kind for key, kind in self.rulebook.kinds.items() if kind.by_hand}
        if name not in kinds:
            hint = nearest(name, kinds) or "-"
            raise Stop(Exit.USAGE, "evidence.no_kind", kind=name, nearest=hint, allowed=", ".join(kinds))
        return kinds[name]

    def _criteria(self, name: str, given: Sequence[str], now: int) -> list[str]:
        """Those given by their ids; else the one that asks for the kind, or none where nothing does."""
        if given:
            return list(dict.fromkeys(criterion_id(self.rulebook, text) for text in given))
        day = Calendar(self.site.zone).local(now).date()
        applying = frameworks_of(self.rulebook, self.site, day) or list(self.rulebook.frameworks.values())
        fitting = [c.id for f in applying for c in f.criteria if name in (*c.evidence, *c.against)]
        if len(fitting) > 1:
            raise Stop(Exit.USAGE, "evidence.which_criterion", kind=name, allowed=", ".join(fitting))
        return fitting


def criterion_id(rulebook: Rulebook, text: str) -> str:
    """The full id of a criterion typed in full or in short; Stop(USAGE) with the nearest one."""
    found = rulebook.criterion(text)
    if found is None:
        ids = [c.id for c in rulebook.criteria()]
        short = {i.partition(".")[2]: i for i in ids}
        hint = nearest(text, ids) or short.get(nearest(text, short), "-")
        raise Stop(Exit.USAGE, "evidence.no_criterion", criterion=text, nearest=hint)
    return found.id


def keep(source: Path, folder: Path) -> str:
    """Copy a file under its SHA-256, durable when it returns; the same bytes are kept once."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(DIRECTORY_MODE)
    part = folder / f".{os.getpid()}.part"
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reading, part.open("wb") as writing:
            while block := reading.read(BLOCK):
                digest.update(block)
                writing.write(block)
            writing.flush()
            os.fchmod(writing.fileno(), FILE_MODE)
            os.fsync(writing.fileno())
        name = digest.hexdigest()
        if not (folder / name).exists():
            part.rename(folder / name)
            _sync(folder)
        return name
    finally:
        part.unlink(missing_ok=True)


def _check(said: Evidence, kind: EvidenceKind, today: date) -> None:
    """The dates that the kind must carry, in an order that can be."""
    present = {
        "issued": said.issued,
        "valid_from": said.valid_from,
        "valid_to": said.valid_to,
        "covers": said.covers_from,
        "functions": said.functions,
    }
    absent = [f"--{name.replace('_', '-')}" for name in kind.requires if not present[name]]
    if absent:
        raise Stop(Exit.USAGE, "evidence.needs", kind=said.kind, options=", ".join(absent))
    wrong = [f for f in said.functions if f not in FUNCTIONS]
    if wrong:
        hint = nearest(wrong[0], FUNCTIONS) or "-"
        raise Stop(Exit.USAGE, "evidence.no_function", function=wrong[0], nearest=hint, allowed=", ".join(FUNCTIONS))
    if kind.looks_back and said.covers_to and said.covers_to > today + timedelta(days=1):
        raise Stop(Exit.USAGE, "evidence.covers_ahead", kind=said.kind, day=said.covers_to - timedelta(days=1))
    if said.issued and said.issued > today:
        raise Stop(Exit.USAGE, "evidence.issued_ahead", day=said.issued)
    begun = said.valid_from or said.issued
    if begun and said.valid_to and said.valid_to < begun:
        raise Stop(Exit.USAGE, "evidence.ends_first", start=begun, end=said.valid_to)


def _entry(version: Version) -> Entry:
    return Entry(version.key, msgspec.convert(version.body, Evidence), version)


def _same(one: Evidence, other: Evidence) -> bool:
    return msgspec.structs.replace(one, name="", why="") == msgspec.structs.replace(other, name="", why="")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["EVIDENCE", "Entry", "Evidence", "Filed", "Register", "Standing", "criterion_id", "keep"]
