"""Files and folders into the corpus of a site: what was new, changed, left alone, or could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.problem import ConfigError, Problem
from edge_agent.texts import Texts
from kb.document import SUFFIXES, read_document
from kb.index import Added, Entry, add, writer


@dataclass
class Result:
    """What adding came to, file by file."""

    added: list[tuple[str, Added]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: int = 0  # files of other kinds in the folders

    def count(self, what: Added) -> int:
        return sum(1 for _, done in self.added if done is what)

    def as_json(self, texts: Texts) -> dict[str, Any]:
        """The body of `kb add --json`."""
        files = [{"file": file, "state": done.value} for file, done in self.added]
        problems = [{"file": p.file, "line": p.line, "code": p.code, "text": _said(texts, p)} for p in self.problems]
        return {"files": files, "skipped": self.skipped, "problems": problems}

    def lines(self, texts: Texts) -> Iterator[str]:
        """Each file that was put in, and the sum."""
        for file, done in self.added:
            if done is not Added.UNCHANGED:
                yield texts(f"kb.added.{done.value}", file=file)
        counts = {what.value: self.count(what) for what in Added}
        yield texts("kb.added.sum", **counts, skipped=self.skipped, bad=len({p.file for p in self.problems}))

    def complaints(self, texts: Texts) -> Iterator[str]:
        """A line for each thing that is wrong with a file."""
        for problem in self.problems:
            yield _said(texts, problem)


def add_all(database: Path, sources: Sequence[Path]) -> Result:
    """Add every readable file of the sources; a bad one is noted and the others go on."""
    result = Result()
    with writer(database) as db:
        for path, file in _files(sources, result):
            try:
                document = read_document(path, file)
            except ConfigError as error:
                result.problems += error.problems
                continue
            result.added.append((file, add(db, str(path.resolve()), document)))
    return result


def entry_json(entry: Entry) -> dict[str, Any]:
    """One document as `kb list --json` prints it."""
    return {
        "document": entry.title,
        "file": entry.file,
        "path": entry.path,
        "issuer": entry.issuer,
        "number": entry.number,
        "date": entry.date,
        "valid_from": entry.valid_from,
        "valid_to": entry.valid_to,
        "confidence": entry.confidence,
        "clauses": entry.clauses,
    }


def _files(sources: Sequence[Path], result: Result) -> Iterator[tuple[Path, str]]:
    """Every file with the name that citations give it: its path below the folder that was named."""
    for source in sources:
        if not source.is_dir():
            if source.is_file() and source.suffix.lower() not in SUFFIXES:
                result.problems.append(Problem("kb_not_a_text", str(source), 0, {"allowed": ", ".join(SUFFIXES)}))
            else:
                yield source, source.name
            continue
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            if path.suffix.lower() in SUFFIXES:
                yield path, path.relative_to(source).as_posix()
            else:
                result.skipped += 1


def _said(texts: Texts, problem: Problem) -> str:
    from edge_agent.cli import problem_line

    return problem_line(texts, problem)
