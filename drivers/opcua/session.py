"""One session with an OPC UA server, secured and pinned. A lost one is closed and never revived."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from asyncua import Client, ua

from drivers.driver import Device
from drivers.error import DriverError, LinkError
from drivers.opcua.deadline import within
from drivers.opcua.secure import enter, remember, secure

SESSION_MS = 60_000  # a session that we could not close is given up by the server after this
PROBE_S = 3600.0  # asyncua's own question after the server's state; our keep-alive timer is quicker
CLOSE_S = 2.0
MOST_PER_CALL = 500  # items in one request, when the server sets no lower limit of its own
QUEUE = 100  # changes that the server keeps for us between two publishes, per item
LIMITS = [
    ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead),
    ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall),
]
PRODUCT = ua.NodeId(ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName)

Published = Callable[[ua.PublishResult], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patient; seconds."""

    publish: float = 0.5  # the server collects changes this long
    sampling: float = 0.25  # how often the server looks whether a value changed
    keep_alive: float = 5.0  # a sign of life at least this often
    connect: float = 15.0  # RSA on a small gateway takes seconds
    call: float = 5.0  # one request and its answer


@dataclass(frozen=True, slots=True)
class Watch:
    """What a server promised of a subscription; seconds."""

    alive: float  # a sign of life comes at the latest after this
    late: float  # a change is told at the latest after this
    left_out: set[int]  # the numbers of the nodes that it does not watch


class Session:
    """An activated session; every call answers within `pace.call` or raises LinkError."""

    def __init__(self, client: Client, pace: Pace) -> None:
        self._client, self._pace = client, pace
        self.namespaces: list[str] = []
        self._most = MOST_PER_CALL

    @classmethod
    async def open(cls, device: Device, pace: Pace) -> Self:
        """Connect as plant.yaml says.

        LinkError: refused, no_reply, closed, noise, access_denied, cert_untrusted, cert_changed.
        ProfileError: no_endpoint, no_password_file, no_pki, password_in_clear.
        """
        client = Client(device.url, timeout=pace.call, watchdog_intervall=PROBE_S)
        client.name = client.description = "Leafgate"
        client.session_timeout = SESSION_MS
        session = cls(client, pace)
        try:
            await within(pace.connect, session._begin(device), connecting=True)
        except BaseException:
            await session.close()
            raise
        return session

    async def read(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        """The present value of each node, in order; a bad one carries its status and raises nothing."""
        found: list[ua.DataValue] = []
        for start in range(0, len(nodes), self._most):
            part = list(nodes[start : start + self._most])
            reading = self._client.uaclient.read_attributes(part, ua.AttributeIds.Value)
            values = await within(self._pace.call, reading)
            if len(values) != len(part):
                raise LinkError("noise", f"{len(values)} values for {len(part)} nodes")
            found += values
        return found

    async def product(self) -> str:
        """What the server says it is."""
        value = (await self.read([PRODUCT]))[0].Value
        return str(value.Value if value is not None else "") or self._client.server_url.geturl()

    async def subscribe(self, nodes: Mapping[int, ua.NodeId], published: Published) -> Watch:
        """Have every change of the nodes published, each under its number."""
        pace = self._pace
        alive = max(round(pace.keep_alive / pace.publish), 1)
        params = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=pace.publish * 1000.0,
            RequestedMaxKeepAliveCount=alive,
            RequestedLifetimeCount=max(3 * alive, round(SESSION_MS / 1000.0 / pace.publish)),  # OPC 10000-4, 5.13.2
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
        )
        watched: dict[int, float] = {}
        made = await within(pace.call, self._client.uaclient.create_subscription(params, published))
        for start in range(0, len(nodes), self._most):
            part = dict(list(nodes.items())[start : start + self._most])
            watched |= await within(pace.call, self._watch(made.SubscriptionId, part))
        publish = made.RevisedPublishingInterval / 1000.0
        late = publish + max(watched.values(), default=0.0)
        return Watch(publish * max(made.RevisedMaxKeepAliveCount, 1), late, set(nodes) - set(watched))

    async def close(self) -> None:
        """Give the session back as far as the server still listens; raises nothing."""
        protocol = self._client.uaclient.protocol
        try:
            with contextlib.suppress(DriverError):
                await within(CLOSE_S, self._client.disconnect())
        finally:
            # asyncua leaves the socket open where it has given the server up before.
            if protocol is not None and protocol.transport is not None:
                protocol.transport.abort()

    async def _begin(self, device: Device) -> None:
        server = await secure(self._client, device)
        await enter(self._client, trusted=server is None)
        remember(device, server)
        await self._learn()

    async def _learn(self) -> None:
        """How this server numbers its namespaces, and how much it takes at once."""
        self.namespaces = list(await self._client.get_namespace_array())
        for data in await self.read(LIMITS):
            limit = data.Value.Value if data.Value is not None else None
            if isinstance(limit, int) and limit > 0:
                self._most = min(self._most, limit)

    async def _watch(self, subscription: int, nodes: dict[int, ua.NodeId]) -> dict[int, float]:
        """The numbers that the server watches, and how often it looks at each, in seconds."""
        items = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=index,
                    SamplingInterval=self._pace.sampling * 1000.0,
                    QueueSize=QUEUE,
                    DiscardOldest=True,
                ),
            )
            for index, node in nodes.items()
        ]
        params = ua.CreateMonitoredItemsParameters(subscription, ua.TimestampsToReturn.Both, items)
        results = await self._client.uaclient.create_monitored_items(params)
        made = [(index, result) for index, result in zip(nodes, results, strict=True) if result.StatusCode.is_good()]
        return {index: result.RevisedSamplingInterval / 1000.0 for index, result in made}
