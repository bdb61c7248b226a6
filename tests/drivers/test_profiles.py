"""Every shipped profile loads, fits its protocol and names a source that somebody can read."""

from __future__ import annotations

import pytest

from configs import FOLDER
from configs.load import load, load_folders
from configs.quantity import quantities
from drivers.modbus.plan import plan
from drivers.profile import Profile
from drivers.profile_check import faults
from drivers.sim.faults import Fault, order_of
from drivers.sim.measured import cut

BEHIND_BOTH = ("reactive_power", "apparent_power", "reactive_energy", "energy_tariff", "energy_settled", "demand")
PROFILES = load_folders([FOLDER / "devices"], Profile)


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_shipped_profile_has_no_faults(name: str) -> None:
    loaded = load(FOLDER / "devices" / f"{name}.yaml", Profile)
    assert faults(loaded) == []
    assert "/" in loaded.value.source
    if loaded.value.protocol == "modbus":
        assert plan(loaded.value.items)


@pytest.mark.parametrize("name", list(PROFILES))
def test_extensive_values_of_a_secondary_meter_carry_their_ratio(name: str) -> None:
    profile = PROFILES[name].value
    wanted = {"energy_import": "power", "energy_export": "power", "power": "power", "current": "current"}
    wanted |= {"voltage": "voltage", **dict.fromkeys(BEHIND_BOTH, "power")}
    for item in profile.items.values():
        assert item.quantity in quantities()
        assert item.ratio == (None if profile.primary else wanted.get(item.quantity))


def test_a_fault_is_ordered_by_text() -> None:
    order = order_of("m1:late:2:3.5", 1_000_000)
    assert (order.device, order.fault, order.since, order.until) == ("m1", Fault.LATE, 3_000_000, 4_500_000)
    assert order_of("m1:silent", 7).since == 7
    assert order_of("m1:silent:1", 0).until is None
    for text in ("m1", "m1:nothing", "m1:late:x", ":late", "m1:late:1:2:3"):
        with pytest.raises(ValueError, match=r".*"):
            order_of(text, 0)


def test_a_register_never_shows_more_than_was_counted() -> None:
    assert (cut(1.239, 2), cut(0.29, 2), cut(8.0, 2)) == (1.23, 0.29, 8.0)
