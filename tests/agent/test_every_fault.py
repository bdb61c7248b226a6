"""Every fault of the simulated plant, injected while the agent runs: it stays with its device and passes.

Three campaigns run at once: the serial line, the sockets, the OPC UA server. Devices that never
have a fault keep their rate through all of it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from drivers.reading import Quality
from drivers.sim.faults import Fault
from drivers.sim.plant import ABLE, LINE
from edge_agent.requests import wall_clock
from edge_agent.store.reader import Sample
from tests.agent.small_plant import POLL_S, SmallPlant, small_plant

US = 1_000_000
HOLD_S = 2.5  # how long a fault that changes no quality is left on
LEAST_RATE = 0.95
Shown = tuple[Quality, str | None]
GOOD: tuple[Shown, ...] = ((Quality.GOOD, None),)
REGISTER = {"inv1": "energy_export", "w1": "volume", "press": "energy_1"}
Step = dict[tuple[str, Fault], tuple[Shown, ...]]


def bad(*reasons: str) -> tuple[Shown, ...]:
    return tuple((Quality.BAD, reason) for reason in reasons)


GONE = bad("closed", "no_port", "refused", "no_reply")
SERIAL: tuple[Step, ...] = (
    {("m2", Fault.SILENT): bad("no_reply"), ("m4", Fault.NOISY): GOOD, ("w1", Fault.ECHO): GOOD},
    {("m2", Fault.LATE): bad("no_reply"), ("m4", Fault.ECHO): GOOD, ("w1", Fault.NOISY): GOOD},
    {("m2", Fault.CHECKSUM): bad("checksum", "noise"), ("w1", Fault.CLOCK_OFF): GOOD},
    {("m2", Fault.ERROR): bad("device_error"), ("m4", Fault.FROZEN): GOOD},
    {("m4", Fault.SILENT): bad("no_reply"), ("m2", Fault.NOISY): GOOD, ("w1", Fault.FROZEN): GOOD},
    {("m4", Fault.CHECKSUM): bad("noise"), ("m2", Fault.ECHO): GOOD, ("w1", Fault.SWAPPED): GOOD},
    {("m4", Fault.ERROR): bad("device_failure"), ("m2", Fault.FROZEN): GOOD, ("w1", Fault.ROLLOVER): GOOD},
    {("m4", Fault.LATE): bad("no_reply"), ("m2", Fault.SWAPPED): GOOD},
    {("w1", Fault.SILENT): bad("no_reply"), ("m2", Fault.ROLLOVER): GOOD, ("m4", Fault.SWAPPED): GOOD},
    {("w1", Fault.CHECKSUM): bad("noise")},
    {("w1", Fault.ERROR): bad("device_error")},
    {("w1", Fault.LATE): bad("no_reply")},
)
SOCKETS: tuple[Step, ...] = tuple(
    {(device, fault): shown for device in ("inv1", "hp1")}
    for fault, shown in {
        Fault.SILENT: bad("no_reply"),
        Fault.LATE: bad("no_reply"),
        Fault.NOISY: GOOD,
        Fault.CHECKSUM: bad("noise", "no_reply"),
        Fault.ERROR: bad("device_failure"),
        Fault.FROZEN: GOOD,
        Fault.SWAPPED: GOOD,
        Fault.BUS_CUT: GONE,
    }.items()
)
PRESS: tuple[Step, ...] = tuple(
    {("press", fault): shown}
    for fault, shown in {
        Fault.ERROR: bad("device_failure", "sensor_failure"),
        Fault.FROZEN: GOOD,
        Fault.SWAPPED: GOOD,
        Fault.CLOCK_OFF: ((Quality.GOOD, "clock_off"),),
        Fault.CERT_UNTRUSTED: bad("cert_untrusted"),
        Fault.RESTARTED: GONE,
        Fault.BUS_CUT: GONE,
        Fault.SILENT: bad("no_reply"),
    }.items()
)
WATCHED = ("m1", "m3", "m5")  # never faulty before the line itself is cut


def tag_of(device: str) -> str:
    return f"{device}.{REGISTER.get(device, 'energy_import')}"


def shows(device: str, shown: tuple[Shown, ...], since: int, last: dict[str, Sample]) -> bool:
    sample = last.get(tag_of(device))
    return sample is not None and sample.seen > since and (sample.quality, sample.reason) in shown


async def campaign(small: SmallPlant, steps: tuple[Step, ...]) -> None:
    """One step after the other: set, see, clear, see it pass."""
    for step in steps:
        begun = wall_clock()
        for device, fault in step:
            small.plant.faults.set(device, fault, begun)
        for (device, fault), shown in step.items():
            await small.until(partial(shows, device, shown, begun), (device, fault, shown))
        if all(shown == GOOD for shown in step.values()):
            await asyncio.sleep(HOLD_S)
        for device, _ in step:
            small.plant.faults.clear(device)
        passed = wall_clock()
        for device, fault in step:
            await small.until(partial(shows, device, GOOD, passed), (device, fault, "passes"))


def rates(small: SmallPlant, begun: int, ended: int) -> dict[str, float]:
    """Good registers of each watched device, as a share of what its poll asks for."""
    ids = small.reader.ids()
    polls = (ended - begun) / US / POLL_S
    good = {
        name: sum(s.quality == Quality.GOOD for s in small.reader.samples(ids[tag_of(name)], begun, ended))
        for name in WATCHED
    }
    return {name: count / polls for name, count in good.items()}


def all_show(devices: list[str], shown: tuple[Shown, ...], since: int, last: dict[str, Sample]) -> bool:
    return all(shows(device, shown, since, last) for device in devices)


async def test_every_fault_stays_with_its_device_and_passes_by_itself(tmp_path: Path) -> None:
    async with small_plant(tmp_path) as small:
        devices = small.site.plant.devices
        await small.until(partial(all_show, list(devices), GOOD, 0), "every device is good")
        begun = wall_clock()
        await asyncio.gather(*(campaign(small, steps) for steps in (SERIAL, SOCKETS, PRESS)))
        seen = rates(small, begun, wall_clock())
        assert {name: rate for name, rate in seen.items() if rate < LEAST_RATE} == {}
        await the_line_is_cut_and_joined(small, [n for n in devices if devices[n].bus], list(devices))


async def the_line_is_cut_and_joined(small: SmallPlant, on_it: list[str], devices: list[str]) -> None:
    cut = wall_clock()
    small.plant.faults.set(LINE, Fault.BUS_CUT, cut)
    last = await small.until(partial(all_show, on_it, GONE, cut), "the line is cut")
    others = [device for device in devices if device not in on_it]
    assert all_show(others, GOOD, cut - round(3 * POLL_S * US), last)
    small.plant.faults.clear(LINE)
    await small.until(partial(all_show, devices, GOOD, wall_clock()), "the line is joined")


def test_the_campaigns_know_every_fault_of_every_kind_of_device() -> None:
    """A fault that the simulator learns must be tried here too."""
    tried = {pair for steps in (SERIAL, SOCKETS, PRESS) for step in steps for pair in step} | {(LINE, Fault.BUS_CUT)}
    same = {"m1": "m2", "m3": "m2", "m5": "m4"}
    wanted = {(same.get(device, device), fault) for device, faults in ABLE.items() for fault in faults}
    assert wanted - tried == set()
    assert tried - wanted == set()
