"""Which questions fetch the items of a profile: blocks where that is fewer bytes, single items elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.dlt645.table import block_of, known
from drivers.dlt645.value import value_size
from drivers.profile import Item

FRAMING = 32  # bytes of a question and its reply with four FE each, beside identifiers and values
USUAL_TARIFFS = 5  # total and four


@dataclass(frozen=True, slots=True)
class Question:
    """One read: the items that it fetches, each with its place among the values of a block."""

    di: str
    places: tuple[tuple[str, int], ...]
    low: bool
    is_block: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.places)


def plan(items: Mapping[str, Item]) -> list[Question]:
    """The questions of a profile, in the order of its items."""
    found: list[Question] = []
    done: set[str] = set()
    for name, item in items.items():
        if name in done:
            continue
        together = _together(name, item, items)
        asked = [_block(together, items)] if _pays(together, items) else singly((name,), items)
        found += asked
        done.update(n for question in asked for n in question.names)
    return _joined(found)


def singly(names: tuple[str, ...], items: Mapping[str, Item]) -> list[Question]:
    """Each item by a question of its own; value and moment of one demand share theirs."""
    return _joined([Question(items[n].di, ((n, 0),), items[n].priority == "low") for n in names])


def _joined(questions: list[Question]) -> list[Question]:
    """Questions for the same identifier become one."""
    found: dict[tuple[str, bool], Question] = {}
    for q in questions:
        before = found.get((q.di, q.low))
        found[q.di, q.low] = Question(q.di, before.places + q.places, q.low, q.is_block) if before else q
    return list(found.values())


def _together(name: str, item: Item, items: Mapping[str, Item]) -> tuple[str, ...]:
    """The items of one priority that stand in the same block and are as long as the table says."""
    block = block_of(item.di)
    listed = known(item.di)
    if block is None or listed is None or item.bytes != listed.entry.bytes:
        return (name,)
    return tuple(
        other
        for other, its in items.items()
        if (its.priority, its.bytes) == (item.priority, item.bytes)
        and (found := block_of(its.di)) is not None
        and found.di == block.di
    )


def _pays(names: tuple[str, ...], items: Mapping[str, Item]) -> bool:
    """Whether a block costs the line fewer bytes than its items one by one."""
    size = value_size(items[names[0]])
    singles = len({items[name].di for name in names})
    each = FRAMING + len(items[names[0]].di)  # question and reply hold the identifier once each
    return singles > 1 and each + _values(names, items) * size < singles * (each + size)


def _values(names: tuple[str, ...], items: Mapping[str, Item]) -> int:
    """How many values a meter will send: all phases, or the tariffs that meters usually have."""
    places = [block.place for name in names if (block := block_of(items[name].di))]
    block = block_of(items[names[0]].di)
    whole = known(block.di) if block else None
    if whole is None or whole.axis is None:
        return len(names)
    full = whole.axis.last - whole.axis.first + 1
    return min(full, max(USUAL_TARIFFS, *(place + 1 for place in places))) if whole.axis.open else full


def _block(names: tuple[str, ...], items: Mapping[str, Item]) -> Question:
    found = {name: block for name in names if (block := block_of(items[name].di))}
    di = next(block.di for block in found.values())
    places = tuple((name, block.place) for name, block in found.items())
    return Question(di, places, items[names[0]].priority == "low", is_block=True)
