"""Frameworks and their criteria as data, and the kinds of evidence they ask for.

Nothing is evaluated here, and no criterion lives in Python: a new edition is a new file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from configs.load import Loaded, load
from configs.problem import ConfigError, Problem, nearest
from configs.scalars import Seconds
from configs.text import Text

FOLDER = Path(__file__).parent / "frameworks"
KINDS_FILE = "evidence_kinds.yaml"

Confidence = Literal["seen_primary", "seen_secondary", "derived", "recalled", "unknown"]
UNSURE = ("recalled", "unknown")
Detail = Literal["issued", "valid_from", "valid_to", "covers", "functions"]
PeriodKind = Literal["default", "year", "year_to_date", "rolling_12_months"]
_ID = re.compile(r"[A-Za-z][\w.-]*")


class EvidenceKind(msgspec.Struct, frozen=True):
    """One kind of document.

    requires: what a person must type with it. ends_with_cover: it is in force as long as the period
    it covers lasts, and `grace_days` longer. default_months: validity where the document states no
    end; none means until a newer one replaces it. looks_back: it cannot cover days to come, and several
    of them add up. by_hand: false for what the meters prove.
    """

    title: Text
    speaks: Literal["for", "against"] = "for"
    requires: list[Detail] = []
    ends_with_cover: bool = False
    grace_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    default_months: Annotated[int, msgspec.Meta(ge=1)] | None = None
    looks_back: bool = False
    by_hand: bool = True
    note: str = ""


class Scoring(msgspec.Struct, frozen=True):
    """How points are given; base and lead only where the standard itself states them."""

    direction: Literal["forward", "inverse", "qualitative"]
    base: float | None = None
    lead: float | None = None
    unit: str = ""
    confidence: Confidence = "unknown"


class IndicatorUse(msgspec.Struct, frozen=True):
    """Which indicator decides, over which period, and how whole its data must be."""

    name: str
    period: PeriodKind = "default"
    min_coverage: Annotated[float, msgspec.Meta(ge=0.95, le=1)] = 0.95
    stale_after: Annotated[Seconds, msgspec.Meta(gt=0)] = Seconds(24 * 3600.0)


class Criterion(msgspec.Struct, frozen=True):
    """One requirement. points is None where the standard names it but gives no points."""

    id: str
    kind: Literal["must", "scored"]
    clause: str
    title: Text
    todo: Text
    effort: Literal["days", "weeks", "months"]
    source: str
    confidence: Confidence
    points: Annotated[float, msgspec.Meta(gt=0)] | None = None
    evidence: list[str] = []  # every one of these kinds is needed
    against: list[str] = []  # any of these inside the window speaks against
    window_months: Annotated[int, msgspec.Meta(ge=1)] | None = None
    indicator: IndicatorUse | None = None
    scoring: Scoring | None = None
    note: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether an indicator decides and not a person."""
        return self.indicator is not None


class Framework(msgspec.Struct, frozen=True):
    """One edition of a rule set."""

    id: str
    edition: str
    title: Text
    jurisdiction: str
    valid_from: date
    text_status: Literal["full", "partial", "missing"]
    source: str
    confidence: Confidence
    criteria: list[Criterion]
    supersedes: list[str] = []
    pass_mark: float | None = None
    points_status: Literal["set", "example"] = "set"
    obtain: Text | None = None  # which document to get where the text is missing

    def criterion(self, name: str) -> Criterion | None:
        """By its full id, or by the part after the framework's, in whatever case."""
        prefix = f"{self.id}.".lower()
        return next((c for c in self.criteria if name.lower() in (i := c.id.lower(), i.removeprefix(prefix))), None)


@dataclass(frozen=True)
class Rulebook:
    """Every framework and kind of evidence of one site."""

    frameworks: dict[str, Framework]
    kinds: dict[str, EvidenceKind]

    def criterion(self, name: str) -> Criterion | None:
        """A criterion by its full id, or by its short one where a single framework has it."""
        found = [c for f in self.frameworks.values() if (c := f.criterion(name))]
        exact = [c for c in found if c.id.lower() == name.lower()]
        return (exact or found)[0] if exact or len(found) == 1 else None

    def criteria(self) -> Iterator[Criterion]:
        """All criteria of all frameworks."""
        for framework in self.frameworks.values():
            yield from framework.criteria


