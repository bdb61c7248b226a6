"""What a DataValue is worth: value, quality and reason code. No I/O, no clock.

Status codes: OPC 10000-4, 7.38 and OPC 10000-8, table "Status codes".
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import ua

from drivers.reading import Quality

Judged = tuple[float | None, Quality, str | None]
# One value as it came: number of the item, value (None without one, NaN where it is no number), status, source
# time in ticks since 1601. A status or time that the server left out is 0 or an empty string, an unknown time 0.
Row = tuple[int, Any, Any, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CODE = 0xFFFF0000  # the rest are flags: limits, overflow, structure changed
SEVERITY, UNCERTAIN, BAD = 0xC0000000, 0x40000000, 0x80000000
OVERFLOW_BITS, OVERFLOW = 0xC80, 0x480  # the flags are those of a data value, and its queue ran over
TICKS = 10  # of 100 ns, in a microsecond
EPOCH_TICKS = 116_444_736_000_000_000  # from 1601-01-01 to 1970-01-01 (OPC 10000-6, 5.2.2.5)

NO_NODE: Judged = (None, Quality.ABSENT, "no_node")
# A server that has lost its own source repeats what it last knew, or sends a placeholder. That is
# no measurement, however uncertain.
NOT_MEASURED: dict[int, Judged] = {
    ua.StatusCodes.UncertainLastUsableValue: (None, Quality.STALE, "last_usable"),
    ua.StatusCodes.UncertainNoCommunicationLastUsableValue: (None, Quality.STALE, "last_usable"),
    ua.StatusCodes.UncertainInitialValue: (None, Quality.BAD, "no_source"),
    ua.StatusCodes.BadNodeIdUnknown: NO_NODE,
    ua.StatusCodes.BadNodeIdInvalid: NO_NODE,
    ua.StatusCodes.BadAttributeIdInvalid: (None, Quality.ABSENT, "no_value"),
    ua.StatusCodes.BadNotReadable: (None, Quality.BAD, "not_readable"),
    ua.StatusCodes.BadUserAccessDenied: (None, Quality.BAD, "not_readable"),
    ua.StatusCodes.BadSensorFailure: (None, Quality.BAD, "sensor_failure"),
    ua.StatusCodes.BadDeviceFailure: (None, Quality.BAD, "device_failure"),
    ua.StatusCodes.BadNoCommunication: (None, Quality.BAD, "no_source"),
    ua.StatusCodes.BadNotConnected: (None, Quality.BAD, "no_source"),
    ua.StatusCodes.BadWaitingForInitialData: (None, Quality.BAD, "no_source"),
    ua.StatusCodes.BadOutOfService: (None, Quality.BAD, "out_of_service"),
}


def row_of(index: int, data: ua.DataValue) -> Row:
    """A data value of asyncua's as the row of an item; what is not a plain number is NaN."""
    status = data.StatusCode.value if data.StatusCode is not None else 0
    ticks = 0 if data.SourceTimestamp is None else (data.SourceTimestamp - EPOCH) // MICROSECOND * TICKS + EPOCH_TICKS
    raw = data.Value.Value if data.Value is not None else None
    return index, raw if raw is None or isinstance(raw, (bool, int, float)) else math.nan, status, ticks


def judged(data: ua.DataValue, factor: float) -> Judged:
    """What `worth` says of a data value."""
    return worth(row_of(0, data), factor)


def worth(row: Row, factor: float) -> Judged:
    """The value times `factor`, or None, with its quality and reason; booleans count as 0 and 1."""
    raw, status = row[1], row[2] or 0
    known = NOT_MEASURED.get(status & CODE)
    if known is not None:
        return known
    severity = status & SEVERITY
    if severity >= BAD:
        return None, Quality.BAD, "device_error"
    if raw is None:
        return None, Quality.BAD, "no_value"
    if not math.isfinite(value := raw * factor):
        return None, Quality.BAD, "not_a_number"
    if severity == UNCERTAIN:
        return value, Quality.UNCERTAIN, "uncertain_value"
    if status & CODE == ua.StatusCodes.GoodLocalOverride:
        return value, Quality.UNCERTAIN, "overridden"
    return value, Quality.GOOD, None


def source_time(row: Row) -> int | None:
    """When the source says it was true, microseconds UTC; None where the server does not tell."""
    ticks: int = row[3] or 0
    return (ticks - EPOCH_TICKS) // TICKS if ticks > 0 else None


def overflowed(row: Row) -> bool:
    """Whether the server dropped changes of the item before this one (OPC 10000-4, 7.38.1)."""
    status: int = row[2] or 0
    return status & OVERFLOW_BITS == OVERFLOW


def place(node: str, namespaces: list[str]) -> ua.NodeId | None:
    """`nsu=URI;s=NAME` or `ns=2;i=7` as this server numbers it; None when it lacks the namespace.

    The numbers may change with every start of a server (OPC 10000-3, 8.2.2). Raises ValueError.
    """
    if not node.startswith("nsu="):
        return _node(node)
    uri, _, rest = node.removeprefix("nsu=").partition(";")
    if uri not in namespaces:
        return None
    return _node(f"ns={namespaces.index(uri)};{rest}")


def _node(text: str) -> ua.NodeId:
    try:
        return ua.NodeId.from_string(text)
    except (ua.UaError, ValueError) as error:
        raise ValueError(f"{text}: {error}") from None
