"""A script of faults: a YAML of who fails how and when, counted from the start of the simulator.

faults:
  - {device: m2, fault: silent, since: 30s, until: 60s}
  - {device: line1, fault: bus_cut, since: 90s, until: 100s}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from configs.load import Loaded, load
from configs.problem import ConfigError, Problem, nearest
from configs.scalars import Seconds
from drivers.sim.faults import US, Fault, Faults, Order

LOOK_S = 0.5  # how often the file is looked at


class Step(msgspec.Struct, frozen=True):
    """One fault; without `until` it lasts."""

    device: str
    fault: Fault
    since: Seconds = Seconds(0.0)
    until: Seconds | None = None


class Script(msgspec.Struct, frozen=True):
    """The whole file."""

    faults: list[Step] = []


def load_script(path: Path, able: dict[str, tuple[Fault, ...]]) -> Script:
    """Read a script; `able` says what each device can do wrong. Raises ConfigError with every problem."""

    loaded = load(path, Script, path.name)
    problems = list(_wrong(loaded, able))
    if problems:
        raise ConfigError(problems)
    return loaded.value


def orders(script: Script, begun: int) -> list[Order]:
    """The faults of a script that runs since `begun`, microseconds UTC."""
    return [
        Order(
            step.device,
            step.fault,
            begun + round(step.since * US),
            None if step.until is None else begun + round(step.until * US),
        )
        for step in script.faults
    ]


async def follow(
    path: Path,
    able: dict[str, tuple[Fault, ...]],
    faults: Faults,
    begun: int,
    complain: Callable[[ConfigError], None],
) -> None:
    """Keep to a script for ever and take it up again whenever it is saved; a wrong one changes nothing."""
    known = -1
    while True:
        stamp = _stamp(path) or known
        if stamp != known:
            known = stamp
            try:
                faults.follow(orders(load_script(path, able), begun))
            except ConfigError as error:
                complain(error)
        await asyncio.sleep(LOOK_S)


def _wrong(loaded: Loaded[Script], able: dict[str, tuple[Fault, ...]]) -> Iterator[Problem]:
    for number, step in enumerate(loaded.value.faults):
        where = ("faults", str(number))
        if step.device not in able:
            allowed, hint = ", ".join(able), nearest(step.device, able)
            yield loaded.problem("no_device", *where, value=step.device, allowed=allowed, nearest=hint)
        elif step.fault not in able[step.device]:
            yield loaded.problem("cannot_fail_so", *where, value=step.fault, allowed=", ".join(able[step.device]))
        if step.until is not None and step.until <= step.since:
            yield loaded.problem("ends_before_it_begins", *where)


def _stamp(path: Path) -> int:
    """When the file was saved; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
