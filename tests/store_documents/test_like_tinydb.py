"""Any sequence of changes leaves what TinyDB in memory makes of it, seen by every other connection."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tinydb import TinyDB, where
from tinydb.operations import add, delete
from tinydb.queries import QueryInstance
from tinydb.storages import MemoryStorage
from tinydb.table import Document, Table

from edge_agent.store.documents.documents import documents

numbers = st.integers(0, 3)
bodies = st.dictionaries(st.sampled_from(["a", "b"]), numbers, max_size=2)
inside = bodies.map(lambda body: {"deep": body})
ids = st.lists(st.integers(1, 8), max_size=3)
queries = st.one_of(
    numbers.map(lambda n: where("a") == n),
    numbers.map(lambda n: where("deep")["b"] == n),
    numbers.map(lambda n: (where("a") == n) | (where("b") > n)),
    st.just(where("a").exists()),
    st.just(~where("b").exists()),
)


class Sequence(RuleBasedStateMachine):
    """The same calls on both; two connections to ours, so that nothing can be remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        path = Path(self.open.enter_context(TemporaryDirectory())) / "records.db"
        self.ours = [self.open.enter_context(documents(path, ["a"])).collection("c") for _ in range(2)]
        self.model = TinyDB(storage=MemoryStorage).table("c", cache_size=0)
        self.turn = 0

    def teardown(self) -> None:
        self.open.close()

    def both(self, call: Callable[[Table], Any]) -> None:
        """Our connections take turns; the model counts its ids anew, as after opening a file."""
        self.turn = 1 - self.turn
        self.model._next_id = None
        ours, model = _answer(call, self.ours[self.turn]), _answer(call, self.model)
        assert ours == model

    @rule(body=bodies | inside)
    def insert(self, body: dict[str, Any]) -> None:
        self.both(lambda table: table.insert(body))

    @rule(body=bodies, number=st.integers(1, 8))
    def insert_as(self, body: dict[str, Any], number: int) -> None:
        self.both(lambda table: table.insert(Document(body, number)))

    @rule(several=st.lists(bodies | inside, max_size=3))
    def insert_multiple(self, several: list[dict[str, Any]]) -> None:
        self.both(lambda table: table.insert_multiple(several))

    @rule(body=bodies, query=queries)
    def update(self, body: dict[str, Any], query: QueryInstance) -> None:
        self.both(lambda table: table.update(body, query))

    @rule(body=bodies, chosen=ids)
    def update_ids(self, body: dict[str, Any], chosen: list[int]) -> None:
        self.both(lambda table: table.update(body, doc_ids=chosen))

    @rule(number=numbers)
    def update_by_call(self, number: int) -> None:
        self.both(lambda table: table.update(add("a", number), where("a").exists()))
        self.both(lambda table: table.update(delete("b"), where("b") == number))

    @rule(first=queries, second=queries, body=bodies)
    def update_multiple(self, first: QueryInstance, second: QueryInstance, body: dict[str, Any]) -> None:
        self.both(lambda table: table.update_multiple([(body, first), ({"b": 1}, second)]))

    @rule(body=bodies, query=queries)
    def upsert(self, body: dict[str, Any], query: QueryInstance) -> None:
        self.both(lambda table: table.upsert(body, query))

    @rule(body=bodies, number=st.integers(1, 8))
    def upsert_as(self, body: dict[str, Any], number: int) -> None:
        self.both(lambda table: table.upsert(Document(body, number)))

    @rule(query=queries)
    def remove(self, query: QueryInstance) -> None:
        self.both(lambda table: table.remove(query))

    @rule(chosen=st.lists(st.integers(1, 8), unique=True, max_size=3))
    def remove_ids(self, chosen: list[int]) -> None:
        self.both(lambda table: table.remove(doc_ids=chosen))

    @rule()
    def truncate(self) -> None:
        self.both(lambda table: table.truncate())

    @rule(query=queries, chosen=ids)
    def ask(self, query: QueryInstance, chosen: list[int]) -> None:
        """The first of several may be another: TinyDB keeps the order of insertion, we that of ids."""
        for ours in self.ours:
            assert _stored(ours.search(query)) == _stored(self.model.search(query))
            assert _stored(ours.get(doc_ids=chosen)) == _stored(self.model.get(doc_ids=chosen))
            assert ours.count(query) == self.model.count(query)
            assert ours.contains(query) is self.model.contains(query)
            assert (ours.get(query) is None) is (self.model.get(query) is None)
            assert all(ours.contains(doc_id=n) is self.model.contains(doc_id=n) for n in chosen)

    @invariant()
    def the_same_is_stored(self) -> None:
        for ours in self.ours:
            assert _stored(ours.all()) == _stored(self.model.all())
            assert [d.doc_id for d in ours] == sorted(d.doc_id for d in self.model)
            assert len(ours) == len(self.model)


TestSequence = Sequence.TestCase
TestSequence.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def _answer(call: Callable[[Table], Any], table: Table) -> Any:
    """Ids in order: TinyDB goes by insertion, we by id."""
    try:
        answer = call(table)
        return sorted(answer) if isinstance(answer, list) else answer
    except ValueError:
        return "refused"


def _stored(found: list[Document]) -> dict[int, dict[str, Any]]:
    return {document.doc_id: dict(document) for document in found}
