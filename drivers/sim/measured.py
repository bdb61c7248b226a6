"""What a simulated device shows of the world, after the faults that change its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.profile import Profile
from drivers.reading import Kind
from drivers.sim.faults import Fault, Faults

ROLLOVER_LEFT = 0.05  # kWh or m3 that a register still counts when the rollover begins
Values = Callable[[int], Mapping[str, float]]  # items by name at a time, in the wire's unit


@dataclass(frozen=True)
class Measured:
    """The values of one device by item; microseconds UTC. Registers end at their modulus."""

    name: str
    profile: Profile
    values: Values

    def at(self, now: int, faults: Faults) -> dict[str, float]:
        """Every item at a time, in the wire's unit."""
        frozen = faults.since(self.name, Fault.FROZEN, now)
        found = dict(self.values(now if frozen is None else frozen))
        swapped = faults.since(self.name, Fault.SWAPPED, now)
        rolling = faults.since(self.name, Fault.ROLLOVER, now)
        for name, item in self.profile.items.items():
            if item.kind_or_default != Kind.COUNTER or name not in found:
                continue
            if swapped is not None:
                found[name] -= self.values(swapped)[name]
            if item.modulus is not None:
                if rolling is not None:
                    found[name] += item.modulus - ROLLOVER_LEFT - self.values(rolling)[name]
                found[name] %= item.modulus
        return found


def cut(value: float, decimals: int) -> float:
    """A register as displayed: what is not counted yet is not shown."""
    return float(int(value * 10**decimals + 1e-6) / 10**decimals)
