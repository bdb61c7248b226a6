"""What a DataValue is worth: value, quality and reason code. No I/O, no clock.

Status codes: OPC 10000-4, 7.38 and OPC 10000-8, table "Status codes".
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from asyncua import ua

from drivers.reading import Quality

Judged = tuple[float | None, Quality, str | None]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CODE = 0xFFFF0000  # the rest are flags: limits, overflow, structure changed

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


def judged(data: ua.DataValue, factor: float) -> Judged:
    """The value times `factor`, or None, with its quality and reason; booleans count as 0 and 1."""
    status = data.StatusCode or ua.StatusCode()
    known = NOT_MEASURED.get(status.value & CODE)
    if known is not None:
        return known
    if status.is_bad():
        return None, Quality.BAD, "device_error"
    raw = data.Value.Value if data.Value is not None else None
    if raw is None:
        return None, Quality.BAD, "no_value"
    if not isinstance(raw, (bool, int, float)) or not math.isfinite(raw):
        return None, Quality.BAD, "not_a_number"
    value = float(raw) * factor
    if not math.isfinite(value):
        return None, Quality.BAD, "not_a_number"
    if status.is_uncertain():
        return value, Quality.UNCERTAIN, "uncertain_value"
    if status.value & CODE == ua.StatusCodes.GoodLocalOverride:
        return value, Quality.UNCERTAIN, "overridden"
    return value, Quality.GOOD, None


def source_time(data: ua.DataValue) -> int | None:
    """When the source says it was true, microseconds UTC; None when the server does not tell."""
    stamp: datetime | None = data.SourceTimestamp
    if stamp is None:
        return None
    return (stamp - EPOCH) // MICROSECOND


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
