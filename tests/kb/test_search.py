"""The index and the search: words, re-adding, read-only, recall over the shared corpus."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from kb.document import read_document
from kb.grams import grams
from kb.index import Added, add, entries, writer
from kb.search import explain, search
from tests.conftest import ROOT, missing
from tests.kb.corpora import RULE, corpus, indexed
from tests.kb.questions import ASKED, Asked

RECALL_AT_5, RECALL_AT_10 = 0.93, 0.98  # measured 0.95 and 1.00


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ＧＢ／Ｔ ３６１３２—２０２５", "gb/t"),
        ("GB/T 36132-2025", "36132-2025"),
        ("GB/T 36132–2025", "36132"),
        ("能耗 95.1%", "95.1"),
        ("绿 色 工 厂", "色工"),
        ("ISO14001", "iso14001"),
    ],
)
def test_words_are_folded_and_numbers_stay_whole(text: str, word: str) -> None:
    assert word in grams(text)


def test_the_clause_that_answers_comes_first_with_a_positive_score(tmp_path: Path) -> None:
    path = corpus(tmp_path, rule=RULE, other="食堂管理办法\n\n食堂每天供应三餐，菜单每周公布。\n")
    hits = search(path, "可再生能源利用率不低于多少", 5)
    assert "15%" in hits[0].text
    assert hits[0].first.file == "rule.txt"
    assert all(a.score >= b.score > 0 for a, b in pairwise(hits))
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert search(path, "食堂菜单", 1)[0].first.file == "other.txt"


@pytest.mark.parametrize("query", ["", "？！", '"', "a OR b", "NEAR(", "*", "绿色\0工厂", "'; DROP TABLE words; --"])
def test_no_question_breaks_the_search(query: str, tmp_path: Path) -> None:
    assert isinstance(search(corpus(tmp_path, rule=RULE), query, 5), list)


def test_without_an_index_nothing_is_found_and_nothing_is_written(tmp_path: Path) -> None:
    assert search(tmp_path / "kb.db", "绿色工厂", 5) == []
    assert entries(tmp_path / "kb.db") == []
    assert os.listdir(tmp_path) == []


def test_an_unchanged_file_is_left_alone_and_a_changed_one_replaces_its_clauses(tmp_path: Path) -> None:
    path = corpus(tmp_path, rule=RULE)
    before = path.read_bytes()
    with writer(path) as db:
        assert add(db, "rule.txt", read_document(tmp_path / "rule.txt")) is Added.UNCHANGED
    assert path.read_bytes() == before
    kept = {c.id for hit in search(path, "申报绿色工厂的条件和材料", 9) for c in hit.clauses}
    (tmp_path / "rule.txt").write_text(RULE.replace("15%", "25%"), encoding="utf-8")
    with writer(path) as db:
        assert add(db, "rule.txt", read_document(tmp_path / "rule.txt")) is Added.CHANGED
    found = search(path, "申报绿色工厂的条件和材料", 9)
    assert any("25%" in hit.text for hit in found)
    assert not any("15%" in hit.text for hit in found)
    assert len(kept - {c.id for hit in found for c in hit.clauses}) == 1


def test_a_failure_in_the_middle_of_a_file_leaves_the_index_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = corpus(tmp_path, rule=RULE)
    (tmp_path / "rule.txt").write_text(RULE + "\n第五条 新增。\n", encoding="utf-8")

    def fail(_text: str) -> list[str]:
        raise RuntimeError

    with writer(path) as db:
        monkeypatch.setattr("kb.index.grams", fail)
        with pytest.raises(RuntimeError):
            add(db, "rule.txt", read_document(tmp_path / "rule.txt"))
    monkeypatch.undo()
    assert "15%" in search(path, "可再生能源利用率", 1)[0].text


def test_explain_shows_the_words_of_the_question_by_weight(tmp_path: Path) -> None:
    path = corpus(tmp_path, rule=RULE)
    (hit,) = search(path, "可再生能源 火星", 1)
    terms = {term.word: term for term in explain(path, "可再生能源 火星", hit)}
    assert terms["能源"].found
    assert not terms["火星"].found
    assert terms["火星"].weight > terms["能源"].weight


def test_a_database_that_cannot_be_written_is_searched(tmp_path: Path) -> None:
    path = corpus(tmp_path, rule=RULE)
    code = (
        "import json, sys; from pathlib import Path; from kb.search import search;"
        "print(json.dumps([h.text for h in search(Path(sys.argv[1]), '可再生能源', 3)]))"
    )
    command = [sys.executable, "-c", code, str(path)]
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            missing("peers", "setpriv is not installed")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all", *command]
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
        assert "15%" in json.loads(done.stdout)[0], done.stderr
    finally:
        tmp_path.chmod(0o755)


def test_a_reader_that_never_ends_does_not_see_half_a_file(tmp_path: Path) -> None:
    path = corpus(tmp_path, rule=RULE)
    with closing(sqlite3.connect(path)) as db:
        counts = [db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("passage", "words")]
    assert counts[0] == counts[1] > 0


def found_in(asked: Asked, path: Path, k: int) -> bool:
    """Whether the first k results hold the clause that answers."""
    for hit in search(path, asked.question, k):
        for clause in hit.clauses:
            here = clause.file.startswith(asked.file) and clause.line == asked.line
            if here and asked.key in "".join(clause.text.split()):
                return True
    return False


@pytest.fixture(scope="module")
def shared_index(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed(shared / "corpus", tmp_path_factory.mktemp("kb") / "kb.db")


@pytest.mark.parametrize(("k", "floor"), [(5, RECALL_AT_5), (10, RECALL_AT_10)])
def test_recall_over_the_shared_corpus_stays_above_its_floor(shared_index: Path, k: int, floor: float) -> None:
    missed = [asked.question for asked in ASKED if not found_in(asked, shared_index, k)]
    assert 1 - len(missed) / len(ASKED) >= floor, missed
