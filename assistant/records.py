"""What people said about a site, in versions: a change is a new version and nothing is ever edited.

Collections: `evidence`, `owners`, `grades`. Every version carries when it was recorded, by whom
(the name given and the login it came from), and which version it supersedes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinydb import where
from tinydb.table import Document

from edge_agent.ledger import Person
from edge_agent.store.documents.documents import documents, documents_read_only

RECORDS_DB = "records.db"
FOREVER = 2**62

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one record; `recorded_at` in microseconds UTC."""

    key: str
    number: int
    recorded_at: int
    by: Person
    supersedes: int | None
    body: Body


# From the record as it stands, or None, to its next body; None again leaves everything as it is.
Change = Callable[[Version | None], Body | None]


class Records:
    """The records of one site's data folder; without a database every answer is empty."""

    def __init__(self, data: Path) -> None:
        self._path = data / RECORDS_DB

    def as_of(self, collection: str, at: int = FOREVER) -> dict[str, Version]:
        """The newest version of every record that was recorded by `at`, in the order records began."""
        return {v.key: v for v in self.history(collection, at)}

    def history(self, collection: str, at: int = FOREVER) -> list[Version]:
        """Every version recorded by `at`, oldest first."""
        try:
            with documents_read_only(self._path) as db:
                found = [_version(document) for document in db.collection(collection).all()]
        except FileNotFoundError:
            return []
        return [v for v in found if v.recorded_at <= at]

    def change(self, collection: str, key: str, change: Change, by: Person, now: int) -> Version | None:
        """Append what `change` makes of the record as it stands; nobody can come between the two.

        An empty key opens a new record, named by the collection's first letter and a number.
        """
        with documents(self._path, indexed=("key",)) as db:
            table = db.collection(collection)
            with table.turn():
                key = key or _next_key(collection, table.all())
                versions = table.search(where("key") == key)
                last = _version(versions[-1]) if versions else None
                body = change(last)
                if body is None:
                    return None
                supersedes = last.number if last else None
                said = {"recorded_at": now, "by": by.name, "login": by.login, "supersedes": supersedes}
                number = table.insert({"key": key, **said, "body": body})
        return Version(key, number, now, by, supersedes, body)

    def put(self, collection: str, key: str, body: Body, by: Person, now: int) -> Version:
        """Append a version whatever stood before."""
        version = self.change(collection, key, lambda _: body, by, now)
        assert version is not None
        return version


def _next_key(collection: str, versions: list[Document]) -> str:
    letter = collection[0].upper()
    return f"{letter}{max((int(v['key'].removeprefix(letter)) for v in versions), default=0) + 1}"


def _version(document: Document) -> Version:
    by = Person(document["by"], document["login"])
    return Version(
        document["key"], document.doc_id, document["recorded_at"], by, document["supersedes"], document["body"]
    )
