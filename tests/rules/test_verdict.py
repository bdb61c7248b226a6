"""The truth table of the verdict: musts gate, points never compensate, no pass mark is invented."""

from __future__ import annotations

import pytest

from assistant.finding import Finding, Points, Score, State, Verdict, score_of, verdict_of
from tests.rules.worlds import criterion

MET, PARTLY, UNMET = State.MET, State.PARTLY, State.UNMET
UNKNOWN, BLOCKED, NA = State.UNKNOWN, State.BLOCKED, State.NOT_APPLICABLE
READY, NOT_READY, CANNOT_TELL = Verdict.READY, Verdict.NOT_READY, Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("musts", "now", "possible", "mark", "verdict"),
    [
        ([MET, MET], 60, 60, 60, READY),
        ([MET, NA], 60, 60, 60, READY),
        ([], 0, 0, 0, READY),
        ([MET, PARTLY], 100, 100, 60, NOT_READY),
        ([MET, UNMET], 100, 100, 60, NOT_READY),
        ([UNKNOWN, UNMET], 100, 100, None, NOT_READY),
        ([MET], 10, 59.9, 60, NOT_READY),
        ([UNKNOWN], 10, 59.9, 60, NOT_READY),
        ([MET], 59.9, 80, 60, CANNOT_TELL),
        ([UNKNOWN], 80, 80, 60, CANNOT_TELL),
        ([BLOCKED], 80, 80, 60, CANNOT_TELL),
        ([MET], 100, 100, None, CANNOT_TELL),
    ],
)
def test_the_verdict(musts: list[State], now: float, possible: float, mark: float | None, verdict: Verdict) -> None:
    assert verdict_of(musts, Score(now, possible, 100, mark)) is verdict


def test_sums_are_compared_free_of_binary_rounding() -> None:
    parts = [Finding(criterion("C1-09"), PARTLY, Points(0.1, 0.1, 6)) for _ in range(3)]
    assert verdict_of([], score_of(parts, 0.3)) is READY


def test_what_does_not_apply_counts_nowhere_and_what_is_unknown_stays_possible() -> None:
    findings = [
        Finding(criterion("C1-01"), NA, Points()),
        Finding(criterion("C1-02"), UNKNOWN, Points(0, 8, 8)),
        Finding(criterion("C1-03"), PARTLY, Points(3, 3, 8)),
        Finding(criterion("4.3.5-far"), MET, Points()),
    ]
    score = score_of(findings)
    assert (score.now, score.possible, score.of) == (3, 11, 16)
