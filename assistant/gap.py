"""The assessment: which framework, every finding, the gate, the score and the verdict.

It reads only what is valid at T and recorded by T. The verdict comes from rules over data; nothing
here words an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from assistant.choice import choose, frameworks_of, successor_of
from assistant.evidence import Register
from assistant.finding import Finding, Gate, Score, Verdict, gate_of, score_of, verdict_of
from assistant.indicators import Measured, Measurer, target
from assistant.paper import Entry, Standing, functions_of
from assistant.people import grades_of, owners_of
from assistant.rules import Basis, Grade, decide
from assistant.said import said
from assistant.scale import scale_faults, scale_of
from edge_agent.energy.books import Books
from edge_agent.period import Period
from edge_agent.reason import Reason
from edge_agent.site import Site
from edge_agent.texts import Texts
from kb.framework import Criterion, Framework, Rulebook


@dataclass(frozen=True)
class Assessment:
    """One framework applied to one site at one time; `at` in microseconds UTC."""

    site: Site
    rulebook: Rulebook
    framework: Framework
    at: int
    day: date
    period: Period
    period_notes: tuple[Reason, ...]  # which period indicators use unless they say otherwise
    findings: tuple[Finding, ...]
    gate: Gate
    score: Score
    verdict: Verdict
    warnings: tuple[Reason, ...]

    def as_json(self, texts: Texts) -> dict[str, Any]:
        """The body of `gap --json`, in full precision."""
        from assistant.gap_json import as_json

        return as_json(self, texts)

    def in_words(self, texts: Texts, width: int = 80) -> list[str]:
        """The same for a person, in lines of at most `width` cells."""
        from assistant.gap_words import in_words

        return in_words(self, texts, width)


def assess(site: Site, now: int, at: int | None = None, framework: str | None = None) -> Assessment:
    """Assess the site at `at`, by default now; raises Stop when no framework applies or none is so named."""
    books = Books.open(site, now, at)
    return _Assessor(Register(site), books, now).assess(framework)


class _Assessor:
    def __init__(self, register: Register, books: Books, now: int) -> None:
        self.register, self.books, self.now = register, books, now
        self.rulebook, self.site = register.rulebook, books.site
        self.day = books.calendar.local(books.at).date()
        self.measurer = Measurer(books)
        self.papers = [(e, register.standing(e, self.day)) for e in register.entries(books.at)]
        self.grades: dict[str, Grade] = grades_of(register.records, books.at)
        self.owners = owners_of(register.records, books.at)

    def assess(self, name: str | None) -> Assessment:
        """Every criterion of the framework, in its order."""
        framework = choose(self.rulebook, self.site, self.day, name)
        findings = tuple(decide(c, self._basis(c)) for c in framework.criteria)
        score = score_of(findings, *self._pass_mark(framework))
        musts = [f.state for f in findings if f.criterion.kind == "must"]
        return Assessment(
            self.site,
            self.rulebook,
            framework,
            self.books.at,
            self.day,
            *self.measurer.period(),
            findings,
            gate_of(findings),
            score,
            verdict_of(musts, score),
            tuple(self._warnings(framework)),
        )

    def _basis(self, criterion: Criterion) -> Basis:
        papers = tuple((e, s) for e, s in self.papers if criterion.id in e.said.criteria)
        scale = scale_of(criterion, self.site.plant.benchmarks, self.day)
        found = scale_faults(criterion, scale.base, scale.lead, scale.unit) if scale else {}
        faults = tuple(said(code, **fields) for code, fields in found.items())
        scale = None if faults else scale
        return Basis(
            self.day,
            self.rulebook.kinds,
            papers,
            self.grades.get(criterion.id),
            scale,
            faults,
            self._measured(criterion, scale.unit if scale else "", papers),
            self.owners.get(criterion.id, ""),
        )

    def _measured(self, criterion: Criterion, unit: str, papers: tuple[tuple[Entry, Standing], ...]) -> Measured | None:
        if criterion.indicator is None:
            return None
        wanted = target(criterion.indicator.name, unit)
        assert wanted is not None
        good = [entry for entry, standing in papers if standing.counts and entry.said.kind in criterion.evidence]
        return self.measurer.measure(criterion.indicator, wanted, functions_of(good))

    def _pass_mark(self, framework: Framework) -> tuple[float | None, str]:
        if framework.pass_mark is not None:
            return framework.pass_mark, framework.source
        own = self.site.plant.pass_marks.get(framework.id)
        return (own.value, own.source) if own else (None, "")

    def _warnings(self, framework: Framework) -> Iterator[Reason]:
        yield from self.books.notes
        yield from self.books.losses(self.measurer.period()[0])
        if self.books.at > self.now:
            yield said("in_the_future", date=self.day)
        if framework.valid_from > self.day:
            yield said("framework_not_yet", framework=framework.edition, date=framework.valid_from)
        newer = successor_of(self.rulebook, framework, self.day)
        if newer:
            yield said("framework_superseded", framework=framework.edition, newer=newer.id)
        for other in frameworks_of(self.rulebook, self.site, self.day):
            if other.id != framework.id and other is not newer:
                yield said("framework_also", framework=other.id, title=other.title)
        if framework.text_status != "full":
            yield said("text_missing", framework=framework.edition, obtain=framework.obtain or framework.title)
        if framework.points_status == "example":
            yield said("points_example", framework=framework.edition)
