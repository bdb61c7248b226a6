"""One process that follows a server's N0... and tells what each value cost it.

Called as opcua_client URL VALUES SECONDS WARM_UP_S [library]. Ours counts what the driver hands
over; `library` is asyncua's own subscription with a callback a value.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from configs.text import Text
from drivers.driver import Device
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.session import Pace
from drivers.profile import Item, Profile

NAMESPACE = "urn:leafgate:bench"
PUBLISH_S, SAMPLING_S = 0.5, 0.25
POLL_S = 3600.0  # no affirming read falls into the measured time
QUEUE = 100


class Counted:
    """A handler of asyncua's subscriptions that looks at each value; `begun` when so many came."""

    def __init__(self, values: int) -> None:
        self.count, self.total, self._values = 0, 0.0, values
        self.begun = asyncio.Event()

    def datachange_notification(self, _: object, value: float, __: object) -> None:
        self.count += 1
        self.total += value
        if self.count == self._values:
            self.begun.set()


async def ours(url: str, values: int, seconds: float, warm_up: float) -> tuple[int, float]:
    """How many values came, and the CPU seconds that they cost."""
    items = {f"n{n}": Item("power", unit="W", node=f"nsu={NAMESPACE};s=N{n}") for n in range(values)}
    profile = Profile(Text("测试", "bench"), "opcua", "", items)
    device = Device("bench", profile, url=url, security="none", poll=POLL_S, sampling=SAMPLING_S)
    driver = OpcUaDriver(device, lambda: time.time_ns() // 1000, Pace(publish=PUBLISH_S))
    await driver.read()
    warm = time.monotonic() + warm_up
    while time.monotonic() < warm:
        await driver.changes()
    begun, end, count = time.process_time(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        count += len(await driver.changes())
    cost = time.process_time() - begun
    await driver.close()
    return count, cost


async def library(url: str, values: int, seconds: float, warm_up: float) -> tuple[int, float]:
    """The same by asyncua's own means."""
    from asyncua import Client

    async with Client(url) as client:
        index = await client.get_namespace_index(NAMESPACE)
        handler: Any = Counted(values)
        subscription = await client.create_subscription(PUBLISH_S * 1000, handler)
        nodes = [client.get_node(f"ns={index};s=N{n}") for n in range(values)]
        await subscription.subscribe_data_change(nodes, queuesize=QUEUE, sampling_interval=SAMPLING_S * 1000)
        await handler.begun.wait()
        await asyncio.sleep(warm_up)
        begun, before = time.process_time(), handler.count
        await asyncio.sleep(seconds)
        return handler.count - before, time.process_time() - begun


def main(url: str, values: str, seconds: str, warm_up: str, *means: str) -> None:
    follow = library if means else ours
    count, cost = asyncio.run(follow(url, int(values), float(seconds), float(warm_up)))
    print(json.dumps({"values": count, "cpu_us": cost * 1e6}))


if __name__ == "__main__":
    main(*sys.argv[1:])
