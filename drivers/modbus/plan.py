"""Which reads fetch the items of a profile: neighbours together, never across a hole.

Many devices refuse a read that touches a register they do not have, so only items that follow
each other without a gap are read at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.modbus.pdu import BIT_FUNCTIONS, MOST_REGISTERS, width
from drivers.profile import Item


@dataclass(frozen=True, slots=True)
class Block:
    """One read: `count` registers or bits from `start`, and the names of the items inside."""

    function: int
    start: int
    count: int
    names: tuple[str, ...]

    def cut(self, data: bytes, item: Item) -> bytes:
        """The registers of one item out of the reply; a bit becomes one register."""
        place = (item.register or 0) - self.start
        if self.function in BIT_FUNCTIONS:
            return bytes([0, data[place // 8] >> place % 8 & 1])
        return data[2 * place : 2 * (place + width(item))]


def plan(items: Mapping[str, Item]) -> list[Block]:
    """The fewest reads without holes; items that share registers share the read."""
    blocks: list[Block] = []
    for name, item in sorted(items.items(), key=lambda pair: (pair[1].function, pair[1].register or 0)):
        start = item.register or 0
        last = blocks[-1] if blocks else None
        if last and last.function == item.function and start <= last.start + last.count:
            count = max(last.count, start + width(item) - last.start)
            if count <= MOST_REGISTERS:
                blocks[-1] = Block(last.function, last.start, count, (*last.names, name))
                continue
        blocks.append(Block(item.function, start, width(item), (name,)))
    return blocks


def singly(block: Block, items: Mapping[str, Item]) -> list[Block]:
    """The same items, each with a read of its own, for devices that refuse longer ones."""
    return [Block(block.function, items[n].register or 0, width(items[n]), (n,)) for n in block.names]
