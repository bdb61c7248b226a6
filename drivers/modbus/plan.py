"""Which reads fetch the items of a profile at the least time on the line.

A device may refuse a read that touches a register it lacks, so a read goes over a hole only where the
profile allows it and where that is quicker than one more question. No item is ever cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from drivers.modbus.pdu import BIT_FUNCTIONS
from drivers.modbus.value import width
from drivers.profile import Item, Reads
from drivers.wire import Wire

FRAME_BYTES = 8 + 5  # of RTU: a question, and a reply without its data
GAP_BYTES = 3.5  # before and after a frame; Modbus over serial line V1.02, 2.5.1.1
LEAST_GAP_S = 0.00175  # the same above 19200 baud
TURNAROUND_S = 0.005  # a device needs at least so long for any reply
BITS_PER_REGISTER = 16
REGISTERS = (b"\0\0", b"\0\1")  # of a bit
FREE = 10_000.0  # without a wire registers cost nothing beside a question

Span = tuple[int, int]  # first register or bit, and the one behind the last


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """One read: `count` registers or bits from `start`, and the names of the items inside."""

    function: int
    start: int
    count: int
    names: tuple[str, ...]
    low: bool = False

    def registers(self, data: bytes) -> bytes:
        """What a reply holds, two bytes for each register; a bit becomes a register."""
        if self.function not in BIT_FUNCTIONS:
            return data
        return b"".join([REGISTERS[data[bit // 8] >> bit % 8 & 1] for bit in range(self.count)])


def question_cost(wire: Wire | None) -> float:
    """How many registers take as long on this line as one more question does."""
    if wire is None:
        return FREE
    gaps_s = 2 * max(GAP_BYTES * wire.byte_s, LEAST_GAP_S)
    return (FRAME_BYTES + (gaps_s + TURNAROUND_S) / wire.byte_s) / 2


def plan(items: Mapping[str, Item], reads: Reads | None = None, question: float = FREE) -> list[Block]:
    """The cheapest reads, those of high priority first; `question` as `question_cost` has it.

    An item of low priority rides along where a read of high priority covers its registers anyway.
    """
    reads = reads or Reads()
    blocks = _blocks({n: i for n, i in items.items() if i.priority == "high"}, reads, question)
    left: dict[str, Item] = {}
    for name, item in items.items():
        if item.priority == "low":
            host = next((at for at, block in enumerate(blocks) if _covers(block, item)), None)
            if host is None:
                left[name] = item
            else:
                blocks[host] = replace(blocks[host], names=(*blocks[host].names, name))
    return blocks + _blocks(left, reads, question)


def split(block: Block, items: Mapping[str, Item]) -> list[Block]:
    """What to ask instead of a refused read: the parts between its holes, else its halves; nothing of a single item."""
    names = sorted(block.names, key=lambda n: _span(items[n]))
    holes = [at for at in range(1, len(names)) if _span(items[names[at]])[0] > _end(names[:at], items)]
    if not holes:
        places = sorted({_span(items[n]) for n in names})
        if len(places) == 1:
            return []
        middle = places[len(places) // 2]
        holes = [next(at for at, n in enumerate(names) if _span(items[n]) == middle)]
    cuts = [0, *holes, len(names)]
    return [_block(names[begin:end], items) for begin, end in pairwise(cuts)]


def _blocks(items: Mapping[str, Item], reads: Reads, question: float) -> list[Block]:
    names = sorted(items, key=lambda n: (items[n].function, _span(items[n])))
    found: list[Block] = []
    for _, group in groupby(names, key=lambda n: items[n].function):
        found += _cheapest(list(group), items, reads, question)
    return found


def _cheapest(names: Sequence[str], items: Mapping[str, Item], reads: Reads, question: float) -> list[Block]:
    """Of all ways to part the items in the order of their registers, the one of least cost."""
    unit = 1 / BITS_PER_REGISTER if items[names[0]].function in BIT_FUNCTIONS else 1.0
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * len(names)  # cost so far, where the last begins
    for first in range(len(names)):
        for behind, count in _lengths(names[first:], items, reads):
            cost = best[first][0] + question + unit * count
            if cost < best[first + behind][0]:
                best[first + behind] = (cost, first)
    found: list[Block] = []
    end = len(names)
    while end:
        begin = best[end][1]
        found.insert(0, _block(names[begin:end], items))
        end = begin
    return found


def _lengths(names: Sequence[str], items: Mapping[str, Item], reads: Reads) -> Iterable[tuple[int, int]]:
    """How many of the items from the first on one read may fetch, each with the read's length."""
    function = items[names[0]].function
    most = reads.most_bits if function in BIT_FUNCTIONS else reads.most
    start, end = alone = _span(items[names[0]])
    for place, name in enumerate(names):
        first, behind = _span(items[name])
        span = (start, max(end, behind))
        if first - end > reads.hole:
            return
        if span != alone and (span[1] - start > most or _forbidden(function, span, reads)):
            return
        end = span[1]
        yield place + 1, end - start


def _forbidden(function: int, span: Span, reads: Reads) -> bool:
    """Whether a read of more than one item must not touch these registers."""
    ranges = (r for r in reads.forbidden if function in (r[2:] or [function]))
    return any(first < span[1] and span[0] <= last for first, last, *_ in ranges)


def _covers(block: Block, item: Item) -> bool:
    start, behind = _span(item)
    return block.function == item.function and block.start <= start and behind <= block.start + block.count


def _span(item: Item) -> Span:
    start = item.register or 0
    return start, start + width(item)


def _end(names: Iterable[str], items: Mapping[str, Item]) -> int:
    return max(_span(items[n])[1] for n in names)


def _block(names: Sequence[str], items: Mapping[str, Item]) -> Block:
    start = min(items[n].register or 0 for n in names)
    low = all(items[n].priority == "low" for n in names)
    return Block(items[names[0]].function, start, _end(names, items) - start, tuple(names), low)
