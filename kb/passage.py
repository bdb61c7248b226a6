"""Neighbouring clauses of one heading as one passage: what is weighed against a question.

A list item or a heading alone says too little to be found; a passage carries it with its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kb.clause import Clause
from kb.numbering import ORDINAL_PAREN
from kb.split import Part

PASSAGE_CHARS = 600  # measured: shorter ones part lists from their heading, longer ones blur


def passages(found: Iterable[Part]) -> Iterator[list[Clause]]:
    """The clauses in order, in groups; a new heading or a full group begins the next one."""
    group: list[Part] = []
    for part in found:
        if group and (_is_full(group, part) or _begins(group, part)):
            yield [p.clause for p in group]
            group = []
        group.append(part)
    if group:
        yield [p.clause for p in group]


def passage_text(clauses: Sequence[Clause]) -> str:
    """The text of a passage, a clause on a line."""
    return "\n".join(clause.text for clause in clauses)


def _is_full(group: Sequence[Part], part: Part) -> bool:
    if all(p.is_title for p in group):
        return False
    return _chars(group) + len(part.clause.text) > PASSAGE_CHARS


def _begins(group: Sequence[Part], part: Part) -> bool:
    """Whether the part is a heading after text: always in the upper ranks, else once the group has some size."""
    if part.mark is None or all(p.is_title for p in group):
        return False
    return part.mark.rank <= ORDINAL_PAREN or (part.is_title and _chars(group) >= PASSAGE_CHARS / 2)


def _chars(group: Sequence[Part]) -> int:
    return sum(len(part.clause.text) for part in group)
