"""What a server has kept of one node's past, oldest first; it only reads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta

from asyncua import ua

from drivers.error import DriverError
from drivers.opcua.deadline import within
from drivers.opcua.session import Session
from drivers.opcua.values import CODE, EPOCH, MICROSECOND

PAGE = 1000  # values asked for at once: about 20 kB, which every server's message limit holds
PAGE_S = 30.0  # a historian looks in files; asyncua's own timeout is mostly shorter
EMPTY_PAGES = 20  # a server may answer "not found yet" (OPC 10000-11, 6.5.3.2), but not for ever
CONFIGURED = (ua.AttributeIds.AccessLevel, ua.AttributeIds.Historizing)
NO_HISTORY = {
    ua.StatusCodes.BadHistoryOperationUnsupported,
    ua.StatusCodes.BadServiceUnsupported,
    ua.StatusCodes.BadNotImplemented,
    ua.StatusCodes.BadNotSupported,
    ua.StatusCodes.BadNotReadable,
    ua.StatusCodes.BadUserAccessDenied,
    ua.StatusCodes.BadNodeIdUnknown,
    ua.StatusCodes.BadNodeIdInvalid,
    ua.StatusCodes.BadAttributeIdInvalid,
}


@dataclass(frozen=True, slots=True)
class History:
    """What the server stored of one node, every moment once, with the status that it had."""

    values: list[ua.DataValue]  # each with its SourceTimestamp; node-opcua gives bad ones a ServerTimestamp only
    missing: tuple[int, int] | None  # microseconds UTC; what the server holds between these two was not taken
    joined: bool  # the server still knew a value at the start or before: nothing after it has been forgotten


async def read_history(session: Session, node: ua.NodeId, start: int, end: int, most: int) -> History | None:
    """At most `most` values later than `start` and up to `end`, microseconds UTC; None where it keeps no history.

    A server that has more, or breaks off, leaves `missing`. Raises LinkError.
    """
    if not await within(PAGE_S, _keeps(session, node)):
        return None
    walk = _Walk(start, end, most)
    while not walk.over:
        page = await _page(session, node, walk)
        if page.StatusCode.value & CODE in NO_HISTORY:
            return None
        walk.take(page)
    if walk.point is not None:
        with contextlib.suppress(DriverError):
            await _page(session, node, walk, release=True)
    return walk.history()


class _Walk:
    """How far one reading of the past has come; pure."""

    def __init__(self, start: int, end: int, most: int) -> None:
        self._start, self._end, self._most = start, end, most
        self.low, self.high = start, end  # of what the next request asks for
        self.point: bytes | None = None  # where the server goes on
        self.over = end <= start
        self._found: dict[int, ua.DataValue] = {}
        self._whole = True
        self._joined = self._falling = False
        self._empty = 0

    def take(self, page: ua.HistoryReadResult) -> None:
        """Add what one answer brought, and decide how to go on."""
        before, values = len(self._found), _values(page)
        times = [at for data in values if (at := _at(data)) is not None]
        for data in values:
            self._keep(data)
        self._falling = self._falling or (len(times) > 1 and times[0] > times[-1])
        self._empty = self._empty + 1 if len(self._found) == before else 0
        last, self.point = self.point, page.ContinuationPoint or None
        stuck = self._empty > EMPTY_PAGES or (self.point is not None and self.point == last and self._empty > 0)
        if page.StatusCode.is_bad() or len(self._found) > self._most or stuck:
            self._whole, self.over = False, True
        elif self.point is None:
            self._go_on(times)

    def history(self) -> History:
        times = sorted(self._found)
        kept = times[max(len(times) - self._most, 0) :] if self._falling else times[: self._most]
        missing = None
        if not self._whole:
            newest = kept[-1] if kept else self._start
            oldest = kept[0] if kept else self._end
            missing = (self._start, oldest) if self._falling else (newest, self._end)
        return History([self._found[at] for at in kept], missing, self._joined)

    def _keep(self, data: ua.DataValue) -> None:
        """One value, if it lies between the ends; of one moment there is one value (OPC 10000-11, 6.5.3.2)."""
        at = _at(data)
        if at is None or _status(data) in (ua.StatusCodes.BadBoundNotFound, ua.StatusCodes.BadBoundNotSupported):
            return
        self._joined = self._joined or at <= self._start
        if self._start < at <= self._end:
            self._found[at] = replace(data, SourceTimestamp=EPOCH + timedelta(microseconds=at))

    def _go_on(self, times: list[int]) -> None:
        """Some servers cut at the number asked for and give no continuation point: ask on from there."""
        self.over = len(times) < PAGE or self._empty > 0
        if self._falling:
            self.high = min(times, default=self.high)
        else:
            self.low = max(times, default=self.low)


async def _keeps(session: Session, node: ua.NodeId) -> bool:
    """Whether the server records this node and lets it be read; who does not say is asked for the values."""
    wanted = [ua.ReadValueId(NodeId=node, AttributeId=attribute) for attribute in CONFIGURED]
    access, records = await session.client.uaclient.read(ua.ReadParameters(NodesToRead=wanted))
    allowed = access.Value.Value if access.Value is not None else None
    readable = not isinstance(allowed, int) or bool(allowed & ua.AccessLevel.HistoryRead.mask)
    recorded = records.Value is None or records.Value.Value is not False
    return readable and recorded and _status(access) not in NO_HISTORY


async def _page(session: Session, node: ua.NodeId, walk: _Walk, release: bool = False) -> ua.HistoryReadResult:
    """One answer; both times are always given, since node-opcua refuses a request without."""
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=EPOCH + timedelta(microseconds=walk.low),
        EndTime=EPOCH + timedelta(microseconds=walk.high),
        NumValuesPerNode=PAGE,
        ReturnBounds=False,
    )
    params = ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ReleaseContinuationPoints=release,
        NodesToRead=[ua.HistoryReadValueId(NodeId=node, ContinuationPoint=walk.point)],
    )
    return await within(PAGE_S, _answered(session, params))


async def _answered(session: Session, params: ua.HistoryReadParameters) -> ua.HistoryReadResult:
    """The one result; a server without the service refuses as a whole, and that is an answer too."""
    try:
        results = await session.client.uaclient.history_read(params)
    except ua.UaStatusCodeError as error:
        if error.code not in NO_HISTORY:
            raise
        return ua.HistoryReadResult(StatusCode=ua.StatusCode(error.code))
    return results[0]


def _values(page: ua.HistoryReadResult) -> list[ua.DataValue]:
    return list(getattr(page.HistoryData, "DataValues", None) or [])


def _at(data: ua.DataValue) -> int | None:
    """When a stored value was true, microseconds UTC; None where the server does not tell."""
    stamp = data.SourceTimestamp or data.ServerTimestamp
    return None if stamp is None else (stamp - EPOCH) // MICROSECOND


def _status(data: ua.DataValue) -> int:
    return 0 if data.StatusCode is None else data.StatusCode.value & CODE
