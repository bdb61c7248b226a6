"""The assessment in lines for a person: the verdict, then what is missing, the gate before the points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from assistant.finding import Finding, State
from assistant.gap import Assessment
from assistant.gap_json import by_urgency, todo_of
from assistant.indicators import Measured
from assistant.wrapped import wrapped
from edge_agent.figure import Figure
from edge_agent.texts import Texts

MARKS = {
    State.MET: "[OK]",
    State.PARTLY: "[~~]",
    State.UNMET: "[!!]",
    State.NOT_APPLICABLE: "[--]",
    State.UNKNOWN: "[??]",
    State.BLOCKED: "[##]",
}
INDENT = " " * 5


def in_words(found: Assessment, texts: Texts, width: int) -> list[str]:
    """Every line; none is wider than `width` cells unless a single word is."""
    lines = list(_head(found, texts, width))
    for kind in ("must", "scored"):
        open_ones = [f for f in by_urgency(found.findings) if f.criterion.kind == kind and (f.is_open or f.todo)]
        if open_ones:
            lines += ["", texts(f"gap.group.{kind}", count=len(open_ones))]
            for finding in open_ones:
                lines += _finding(found, finding, texts, width)
    lines += _settled(found, texts, width)
    if any(f.is_open and not f.owner for f in found.findings):
        lines += ["", *wrapped(texts("gap.no_owner"), width)]
    for warning in found.warnings:
        lines += wrapped(texts("warning.line", text=warning.say(texts)), width, rest="  ")
    return lines


def rounded(value: float, digits: int) -> str:
    """A number for display by GB/T 8170: half to even, on the decimal that is printed."""
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))


def figure_text(figure: Figure) -> str:
    """A figure to four decimals, a small one to four digits; an interval by its ends, `--` when unknown."""
    if figure.low is None or figure.high is None:
        return "--"
    ends = [figure.low, figure.high] if figure.exact is None else [figure.exact]
    return "..".join(rounded(end, 4 if abs(end) >= 0.1 or not end else 3 - Decimal(end).adjusted()) for end in ends)


def _head(found: Assessment, texts: Texts, width: int) -> Iterator[str]:
    framework, score = found.framework, found.score
    yield from wrapped(texts(f"verdict.{found.verdict.value}"), width)
    yield from wrapped(
        texts("gap.basis", edition=framework.edition, title=texts.title(framework.title), day=found.day), width
    )
    counts = [f"{texts(f'state.{s.value}')} {n}" for s, n in found.gate.by_state.items() if n]
    yield from wrapped(texts("gap.gate", total=found.gate.total, counts=texts("gap.comma").join(counts)), width)
    for note in found.period_notes:
        yield from wrapped(texts("gap.period", text=note.say(texts)), width)
    points = {name: rounded(getattr(score, name), 1) for name in ("now", "possible", "of")}
    yield from wrapped(texts("gap.score", **points), width)
    if score.pass_mark is None:
        yield from wrapped(texts("gap.no_pass_mark_todo", framework=framework.id), width)
    else:
        yield from wrapped(texts("gap.pass_mark", mark=f"{score.pass_mark:g}", source=score.basis), width)


def _finding(found: Assessment, finding: Finding, texts: Texts, width: int) -> Iterator[str]:
    criterion = finding.criterion
    short = criterion.id.partition(".")[2]
    state = texts(f"state.{finding.state.value}")
    title = texts("gap.finding", id=short, title=texts.title(criterion.title), state=state)
    if finding.points.of is not None:
        numbers = {"now": rounded(finding.points.now or 0.0, 2), "of": f"{finding.points.of:g}"}
        title = texts("gap.scored", finding=title, **numbers)
    yield from wrapped(title, width, f"{MARKS[finding.state]} ")
    if finding.measured and finding.measured.figure.is_known:
        yield from wrapped(_measured(finding.measured, texts), width, INDENT)
    for reason in (r for r in finding.reasons if r not in found.period_notes):
        yield from wrapped(texts("gap.reason", text=reason.say(texts)), width, INDENT, INDENT + "  ")
    for todo in todo_of(finding):
        yield from wrapped(texts("gap.todo", text=todo.say(texts)), width, INDENT, INDENT + "  ")
    if finding.owner:
        yield from wrapped(texts("gap.owner", owner=finding.owner), width, INDENT)


def _measured(measured: Measured, texts: Texts) -> str:
    covered = "--" if measured.figure.coverage is None else rounded(measured.figure.coverage * 100, 1)
    value = figure_text(measured.figure)
    return texts("gap.indicator", value=value, unit=measured.figure.unit, formula=measured.formula, coverage=covered)


def _settled(found: Assessment, texts: Texts, width: int) -> Iterator[str]:
    for state in (State.MET, State.NOT_APPLICABLE):
        done = [f for f in found.findings if f.state is state and not f.todo]
        if done:
            names = texts("gap.comma").join(_name(done, texts))
            yield ""
            yield from wrapped(texts("gap.settled", state=texts(f"state.{state.value}"), names=names), width, rest="  ")
        if state is State.NOT_APPLICABLE:  # a waiver is never shown without who and why
            for finding in done:
                short = finding.criterion.id.partition(".")[2]
                for reason in finding.reasons:
                    yield from wrapped(texts("gap.waived", id=short, text=reason.say(texts)), width, INDENT)


def _name(findings: Iterable[Finding], texts: Texts) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.criterion.id.partition('.')[2]} {texts.title(finding.criterion.title)}"
