"""The past of Plant A as a CSV that `leafgate import` takes, up to the hand-over to the live plant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TextIO

from drivers.modbus.value import FLOAT32, shortest
from drivers.sim.measured import cut
from drivers.sim.measures import CT
from drivers.sim.world import CNY_PER_PIECE, MINUTE_US, NODE_US, US, Flows, World

HEADER = "tag,from,to,value,unit,note\n"
NOTE = "simulated"


def float32(value: float) -> float:
    """A value as the driver reads it from a float32 register."""
    return shortest(FLOAT32.unpack(FLOAT32.pack(value))[0])


def _decimals(ratio: float = 1.0) -> Callable[[float], float]:
    """A register with two decimals behind a ratio, as the device shows it."""
    return lambda value: cut(value / ratio, 2)


def _power(ratio: float = 1.0) -> Callable[[float], float]:
    """A momentary value with four decimals behind a ratio."""
    return lambda value: round(value / ratio, 4)


# Tag, unit, what it counts, and how its register shows that. A register of the past is never above
# what the live device shows at the hand-over.
Register = tuple[str, str, Callable[[Flows], float], Callable[[float], float]]
QUARTERLY: tuple[Register, ...] = (
    ("m1.energy_import", "kWh", lambda f: f.grid_import, _decimals(CT["m1"])),
    ("m1.energy_export", "kWh", lambda f: f.grid_export, _decimals(CT["m1"])),
    ("inv1.energy_export", "kWh", lambda f: f.pv, _decimals()),
)
HOURLY: tuple[Register, ...] = (
    ("m2.energy_import", "kWh", lambda f: f.press, _decimals(CT["m2"])),
    ("m3.energy_import", "kWh", lambda f: f.compressor, _decimals(CT["m3"])),
    ("m4.energy_import", "kWh", lambda f: f.hvac, float32),
    ("m5.energy_import", "kWh", lambda f: f.workshop, float32),
    ("press.energy_1", "kWh", lambda f: f.presses[0], _decimals()),
    ("press.energy_2", "kWh", lambda f: f.presses[1], _decimals()),
    ("w1.volume", "m3", lambda f: f.water, _decimals()),
)
# The power of the last day, minute by minute, as a screen wants it.
POWERS: tuple[Register, ...] = (
    ("m1.power", "kW", lambda f: f.grid_import - f.grid_export, _power(CT["m1"])),
    ("m2.power", "kW", lambda f: f.press, _power(CT["m2"])),
    ("m3.power", "kW", lambda f: f.compressor, _power(CT["m3"])),
    ("m4.power", "kW", lambda f: f.hvac, _power()),
    ("m5.power", "kW", lambda f: f.workshop, _power()),
    ("inv1.power", "kW", lambda f: f.pv, _power()),
    ("press.power_1", "kW", lambda f: f.presses[0], _power()),
    ("press.power_2", "kW", lambda f: f.presses[1], _power()),
)
POWER_DAY_US = 86_400 * US
DAILY: tuple[Register, ...] = (("manual.gas", "m3", lambda f: f.gas, _decimals()),)


def write_past(world: World, file: TextIO, start: int, until: int) -> int:
    """Write registers, the power of the last day, and monthly amounts; returns the number of rows.

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
    for at in sorted({*range(first, until + 1, NODE_US), until}):
        moment = datetime.fromtimestamp(at // US, world.zone).isoformat()
        now = world.energy(at)
        registers = QUARTERLY
        if moment[13:19] == ":00:00" or at == until:
            registers += HOURLY
        if moment[10:19] == "T00:00:00":
            registers += DAILY
        for tag, unit, counted, shown in registers:
            yield f"{tag},,{moment},{shown(counted(now))!r},{unit},{NOTE}\n"
    yield from _minutes(world, max(start, until - POWER_DAY_US), until)
    yield from _months(world, start, until)


def _minutes(world: World, start: int, until: int) -> Iterator[str]:
    for at in range(-(-start // MINUTE_US) * MINUTE_US, until, MINUTE_US):
        moment = datetime.fromtimestamp(at // US, world.zone).isoformat()
        now = world.power(at)
        for tag, unit, measured, shown in POWERS:
            yield f"{tag},,{moment},{shown(measured(now))!r},{unit},{NOTE}\n"


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
