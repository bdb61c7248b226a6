"""What a reading is beside its number, as runs: no value, quality, reason; nothing where all are good values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby, repeat
from operator import itemgetter

from edge_agent.store.codec.pack import Packer, Unpacker

State = tuple[int, int, str | None]  # kind of value, 0 for a number; quality; reason
_KIND_BITS, _KIND = 2, 3


def put_states(
    packer: Packer, kinds: Sequence[int] | None, qualities: Sequence[int], reasons: Sequence[str | None]
) -> None:
    """Take in the states of rows; `kinds` is None where every value is a number."""
    if kinds is None and not any(qualities) and reasons.count(None) == len(reasons):
        packer.number(0)
        return
    states = zip(kinds or repeat(0, len(reasons)), qualities, reasons, strict=True)
    runs = [(state, len(list(run))) for state, run in groupby(states)]
    table = {state: number for number, state in enumerate(dict.fromkeys(map(itemgetter(0), runs)))}
    packer.number(len(table))
    for kind, quality, reason in table:
        packer.number((quality << 1 | (reason is not None)) << _KIND_BITS | kind)
        if reason is not None:
            packer.text(reason)
    packer.number(len(runs))
    packer.series([table[state] for state, _ in runs])
    packer.series([length for _, length in runs])


def take_states(unpacker: Unpacker) -> list[State] | None:
    """The state of every row; None where all are good values."""
    table: list[State] = []
    for _ in range(unpacker.number()):
        bits = unpacker.number()
        rest = bits >> _KIND_BITS
        table.append((bits & _KIND, rest >> 1, unpacker.text() if rest & 1 else None))
    if not table:
        return None
    runs = unpacker.number()
    kinds, lengths = unpacker.series(runs), unpacker.series(runs)
    return list(chain.from_iterable(map(repeat, map(table.__getitem__, kinds), lengths)))
