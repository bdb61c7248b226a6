"""What SQLite narrows down is what a scan finds, whatever the documents hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import Query, where
from tinydb.queries import QueryInstance

from edge_agent.store.documents.documents import documents, documents_read_only
from edge_agent.store.documents.table import DocumentTable

EDGES = [0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53), 2**63 - 1, 2**63, -(2**63), 10**30]
EDGES_REAL = [0.0, -0.0, 1.0, 0.1, 1e16, 9007199254740993.0, 1e300, 5e-324, -1.5]
texts = st.text(st.sampled_from("ab1\"'\\/.$[\0\n\x7f é 表\U0001f50c"), max_size=3)
scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from(EDGES), st.integers(), st.sampled_from(EDGES_REAL),
    st.floats(allow_nan=False, allow_infinity=False), texts,
)  # fmt: skip
keys = st.sampled_from(["a", "b", "a.b", "表", 'q"', "b\\", "it's", "", "0", " "])
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=2) | st.dictionaries(keys | st.integers(0, 1), v, max_size=3)
)
bodies = st.dictionaries(keys, values, max_size=4)


@contextmanager
def collection(*indexed: str) -> Iterator[DocumentTable]:
    with TemporaryDirectory() as folder, documents(Path(folder) / "records.db", indexed) as db:
        db.collection("other").insert({"a": 1})
        yield db.collection("c")


def looked_up(path: Sequence[str], wanted: Any) -> QueryInstance:
    query = Query()
    for part in path:
        query = query[part]
    equal: QueryInstance = query == wanted
    return equal


def scalars_in(body: dict[Any, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every field of a document that holds no list and no document, also those within."""
    found = []
    for key, value in body.items():
        if isinstance(value, dict):
            found += scalars_in(value, (*path, str(key)))
        elif not isinstance(value, list):
            found.append(((*path, str(key)), value))
    return found


@settings(deadline=None)
@given(st.lists(bodies, max_size=6), st.data())
def test_an_equality_finds_what_a_scan_finds(stored: list[dict[Any, Any]], data: st.DataObject) -> None:
    there = [pair for body in stored for pair in scalars_in(body)]
    asked = st.tuples(st.lists(keys, min_size=1, max_size=3), scalars)
    path, wanted = data.draw(st.sampled_from(there) | asked if there else asked)
    query = looked_up(path, wanted)
    with collection("a") as table:
        table.insert_multiple(stored)
        scanned = [document for document in table.all() if query(document)]
        assert table.search(query) == scanned
        assert [d.doc_id for d in table.search(query)] == [d.doc_id for d in scanned]
        assert table.get(query) == (scanned[0] if scanned else None)
        assert table.count(query) == len(scanned)
        assert table.contains(query) is bool(scanned)


@pytest.mark.parametrize("wanted", [*EDGES, *EDGES_REAL, True, False, None, "", "1", "表", "a\0b", 'q"', "\\"])
def test_a_value_is_found_by_itself_however_it_is_written(wanted: Any) -> None:
    with collection("a") as table:
        table.insert_multiple({"a": value} for value in [wanted, float(wanted) if isinstance(wanted, int) else wanted])
        assert [d.doc_id for d in table.search(where("a") == wanted)] == [
            d.doc_id for d in table.all() if d["a"] == wanted
        ]
        assert table.get(where("a") == wanted) is not None


def test_keys_with_the_same_text_are_stored_once() -> None:
    with collection("1") as table:
        table.insert({1: "number", "1": "text"})  # type: ignore[dict-item]
        table.insert({"deep": {None: 1, "null": 2}})
        assert table.search(where("1") == "text") == [{"1": "text"}]
        assert table.search(where("deep")["null"] == 2) == [{"deep": {"null": 2}}]
        assert table.search(where("1") == "number") == []


def test_an_indexed_field_is_looked_up_and_not_scanned(tmp_path: Path) -> None:
    for indexed, expected in ((), "PRIMARY KEY"), (("key",), "INDEX document_by_key (collection=? AND <expr>=?)"):
        with documents(tmp_path / "records.db", indexed) as db:
            seen: list[str] = []
            connection = db.connection
            connection.set_trace_callback(seen.append)
            db.collection("c").search(where("key") == "x")
            connection.set_trace_callback(None)
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {seen[-1]}"))
            assert expected in plan
    with documents_read_only(tmp_path / "records.db") as db:
        assert db.collection("c").search(where("key") == "x") == []
