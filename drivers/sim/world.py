"""Plant A: one coherent, deterministic world of power, energy, gas, water and pieces.

Power is linear between nodes 15 minutes apart and energy is its exact integral, so at every moment
grid_import - grid_export + pv = load = press + compressor + hvac + workshop + unmetered
holds in power and in energy.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from drivers.sim.calendar import chance, day_of

US = 1_000_000
NODE_S = 900
NODE_US = NODE_S * US
NODE_H = NODE_S / 3600
MINUTE_US = 60 * US
NODES = ("load", "pv", "press", "compressor", "hvac", "gas")  # what is known at the nodes
ZONE = ZoneInfo("Asia/Shanghai")

# Chosen so that a calendar year has about 10,400 MWh from the grid, 1,770 MWh from the sun of which
# 180 MWh are exported, 264,000 m3 of gas and 1,440,000 pieces.
PRESS_KW, PRESS_STANDBY_KW = 1250.0, 25.0
COMPRESSOR_KW, COMPRESSOR_LEAK_KW = 980.0, 65.0
HVAC_KW = 80.0  # in the coldest and in the hottest weeks
WORKSHOP_KW, WORKSHOP_NIGHT_KW = 45.0, 100.0
PV_KW = 1120.0
GAS_PROCESS_M3H, GAS_HEATING_M3H = 49.0, 32.0
KWH_PER_PIECE = 3.69
UNMETERED_SHARE = 0.03  # of the load: transformer, cables and what has no meter of its own
PRESS_SHARES = (0.55, 0.42)  # of the press line's power, by press; the rest is the hall's own
HEAT_PUMP_SHARE = 0.25  # of the power for heating, cooling and ventilation
WATER_M3H, WATER_M3_PER_KWH = 0.6, 0.0035  # people; cooling of the compressors
CNY_PER_PIECE = 85.0


@dataclass(frozen=True, slots=True)
class Flows:
    """Either power in kW and volumes in m3/h at a moment, or energy in kWh and m3 since the origin."""

    grid_import: float
    grid_export: float
    pv: float
    load: float
    press: float
    compressor: float
    hvac: float
    gas: float
    hours: float  # 1 at a moment, hours since the origin

    @property
    def unmetered(self) -> float:
        """What no meter below the first level sees."""
        return self.load * UNMETERED_SHARE

    @property
    def workshop(self) -> float:
        return self.load - self.unmetered - self.press - self.compressor - self.hvac

    @property
    def presses(self) -> tuple[float, float]:
        """Each press; what is left of the press line is its hall."""
        return self.press * PRESS_SHARES[0], self.press * PRESS_SHARES[1]

    @property
    def heat_pump(self) -> float:
        return self.hvac * HEAT_PUMP_SHARE

    @property
    def water(self) -> float:
        return self.hours * WATER_M3H + self.compressor * WATER_M3_PER_KWH


def origin_of(at: int, zone: ZoneInfo = ZONE) -> int:
    """1 January 00:00 of the year before, in the plant's zone; microseconds UTC like all times here."""
    year = datetime.fromtimestamp(at / US, zone).year - 1
    return int(datetime(year, 1, 1, tzinfo=zone).timestamp()) * US


def last_minute(at: int) -> int:
    """The whole minute at or before a time."""
    return at // MINUTE_US * MINUTE_US


def shift_to(handover: int, start_at: time, zone: ZoneInfo = ZONE) -> int:
    """What moves the plant's own day so that it shows `start_at` at the hand-over; the weekday stays."""
    local = datetime.fromtimestamp(handover / US, zone)
    wanted = datetime.combine(local.date(), start_at, zone)
    return int(wanted.timestamp() - local.timestamp()) * US


