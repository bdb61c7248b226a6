"""Whether what answers for a unit over TCP answers the same for every unit, because it does not look at the number."""

from __future__ import annotations

from drivers.bus import Line
from drivers.error import DeviceError, LinkError
from drivers.modbus.unit import Unit

HARDLY = (255, 0, 247)  # units that no device behind a gateway has
# Function, start and count; a map that begins at 0, or SunSpec's, shows what it is in one of them.
PROBES = ((3, 0, 1), (4, 0, 1), (3, 0, 10), (4, 0, 10), (3, 40000, 2))

Answer = bytes | str | None  # registers, the reason of a refusal, or nothing


class AnyUnit:
    """Compares units of a line with one that hardly exists, where all of those answer."""

    def __init__(self, line: Line, timeout_s: float) -> None:
        self._line, self._timeout_s = line, timeout_s
        self._all_answer: bool | None = None  # not asked yet

    async def answers_as(self, number: int) -> bool:
        """Whether a unit answers as one that hardly exists; what changes while we look is not compared."""
        if self._all_answer is None:
            self._all_answer = await self._do_all_answer()
        if not self._all_answer:
            return False
        first, other, second = [await self._said(unit) for unit in (number, HARDLY[0], number)]
        return all(map(_alike, first, other, second))

    async def _do_all_answer(self) -> bool:
        for number in HARDLY:
            if await self._answer(number, *PROBES[0]) is None:
                return False
        return True

    async def _said(self, number: int) -> list[Answer]:
        return [await self._answer(number, *probe) for probe in PROBES]

    async def _answer(self, number: int, function: int, start: int, count: int) -> Answer:
        try:
            return await Unit(self._line, number, self._timeout_s).read(function, start, count)
        except DeviceError as error:
            return error.reason
        except LinkError:
            return None


def _alike(first: Answer, other: Answer, second: Answer) -> bool:
    """Whether the other answer could stand between the two of a unit."""
    if not (isinstance(first, bytes) and isinstance(other, bytes) and isinstance(second, bytes)):
        return other in (first, second)
    registers = range(0, len(first), 2)
    return all(other[i : i + 2] == first[i : i + 2] or first[i : i + 2] != second[i : i + 2] for i in registers)
