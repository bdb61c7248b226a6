"""Neighbouring clauses of one heading as one passage: what is weighed against a question.

A list item or a heading alone says too little to be found; a passage carries it with its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kb.clause import Clause
from kb.numbering import ARTICLE, ORDINAL_PAREN
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
    """Whether the part is a heading after text: always a title of the upper ranks, else once the group has some size.

    What follows a colon belongs to it: the conditions of an article stay with the article.
    """
    if part.mark is None or all(p.is_title for p in group) or group[-1].clause.text.endswith(("：", ":")):
        return False
    is_upper = part.mark.rank <= ARTICLE or (part.mark.rank <= ORDINAL_PAREN and part.is_title)
    is_item = group[-1].mark is not None and group[-1].mark.rank == part.mark.rank and not part.is_title
    return is_upper or (not is_item and _chars(group) >= PASSAGE_CHARS / 2)


def _chars(group: Sequence[Part]) -> int:
    return sum(len(part.clause.text) for part in group)