def load_rulebook(site_folder: Path | None = None, indicators: Collection[str] | None = None) -> Rulebook:
    """The shipped files and the site's own over them; raises ConfigError with every problem.

    indicators: the names that can be measured, where the caller can measure any.
    """
    rulebook, problems = inspect(site_folder, indicators)
    if problems:
        raise ConfigError(problems)
    return rulebook


def inspect(
    site_folder: Path | None = None, indicators: Collection[str] | None = None
) -> tuple[Rulebook, list[Problem]]:
    """What could be read, and every problem of the rest."""
    loaded, kinds, problems = read_all(_folders(site_folder))
    for one in loaded.values():
        problems += faults(one, kinds, indicators)
    return Rulebook({name: one.value for name, one in loaded.items()}, kinds), problems


def read_all(folders: Sequence[Path]) -> tuple[dict[str, Loaded[Framework]], dict[str, EvidenceKind], list[Problem]]:
    """Frameworks and kinds by their id, later folders over earlier ones, and what could not be read."""
    found: dict[str, Loaded[Framework]] = {}
    kinds: dict[str, EvidenceKind] = {}
    problems: list[Problem] = []
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            name = f"{folder.name}/{path.name}"
            try:
                if path.name == KINDS_FILE:
                    kinds |= load(path, dict[str, EvidenceKind], name).value
                else:
                    one = load(path, Framework, name)
                    found[one.value.id] = one
            except ConfigError as error:
                problems += error.problems
    return found, kinds, problems


def faults(
    loaded: Loaded[Framework], kinds: dict[str, EvidenceKind], indicators: Collection[str] | None = None
) -> list[Problem]:
    """What the types cannot say: ids, names that must exist, and what each kind of criterion needs."""
    framework, seen, found = loaded.value, set[str](), []
    if not _ID.fullmatch(framework.id):
        found.append(loaded.problem("bad_id", "id", value=framework.id))
    for index, criterion in enumerate(framework.criteria):
        where = ("criteria", str(index))
        if not criterion.id.startswith(f"{framework.id}.") or not _ID.fullmatch(criterion.id):
            hint = f"{framework.id}.{criterion.id.rpartition('.')[2]}"
            found.append(loaded.problem("criterion_id", *where, "id", value=criterion.id, nearest=hint))
        if criterion.id in seen:
            found.append(loaded.problem("id_twice", *where, "id", value=criterion.id))
        seen.add(criterion.id)
        found += _kinds(loaded, where, "evidence", criterion.evidence, "for", kinds)
        found += _kinds(loaded, where, "against", criterion.against, "against", kinds)
        found += _shape(loaded, where, criterion)
        use = criterion.indicator
        if use and indicators is not None and use.name not in indicators:
            hint, allowed = nearest(use.name, indicators), ", ".join(indicators)
            place = (*where, "indicator", "name")
            found.append(loaded.problem("no_indicator", *place, value=use.name, allowed=allowed, nearest=hint))
    return found


def _kinds(
    loaded: Loaded[Framework],
    where: tuple[str, ...],
    key: str,
    names: Iterable[str],
    speaks: str,
    kinds: dict[str, EvidenceKind],
) -> Iterator[Problem]:
    fitting = [name for name, kind in kinds.items() if kind.speaks == speaks]
    for index, name in enumerate(names):
        if name not in fitting:
            hint = nearest(name, fitting)
            yield loaded.problem(
                "no_kind", *where, key, str(index), value=name, allowed=", ".join(fitting), nearest=hint
            )


def _shape(loaded: Loaded[Framework], where: tuple[str, ...], criterion: Criterion) -> Iterator[Problem]:
    if criterion.kind == "must":
        if criterion.points is not None or criterion.scoring or criterion.indicator:
            yield loaded.problem("must_has_no_points", *where, value=criterion.id)
        if not criterion.evidence:
            yield loaded.problem("must_needs_evidence", *where, value=criterion.id)
    elif criterion.scoring is None:
        yield loaded.problem("needs_scoring", *where, value=criterion.id)
    elif (criterion.scoring.direction == "qualitative") == criterion.is_measured:
        yield loaded.problem("indicator_or_quality", *where, value=criterion.id)
    if criterion.against and criterion.window_months is None:
        yield loaded.problem("needs_window", *where, value=criterion.id)


def _folders(site_folder: Path | None) -> list[Path]:
    return [FOLDER] if site_folder is None else [FOLDER, site_folder / "frameworks"]
