"""The lists that a user gives a search: numbers with ranges, baud rates, parities."""

from __future__ import annotations

from drivers.wire import Wire
from edge_agent.exit import Exit, Stop
from edge_agent.scan.place import PARITIES, wires_of

LEAST_BAUD, MOST_BAUD = 300, 4_000_000


def number_list(option: str, text: str, low: int, high: int) -> list[int]:
    """`1-32,100` in the order given, each once; raises Stop."""
    found: dict[int, None] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise Stop(Exit.USAGE, "scan.bad_list", option=option, value=part, low=low, high=high)
        span = range(int(first), int(last or first) + 1)
        if not span or span[0] < low or span[-1] > high:
            raise Stop(Exit.USAGE, "scan.bad_list", option=option, value=part, low=low, high=high)
        found |= dict.fromkeys(span)
    return list(found)


def wires(baud: str, parity: str) -> list[Wire]:
    """Every pair of the two lists; empty where neither is given; raises Stop."""
    parities = [p.strip().upper() for p in parity.split(",") if p.strip()]
    for one in parities:
        if one not in PARITIES:
            raise Stop(Exit.USAGE, "scan.bad_parity", value=one, allowed=", ".join(PARITIES))
    return wires_of([int(b) for b in _bauds(baud)], parities)


def _bauds(text: str) -> list[str]:
    found = [b.strip() for b in text.split(",") if b.strip()]
    for one in found:
        if not one.isdecimal() or not LEAST_BAUD <= int(one) <= MOST_BAUD:
            raise Stop(Exit.USAGE, "scan.bad_list", option="--baud", value=one, low=LEAST_BAUD, high=MOST_BAUD)
    return found
