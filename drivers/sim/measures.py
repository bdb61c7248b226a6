"""What each device of Plant A measures of its world: items by name, in the wire's unit.

A meter behind current transformers shows the secondary side: everything divided by its ratio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from drivers.sim.calendar import chance
from drivers.sim.electric import electric
from drivers.sim.world import KWH_PER_PIECE, PRESS_SHARES, PRESS_STANDBY_KW, US, Flows, World

WOBBLE_US = 10 * US  # voltage and frequency move this often
POWER_FACTOR = 0.93
INVERTER_EFFICIENCY = 0.98
STROKE_KW = 100.0  # a press that draws less than this does not run
WATTS = 1000.0
# CT of each meter with transformers: 4000/5, 2500/5 and 2000/5 A at 400 V.
CT = {"m1": 800.0, "m2": 500.0, "m3": 400.0}


@dataclass(frozen=True)
class Measures:
    """The values of every device of the plant at a time, microseconds UTC."""

    world: World

    def of(self, device: str) -> Callable[[int], Mapping[str, float]]:
        """The values of one device by time; raises KeyError for one that the plant does not have."""
        kinds: dict[str, Callable[[int], Mapping[str, float]]] = {
            "m1": self.grid,
            "m2": lambda at: electric(self._meter(at, "m2", lambda f: f.press)),
            "m3": lambda at: electric(self._meter(at, "m3", lambda f: f.compressor)),
            "m4": lambda at: self._meter_in_watts(at, "m4", lambda f: f.hvac),
            "m5": lambda at: self._meter_in_watts(at, "m5", lambda f: f.workshop),
            "w1": self.water,
            "inv1": self.inverter,
            "hp1": self.heat_pump,
            "press": self.presses,
        }
        return kinds[device]

    def grid(self, at: int) -> dict[str, float]:
        """The grid meter: forward is import, reverse is export."""
        power, energy = self.world.power(at), self.world.energy(at)
        net = power.grid_import - power.grid_export
        return electric(_three_phases(at, CT["m1"], net, energy.grid_import, energy.grid_export))

    def inverter(self, at: int) -> dict[str, float]:
        """The PV inverter: W, Wh, V, A; everything is positive while it generates."""
        power, energy = self.world.power(at).pv, self.world.energy(at).pv
        phases = _three_phases(at, 1.0, power, 0.0, energy)
        shown = {name: phases[name] for name in phases if name.startswith(("voltage", "current"))}
        return shown | {
            "power": power * WATTS,
            "energy_export": energy * WATTS,
            "frequency": phases["frequency"],
            "dc_power": power * WATTS / INVERTER_EFFICIENCY,
            "temperature": self.world.outdoor(at) + 8.0 + power / 50.0,
        }

    def water(self, at: int) -> dict[str, float]:
        """The water meter, m3; `settled_volume` is what it showed when the month began."""
        month = datetime.fromtimestamp(at // US, self.world.zone).replace(day=1, hour=0, minute=0, second=0)
        settled = max(int(month.timestamp()) * US, self.world.origin)
        volumes = (self.world.energy(moment).water for moment in (at, settled))
        return {**dict(zip(("volume", "settled_volume"), volumes, strict=True)), "status": 0.0}

    def heat_pump(self, at: int) -> dict[str, float]:
        """An air-source heat pump for hot water: colder air, less heat from the same power."""
        power, outdoor = self.world.power(at).heat_pump, self.world.outdoor(at)
        cop = max(1.8, min(5.0, 3.2 + 0.06 * outdoor))
        heat = power * cop
        out = 45.0 + 0.2 * power
        flow = 6.0
        return {
            "compressor_frequency": round(30.0 + 2.0 * power),
            "mode": 3.0,  # heating
            "water_out": out,
            "water_in": out - heat / (1.163 * flow),  # 1 m3/h of water carries 1.163 kW for each degree
            "outdoor_temperature": outdoor,
            "flow": flow,
            "energy_import": self.world.energy(at).heat_pump,
            "heat_power": heat,
            "power": power,
            "cop": cop,
            "error": 0.0,
        }

    def presses(self, at: int) -> dict[str, float]:
        """The press line's controller: both presses and their own meters; kW and kWh, primary."""
        power, energy = self.world.power(at).presses, self.world.energy(at).presses
        made, a_minute = self.world.made(at), _strokes_a_minute(self.world.power(at).press)
        found: dict[str, float] = {}
        for number in (1, 2):
            drawn, used = power[number - 1], energy[number - 1]
            running, share = drawn > STROKE_KW, PRESS_SHARES[number - 1] / sum(PRESS_SHARES)
            found |= {
                f"running_{number}": float(running),
                f"strokes_{number}": float(int(made * share)),  # one stroke, one piece
                f"rate_{number}": a_minute * share if running else 0.0,
                f"oil_temperature_{number}": 32.0 + drawn / 40.0 + 2.0 * chance(at // WOBBLE_US, 20 + number),
                f"energy_{number}": used,
                f"power_{number}": drawn,
            }
        return found

    def _meter(self, at: int, name: str, part: Callable[[Flows], float]) -> dict[str, float]:
        world = self.world
        return _three_phases(at, CT.get(name, 1.0), part(world.power(at)), part(world.energy(at)), 0.0)

    def _meter_in_watts(self, at: int, name: str, part: Callable[[Flows], float]) -> dict[str, float]:
        values = self._meter(at, name, part)
        return values | {"power": values["power"] * WATTS}


def _strokes_a_minute(press_kw: float) -> float:
    """Strokes a minute of the whole line at a power; what it draws standing makes no piece."""
    return max(press_kw - PRESS_STANDBY_KW, 0.0) / KWH_PER_PIECE / 60.0


def _three_phases(at: int, ct: float, power: float, imported: float, exported: float) -> dict[str, float]:
    """Three balanced phases of a meter behind current transformers; power in kW, energy in kWh."""
    beat = at // WOBBLE_US
    volts = {p: 230.0 + 6.0 * (chance(beat, salt) - 0.5) for p, salt in (("a", 11), ("b", 12), ("c", 13))}
    values = {f"voltage_{p}": round(v, 1) for p, v in volts.items()}
    amps = power * WATTS / ct / 3 / POWER_FACTOR
    values |= {f"current_{p}": amps / v for p, v in volts.items()}
    return values | {
        "energy_import": imported / ct,
        "energy_export": exported / ct,
        "power": power / ct,
        "power_factor": math.copysign(POWER_FACTOR, power),
        "frequency": 50.0 + 0.06 * (chance(beat, 14) - 0.5),
    }
