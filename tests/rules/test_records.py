"""Records are versions: nothing is edited, and each time sees what was recorded by then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import assistant.records
from assistant.people import grades_of, owners_of, set_grade, set_owner
from assistant.records import Records
from tests.conftest import ROOT
from tests.rules.worlds import BY, NOW

APPENDER = """
import sys
from pathlib import Path
from assistant.records import Records
from edge_agent.ledger import Person
records = Records(Path(sys.argv[1]))
for number in range(20):
    body = lambda last: {"count": (last.body["count"] if last else 0) + 1}
    records.change("owners", "shared", body, Person(sys.argv[2], "x"), number)
    records.put("evidence", "", {"by": sys.argv[2]}, Person(sys.argv[2], "x"), number)
"""


def test_a_change_is_a_new_version_and_the_old_one_stays(tmp_path: Path) -> None:
    records = Records(tmp_path)
    first = records.put("owners", "a", {"owner": "张"}, BY, 10)
    second = records.put("owners", "a", {"owner": "李"}, BY, 20)
    assert (first.supersedes, second.supersedes) == (None, first.number)
    assert [v.body["owner"] for v in records.history("owners")] == ["张", "李"]
    assert [records.as_of("owners", at).get("a") is not None for at in (9, 10, 20)] == [False, True, True]
    assert records.as_of("owners", 19)["a"].body == {"owner": "张"}
    assert (second.by.name, second.by.login, second.recorded_at) == ("李工", "li", 20)


def test_no_function_of_records_edits_or_deletes() -> None:
    public = {name for name in vars(assistant.records.Records) if not name.startswith("_")}
    assert public == {"as_of", "history", "change", "put"}


def test_two_processes_append_and_neither_comes_between_the_other(tmp_path: Path) -> None:
    line = [sys.executable, "-c", APPENDER, str(tmp_path)]
    both = [subprocess.Popen([*line, name], cwd=ROOT) for name in ("a", "b")]
    assert [process.wait(60) for process in both] == [0, 0]
    history = Records(tmp_path).history("owners")
    assert [v.body["count"] for v in history] == list(range(1, 41))
    assert [v.supersedes for v in history] == [None, *(v.number for v in history[:-1])]
    assert sorted(Records(tmp_path).as_of("evidence"), key=lambda k: int(k[1:])) == [f"E{n}" for n in range(1, 41)]


def test_a_grade_can_be_taken_back_and_an_owner_replaced(tmp_path: Path) -> None:
    records = Records(tmp_path)
    set_grade(records, "x", 0.5, False, "一半", BY, NOW)
    set_grade(records, "x", None, False, "看错了", BY, NOW + 1)
    set_owner(records, "x", "张", BY, NOW)
    set_owner(records, "x", "李", BY, NOW + 1)
    assert grades_of(records, NOW)["x"].value == 0.5
    assert grades_of(records) == {}
    assert (owners_of(records, NOW), owners_of(records)) == ({"x": "张"}, {"x": "李"})
