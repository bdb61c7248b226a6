"""What an electricity meter shows beside power, energy, voltage and current: all of it follows from those."""

from __future__ import annotations

import math
from collections.abc import Mapping

PHASES = ("a", "b", "c")
TARIFF_SHARES = {"t1": 0.18, "t2": 0.37, "t3": 0.30, "t4": 0.15}  # peak, high, flat, valley of a day shift
DEMAND_SHARE = 1.2  # the month's maximum, of what is drawn now
DEMAND_MOMENT = 2601051430.0  # YYMMDDhhmm
SETTLED_SHARE = 0.8  # of the register when the last month ended
METER_TEMPERATURE = 31.5  # degC


def electric(values: Mapping[str, float]) -> dict[str, float]:
    """The values of a three-phase meter in kW, kWh, V and A, and what follows from them."""
    power, factor = values["power"], values["power_factor"]
    reactive = abs(power) * math.tan(math.acos(min(abs(factor), 1.0)))
    found = dict(values)
    for phase in PHASES:
        found |= {f"power_{phase}": power / 3, f"reactive_power_{phase}": reactive / 3, f"power_factor_{phase}": factor}
        found[f"phase_angle_{phase}"] = math.degrees(math.acos(factor))
    for way in ("import", "export"):
        energy = values[f"energy_{way}"]
        found |= {f"energy_{way}_{tariff}": share * energy for tariff, share in TARIFF_SHARES.items()}
        found |= {f"energy_{way}_settled": SETTLED_SHARE * energy, f"demand_{way}_time": DEMAND_MOMENT}
        found[f"demand_{way}"] = DEMAND_SHARE * max(power if way == "import" else -power, 0.0)
    active = values["energy_import"] + values["energy_export"]
    return found | {
        "reactive_power": reactive,
        "apparent_power": math.hypot(power, reactive),
        "reactive_energy_1": active * abs(math.tan(math.acos(factor))),
        "reactive_energy_2": 0.0,
        "temperature": METER_TEMPERATURE,
        "ct_ratio": 1.0,
        "pt_ratio": 1.0,
    }
