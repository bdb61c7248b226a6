"""The simulated plant while it runs: its faults by option or by script, and what it says of itself."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from configs.problem import ConfigError
from drivers.sim.address import Address
from drivers.sim.faults import Faults, Order, order_of
from drivers.sim.fragment import fragment
from drivers.sim.plant import ABLE, Plant
from drivers.sim.script import follow, load_script, orders
from drivers.sim.world import World
from edge_agent.cli import problem_line
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session
from edge_agent.when import iso


@dataclass
class Live:
    """One run of the plant."""

    session: Session
    world: World
    folder: Path
    port: int
    faults: tuple[str, ...]
    script: Path | None
    seconds: float | None
    as_json: bool

    async def serve(self) -> None:
        """Run until a signal or until the time is over; raises Stop and ConfigError for wrong faults."""
        begun = self.session.now()
        faults = Faults(*self._orders(begun))
        plant = Plant(self.world, self.session.now, faults)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        async with plant.serve(self.folder, self.port) as where:
            self._tell(where)
            if self.seconds is not None:
                loop.call_later(self.seconds, stopped.set)
            tasks = [asyncio.create_task(stopped.wait()), *self._following(faults, begun)]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            for task in done:
                task.result()  # a script that can no longer be followed is a fault, and is said

    def _orders(self, begun: int) -> list[Order]:
        if self.script is not None:
            return orders(load_script(self.script, ABLE), begun)
        found = []
        for text in self.faults:
            try:
                order = order_of(text, begun)
            except ValueError:
                order = None
            device = text.split(":")[0]
            if order is None or order.fault not in ABLE.get(device, ()):
                raise Stop(Exit.USAGE, "error.sim.fault", value=text, allowed=", ".join(ABLE.get(device, ABLE)))
            found.append(order)
        return found

    def _following(self, faults: Faults, begun: int) -> list[asyncio.Task[None]]:
        """The script may be edited while the plant runs."""
        if self.script is None:
            return []
        return [asyncio.create_task(follow(self.script, ABLE, faults, begun, self._complain))]

    def _complain(self, error: ConfigError) -> None:
        for problem in error.problems:
            click.echo(problem_line(self.session.texts, problem), err=True)

    def _tell(self, where: Address) -> None:
        handover = iso(self.world.handover, self.world.zone)
        if self.as_json:
            body = {"ready": True, **where.places(), "user": where.user, "password": where.password}
            self.session.document("sim", {**body, "handover": handover})
        else:
            self.session.say("sim.ready", serial=where.serial, host=where.host, handover=handover)
            self.session.say("sim.password", password=where.password)
            click.echo(fragment(where), nl=False)
        sys.stdout.flush()