class World:
    """What is true at a time. From the hand-over on, the sun and the shifts run `shift` ahead.

    Registers are continuous there: the past up to the hand-over plus the shifted plant since. With
    a `speed` the plant lives so many times faster from then on, registers included.
    """

    def __init__(
        self,
        origin: int,
        handover: int | None = None,
        shift: int = 0,
        zone: ZoneInfo = ZONE,
        speed: float = 1.0,
    ) -> None:
        self.origin = origin
        self.handover = origin if handover is None else handover
        self.shift, self.zone, self.speed = shift, zone, speed
        self._offset = 0
        self._nodes = {name: array("d") for name in NODES}
        self._sums = {name: array("d", [0.0]) for name in (*NODES, "grid_import", "grid_export")}

    def power(self, at: int) -> Flows:
        """Power at a time."""
        node, part = self._place(self.own(at))
        now = {name: values[node] + (values[node + 1] - values[node]) * part for name, values in self._nodes.items()}
        net = now["load"] - now["pv"]
        return Flows(grid_import=max(net, 0.0), grid_export=max(-net, 0.0), hours=1.0, **now)

    def own(self, at: int) -> int:
        """The plant's own time: where its sun and its shifts stand."""
        return at if at <= self.handover else self.handover + self.shift + round((at - self.handover) * self.speed)

    def outdoor(self, at: int) -> float:
        """The temperature outside in degC, coldest before sunrise."""
        number, of_day = divmod(self.own(at) // US + self._offset, 86400)
        return day_of(number).temperature(of_day)

    def energy(self, at: int) -> Flows:
        """Energy from the origin to a time."""
        if at <= self.handover or self.own(at) == at:
            return self._energy(at)
        moments = (self.handover, self.handover + self.shift, self.own(at))
        past, begun, now = (self._energy(moment) for moment in moments)
        return Flows(*(getattr(past, n) + getattr(now, n) - getattr(begun, n) for n in Flows.__slots__))

    def pieces(self, start: int, end: int) -> int:
        """Pieces finished between two times; neighbouring periods add up."""
        return self.made(end) - self.made(start)

    def made(self, at: int) -> int:
        """Pieces finished since the origin."""
        worked = self.energy(at).press - PRESS_STANDBY_KW * (at - self.origin) / US / 3600
        return math.floor(worked / KWH_PER_PIECE + 1e-6)

    def _place(self, at: int) -> tuple[int, float]:
        """The node before a time of the plant, and the share of the way to the next."""
        node, rest = divmod(max(at - self.origin, 0), NODE_US)
        while len(self._nodes["load"]) < node + 2:
            self._extend()
        return node, rest / NODE_US

    def _energy(self, at: int) -> Flows:
        node, part = self._place(at)
        done = {name: sums[node] for name, sums in self._sums.items()}
        if part:
            first, last = ({n: v[i] for n, v in self._nodes.items()} for i in (node, node + 1))
            middle = {n: first[n] + (last[n] - first[n]) * part for n in first}
            for name, value in _integrals(first, middle, part * NODE_H).items():
                done[name] += value
        return Flows(hours=max(at - self.origin, 0) / US / 3600, **done)

    def _extend(self) -> None:
        """One more node, and the sums up to it."""
        nodes = self._nodes
        count = len(nodes["load"])
        for name, value in self._node(self.origin // US + count * NODE_S).items():
            nodes[name].append(value)
        if count:
            first, last = ({n: v[i] for n, v in nodes.items()} for i in (count - 1, count))
            for name, value in _integrals(first, last, NODE_H).items():
                self._sums[name].append(self._sums[name][-1] + value)

    def _node(self, second: int) -> dict[str, float]:
        """The plant at a node, from the calendar and hashed chance."""
        if second % 3600 == 0 or not self._nodes["load"]:
            offset = datetime.fromtimestamp(second, self.zone).utcoffset()
            self._offset = int(offset.total_seconds()) if offset else 0
        number, of_day = divmod(second + self._offset, 86400)
        day, index = day_of(number), second // NODE_S
        busy, sun = day.activity(of_day), day.sun(of_day)
        press = PRESS_STANDBY_KW + busy * PRESS_KW * (0.92 + 0.16 * chance(index, 2))
        compressor = COMPRESSOR_LEAK_KW + busy * COMPRESSOR_KW * (0.9 + 0.2 * chance(index, 3))
        climate = max(day.heating, day.cooling) * (1.0 if day.shifts else 0.4)
        hvac = HVAC_KW * (0.2 + 0.8 * climate) * (0.9 + 0.2 * chance(index, 7))
        workshop = WORKSHOP_NIGHT_KW + busy * WORKSHOP_KW * (0.9 + 0.2 * chance(index, 4))
        sky = day.clearness * (0.85 + 0.3 * chance(index, 5))
        heat = day.heating * (1.0 if day.shifts else 0.3)
        return {
            "load": (press + compressor + hvac + workshop) / (1.0 - UNMETERED_SHARE),
            "pv": PV_KW * sun**1.15 * sky if sun else 0.0,
            "press": press,
            "compressor": compressor,
            "hvac": hvac,
            "gas": GAS_PROCESS_M3H * busy * (0.9 + 0.2 * chance(index, 6)) + GAS_HEATING_M3H * heat,
        }


def _integrals(first: dict[str, float], last: dict[str, float], hours: float) -> dict[str, float]:
    """Trapezoids, and the net power above and below zero for the two registers of the grid meter."""
    sums = {name: (first[name] + last[name]) / 2 * hours for name in first}
    net, then = first["load"] - first["pv"], last["load"] - last["pv"]
    sums["grid_import"] = _above(net, then) * hours
    sums["grid_export"] = _above(-net, -then) * hours
    return sums


def _above(first: float, last: float) -> float:
    """Mean of the positive part of a line from `first` to `last`."""
    if first >= 0 and last >= 0:
        return (first + last) / 2
    if first <= 0 and last <= 0:
        return 0.0
    high = max(first, last)
    return high * high / (2 * abs(first - last))
