"""A document that was acknowledged survives a kill and a power cut at any moment."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from assistant.records import Records
from edge_agent.store.documents.documents import documents
from tests.store.powercut import Journal, recorded_python

CUTS = 100
# After each change it says what the collection holds now.
CHANGES = """
import json, sys
from pathlib import Path
from random import Random
from tinydb import where
from edge_agent.store.documents.documents import documents
draw = Random(1)
with documents(Path(sys.argv[1]) / "records.db", ("n",)) as db:
    table = db.collection("c")
    for step in range(80):
        match draw.randrange(6):
            case 0:
                table.insert_multiple({"n": n, "text": "x" * 900} for n in range(draw.randrange(8)))
            case 1:
                table.update({"step": step}, where("n") == draw.randrange(8))
            case 2:
                table.remove(where("n") == draw.randrange(8))
            case 3:
                table.upsert({"n": 99, "step": step}, where("n") == 99)
            case _:
                table.insert({"n": step})
        print(json.dumps({d.doc_id: d for d in table}), flush=True)
"""
# Every version opens the file anew, as one command after the other does.
VERSIONS = """
import sys
from pathlib import Path
from assistant.records import Records
from edge_agent.ledger import Person
for now in range(40):
    count = lambda last: {"count": (last.body["count"] if last else 0) + 1}
    Records(Path(sys.argv[1])).change("owners", f"k{now % 3}", count, Person("a", "b"), now)
    print(now, flush=True)
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def cuts(journal: Journal, place: Path) -> list[tuple[int, Path]]:
    """100 cuts and the folder that each leaves."""
    found = []
    for seed, at in enumerate(sorted(Random(2).choices(range(len(journal) + 1), k=CUTS))):
        folder = place / str(seed)
        folder.mkdir()
        journal.after_cut(at, seed, folder)
        found.append((at, folder))
    return found


def test_after_a_power_cut_every_change_is_there_that_was_acknowledged(run: Path, tmp_path: Path) -> None:
    journal = recorded_python(CHANGES, run)
    states = ["{}", *journal.acknowledged(len(journal))]
    for at, folder in cuts(journal, tmp_path):
        with documents(folder / "records.db", ("n",)) as db:
            table = db.collection("c")
            stored = json.dumps({d.doc_id: d for d in table})
            last = len(journal.acknowledged(at))
            assert stored in states[last : last + 2], "neither what was said last nor what was being written"
            assert table.insert({"after": True}) in {d.doc_id for d in table}
            assert db.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_after_a_power_cut_the_versions_of_a_record_are_whole(run: Path, tmp_path: Path) -> None:
    journal = recorded_python(VERSIONS, run)
    for at, folder in cuts(journal, tmp_path):
        said, history = len(journal.acknowledged(at)), Records(folder).history("owners")
        assert [v.recorded_at for v in history] == list(range(len(history)))
        assert said <= len(history) <= said + 1
        for key in ("k0", "k1", "k2"):
            versions = [v for v in history if v.key == key]
            assert [v.body["count"] for v in versions] == list(range(1, len(versions) + 1))
            assert [v.supersedes for v in versions] == [None, *(v.number for v in versions[:-1])][: len(versions)]
