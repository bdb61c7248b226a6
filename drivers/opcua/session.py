"""One session with an OPC UA server, secured and pinned. A lost one is closed and never revived."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from asyncua import Client, ua

from drivers.driver import Device
from drivers.error import DriverError, LinkError
from drivers.opcua.deadline import within
from drivers.opcua.notification import hook
from drivers.opcua.parts import Parts
from drivers.opcua.secure import enter, remember, secure
from drivers.opcua.user import UserClient

SESSION_MS = 60_000  # a session that we could not close is given up by the server after this
PROBE_S = 3600.0  # asyncua's own question after the server's state; our keep-alive timer is quicker
CLOSE_S = 2.0
QUEUE = 100  # changes of an item that the server keeps for us, at least
PUBLISHES_KEPT = 4  # and as many as it can find while we take none of so many publishes
FASTEST_S = 0.001  # a sampling of 0 is as fast as the server can
LIMITS = [
    ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead),
    ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall),
]
PRODUCT = ua.NodeId(ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName)

Published = Callable[[ua.PublishResult], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patient; seconds."""

    publish: float = 0.5  # the server collects changes this long
    sampling: float | None = None  # how often the server looks whether a value changed; None: as the device says
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

    def __init__(self, client: Client, pace: Pace, sampling: float) -> None:
        self.client, self._pace, self._sampling = client, pace, sampling
        self.namespaces: list[str] = []
        self._reads, self._watches = Parts(pace.call), Parts(pace.call)
        self._subscription = 0
        self._items: dict[int, int] = {}  # what the server calls our watches, by our numbers

    @classmethod
    async def open(cls, device: Device, pace: Pace) -> Self:
        """Connect as plant.yaml says.

        LinkError: refused, no_reply, closed, noise, access_denied, cert_untrusted, cert_changed.
        ProfileError: no_endpoint, no_password_file, no_user_certificate, no_user_kind, no_pki, password_in_clear.
        """
        client = UserClient(device.url, timeout=pace.call, watchdog_intervall=PROBE_S)
        client.name = client.description = "Leafgate"
        client.session_timeout = SESSION_MS
        session = cls(client, pace, device.sampling if pace.sampling is None else pace.sampling)
        try:
            await within(pace.connect, session._begin(device), connecting=True)
        except BaseException:
            await session.close()
            raise
        return session

    async def read(
        self, nodes: Sequence[ua.NodeId], attribute: ua.AttributeIds = ua.AttributeIds.Value
    ) -> list[ua.DataValue]:
        """An attribute of each node as it is now, in order; a bad one carries its status and raises nothing."""
        return await self._reads.ask(
            nodes, lambda part: self.client.uaclient.read_attributes(list(part), attribute), _unreadable
        )

    async def product(self) -> str:
        """What the server says it is."""
        value = (await self.read([PRODUCT]))[0].Value
        return str(value.Value if value is not None else "") or self.client.server_url.geturl()

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
        hook(self.client.uaclient.session)
        made = await within(pace.call, self.client.uaclient.create_subscription(params, published))
        self._subscription = made.SubscriptionId
        watched = await self.watch(nodes)
        publish = made.RevisedPublishingInterval / 1000.0
        late = publish + max(watched.values(), default=0.0)
        return Watch(publish * max(made.RevisedMaxKeepAliveCount, 1), late, set(nodes) - set(watched))

    async def watch(self, nodes: Mapping[int, ua.NodeId]) -> dict[int, float]:
        """The numbers of those nodes that the server watches from now on, and how often it looks, in seconds.

        A node that is watched already is watched anew, in the place of the watch that it had.
        """
        await self._unwatch([index for index in nodes if index in self._items])
        results = await self._watches.ask(list(nodes.items()), self._create, _unwatched)
        made = {index: r for index, r in zip(nodes, results, strict=True) if r.StatusCode.is_good()}
        self._items |= {index: r.MonitoredItemId for index, r in made.items()}
        return {index: r.RevisedSamplingInterval / 1000.0 for index, r in made.items()}

    async def close(self) -> None:
        """Give the session back as far as the server still listens; raises nothing."""
        protocol = self.client.uaclient.protocol
        try:
            with contextlib.suppress(DriverError):
                await within(CLOSE_S, self.client.disconnect())
        finally:
            # asyncua leaves the socket open where it has given the server up before.
            if protocol is not None and protocol.transport is not None:
                protocol.transport.abort()

    async def _begin(self, device: Device) -> None:
        server = await secure(self.client, device)
        await enter(self.client, trusted=server is None)
        remember(device, server)
        await self._learn()

    async def _learn(self) -> None:
        """How this server numbers its namespaces, and how much it takes at once."""
        self.namespaces = list(await self.client.get_namespace_array())
        for parts, data in zip((self._reads, self._watches), await self.read(LIMITS), strict=True):
            parts.limit(data.Value.Value if data.Value is not None else None)

    async def _create(self, nodes: Sequence[tuple[int, ua.NodeId]]) -> list[ua.MonitoredItemCreateResult]:
        """One answer for each node: whether it is watched, and how."""
        wanted = ua.MonitoringParameters(
            SamplingInterval=self._sampling * 1000.0,
            QueueSize=max(QUEUE, round(PUBLISHES_KEPT * self._pace.publish / max(self._sampling, FASTEST_S))),
            DiscardOldest=True,
        )
        items = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=replace(wanted, ClientHandle=index),
            )
            for index, node in nodes
        ]
        params = ua.CreateMonitoredItemsParameters(self._subscription, ua.TimestampsToReturn.Both, items)
        return list(await self.client.uaclient.create_monitored_items(params))

    async def _unwatch(self, indices: Sequence[int]) -> None:
        """Give watches back; a server that has given them up by itself may say what it likes."""
        ids = [self._items.pop(index) for index in indices]
        with contextlib.suppress(LinkError):  # a connection that is lost says so at the next call
            await self._watches.ask(ids, self._delete, lambda _: ua.StatusCode(ua.StatusCodes.BadTooManyOperations))

    async def _delete(self, ids: Sequence[int]) -> list[ua.StatusCode]:
        params = ua.DeleteMonitoredItemsParameters(self._subscription, list(ids))
        return list(await self.client.uaclient.delete_monitored_items(params))


def _unreadable(_: str) -> ua.DataValue:
    """A value that the server cannot send, not even alone."""
    return ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadResponseTooLarge))


def _unwatched(_: str) -> ua.MonitoredItemCreateResult:
    return ua.MonitoredItemCreateResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadTooManyOperations))
