"""What `leafgate bench` tells: each figure beside its goal and how it is measured, or why it cannot be taken here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_agent.table import table
from edge_agent.texts import Texts

HEAD = ("name", "ratio", "goal", "verdict", "detail")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: a ratio to a limit of the same run, or a size; `ratio` is None where it could not be taken.

    `why` is then the code for it. `detail` is a code too: what the figure was taken of.
    """

    group: str  # the words of how it is measured are those of its group
    name: str
    ratio: float | None
    goal: float  # at most, or where `least` at least
    figures: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    least: bool = False
    detail: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.ratio is None:
            return None
        return self.ratio >= self.goal if self.least else self.ratio <= self.goal

    @property
    def sign(self) -> str:
        """How the ratio is to stand to the goal."""
        return ">=" if self.least else "<="

    def as_json(self) -> dict[str, Any]:
        """`group, name, ratio, sign, goal, met, figures{}, why, detail`."""
        return {
            "group": self.group,
            "name": self.name,
            "ratio": self.ratio,
            "sign": self.sign,
            "goal": self.goal,
            "met": self.is_met,
            "figures": dict(self.figures),
            "why": self.why or None,
            "detail": self.detail or None,
        }


def lines(rows: Iterable[Row], texts: Texts) -> list[str]:
    """One table for each group below the words of how it is measured."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    told: list[str] = []
    for group, members in groups.items():
        told.append(texts(f"bench.basis.{group}"))
        head = [texts(f"bench.head.{key}") for key in HEAD]
        told += table(head, [_cells(row, texts) for row in members], right={1, 2}).split("\n")
    return told


def _cells(row: Row, texts: Texts) -> list[str]:
    ratio = "--" if row.ratio is None else f"{row.ratio:.3f}"
    verdict = {True: "met", False: "missed", None: "none"}[row.is_met]
    said = [texts(f"bench.why.{code}") for code in (row.why, row.detail) if code]
    detail = ", ".join([*said, *(f"{name} {value:.6g}" for name, value in row.figures.items())])
    return [row.name, ratio, f"{row.sign} {row.goal:g}", texts(f"bench.{verdict}"), detail]
