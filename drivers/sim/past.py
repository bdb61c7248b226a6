"""The past of Plant A as a CSV that `leafgate import` takes, up to the hand-over to the live plant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TextIO

from drivers.sim.measured import cut
from drivers.sim.plant import CT, float32
from drivers.sim.world import CNY_PER_PIECE, NODE_US, US, World

HEADER = "tag,from,to,value,unit,note\n"
METER_DECIMALS = 2  # of a DL/T 645 energy register
GAS_DECIMALS = 2
NOTE = "simulated"


def write_past(world: World, file: TextIO, start: int, until: int) -> int:
    """Write registers every 15 minutes, daily gas and monthly amounts; returns the number of rows.

    Register values are those that the device itself would show, secondary side. `start` is not
    before the origin of the world and `until` not after its hand-over, both included.
    """
    file.write(HEADER)
    count = 0
    for row in _rows(world, max(start, world.origin), min(until, world.handover)):
        file.write(row)
        count += 1
    return count


def _rows(world: World, start: int, until: int) -> Iterator[str]:
    first = -(-(start - world.origin) // NODE_US) * NODE_US + world.origin
    m1, m2 = CT["m1"], CT["m2"]
    for at in range(first, until + 1, NODE_US):
        moment = datetime.fromtimestamp(at // US, world.zone).isoformat()
        now = world.energy(at)
        yield f"m1.energy_import,,{moment},{cut(now.grid_import / m1, METER_DECIMALS)!r},kWh,{NOTE}\n"
        yield f"m1.energy_export,,{moment},{cut(now.grid_export / m1, METER_DECIMALS)!r},kWh,{NOTE}\n"
        yield f"m2.energy_import,,{moment},{cut(now.press / m2, METER_DECIMALS)!r},kWh,{NOTE}\n"
        yield f"pv.energy_export,,{moment},{float32(now.pv)!r},kWh,{NOTE}\n"
        if "T00:00:00" in moment:
            yield f"manual.gas,,{moment},{cut(now.gas, GAS_DECIMALS)!r},m3,{NOTE}\n"
    yield from _months(world, start, until)


def _months(world: World, start: int, until: int) -> Iterator[str]:
    """Pieces and output value of every whole month between two times."""
    begin = datetime.fromtimestamp(start // US, world.zone).replace(day=1, hour=0, minute=0, second=0)
    while True:
        end = (begin + timedelta(days=32)).replace(day=1)
        span = int(begin.timestamp()) * US, int(end.timestamp()) * US
        if span[1] > until:
            return
        if span[0] >= start:
            pieces = world.pieces(*span)
            months = f"{begin.isoformat()},{end.isoformat()}"
            yield f"manual.pieces,{months},{pieces},piece,{NOTE}\n"
            yield f"manual.output_value,{months},{round(pieces * CNY_PER_PIECE / 10_000, 4)!r},10kCNY,{NOTE}\n"
        begin = end
