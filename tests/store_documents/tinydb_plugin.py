"""A pytest plugin for TinyDB's own tests: wherever they open a TinyDB, they get our documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edge_agent.store.documents.documents import Documents, documents

CACHE = "about the query cache: we remember nothing, for another process may write"
STORAGE = "about TinyDB's own storages: files of JSON, memory, and what wraps them"

NOT_OURS = {
    "test_tables.py::test_query_cache": CACHE,
    "test_tables.py::test_query_cache_size": CACHE,
    "test_tables.py::test_lru_cache": CACHE,
    "test_tables.py::test_table_repr": STORAGE,
    "test_tinydb.py::test_search": CACHE,
    "test_tinydb.py::test_search_path": CACHE,
    "test_tinydb.py::test_query_cache": CACHE,
    "test_tinydb.py::test_storage_closed_once": STORAGE,
    "test_tinydb.py::test_empty_write": STORAGE,
    "test_tinydb.py::test_access_storage": STORAGE,
    "test_tinydb.py::test_storage_access": STORAGE,
}

Open = Callable[..., Documents]


class TinyDB(Documents):
    """Ours under the name that its printed form must begin with."""


@pytest.fixture(autouse=True)
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """What stands for the name TinyDB in their modules: the file is ours, whatever storage they name."""
    with ExitStack() as open_files:

        def open_documents(path: str | Path = "", **_of_other_storages: Any) -> Documents:
            file = Path(path) if path else tmp_path / f"{len(list(tmp_path.glob('*.db')))}.db"
            found = open_files.enter_context(documents(file))
            found.__class__ = TinyDB
            return found

        monkeypatch.setattr(request.module, "TinyDB", open_documents, raising=False)
        yield open_documents


@pytest.fixture
def db(opened: Open) -> Documents:
    """Three documents, as their own fixture makes them."""
    made = opened()
    made.insert_multiple({"int": 1, "char": letter} for letter in "abc")
    return made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not ours by its name; a name that is no longer there is an error."""
    named = {f"{item.path.name}::{item.name}": item for item in items}
    left_out = [named[name] for name in NOT_OURS]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
