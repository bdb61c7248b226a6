"""A walk through what a server shows: its variables, where they stand, their value, unit and access. It only reads."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua

from drivers.opcua.parts import Parts
from drivers.opcua.session import Session
from drivers.opcua.units import unit_of

CALL_S = 15.0  # one request; asyncua's own timeout is mostly shorter
CHUNK = 100  # nodes in one Browse, where the server sets no lower limit: small controllers answer in one message
REFERENCES = 1000  # of one node in one answer; the rest comes by continuation points
MOST_REFERENCES = 100_000  # of one node; a server that goes on for ever is cut here
DEPTH, MOST = 20, 10_000
MOST_PLACES = 100_000  # objects and variables; about 30 MB
OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)
SERVER = ua.NodeId(ua.ObjectIds.Server)  # hundreds of variables about the server itself
PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)
LIMIT = ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse)
# Bits of AccessLevel (OPC 10000-3, 8.57).
ACCESS = {
    "read": ua.AccessLevel.CurrentRead,
    "write": ua.AccessLevel.CurrentWrite,
    "history": ua.AccessLevel.HistoryRead,
}
TOLD = (ua.AttributeIds.Value, ua.AttributeIds.DataType, ua.AttributeIds.UserAccessLevel, ua.AttributeIds.AccessLevel)


@dataclass(frozen=True, slots=True)
class Found:
    """One variable of a server."""

    node: str  # as a profile names it: nsu=URI;s=NAME
    path: str  # browse names below the root, such as Line/Tank/Level
    kind: str  # data type, such as Double; Double[] for an array
    value: object  # as it is now; None where it is bad or there is none
    status: str  # of the value, such as Good
    unit: str  # as profiles write it where known (kW, degC), else the server's own text
    access: tuple[str, ...]  # what this user may: read, write, history


@dataclass(slots=True)
class _Place:
    node: ua.NodeId
    path: str
    depth: int
    variable: bool
    unit: ua.NodeId | None = None  # where its engineering units stand


async def browse(
    session: Session, root: ua.NodeId = OBJECTS, depth: int = DEPTH, most: int = MOST
) -> AsyncIterator[Found]:
    """At most `most` variables at most `depth` steps below a node, nearest first, each once; raises LinkError.

    What a server tells of itself (the Server object) is left out.
    """
    parts = Parts(CALL_S)
    parts.limit(CHUNK)
    parts.limit(_plain((await session.read([LIMIT]))[0]))
    seen, waiting, told = {root, SERVER}, deque([_Place(root, "", 0, False)]), 0
    while waiting and told < most:
        step = [waiting.popleft() for _ in range(min(parts.most, len(waiting)))]
        for place, references in zip(step, await _below(session, [p.node for p in step], parts), strict=True):
            waiting.extend(_followed(place, references, seen, depth))
        variables = [place for place in step if place.variable][: most - told]
        for found in await _described(session, variables):
            told += 1
            yield found


def _followed(
    place: _Place, references: Sequence[ua.ReferenceDescription], seen: set[ua.NodeId], depth: int
) -> Iterator[_Place]:
    """The places to look at from here; a property is no place, but the engineering units are remembered."""
    for reference in references:
        target = reference.NodeId
        if getattr(target, "ServerIndex", 0) or getattr(target, "NamespaceUri", None):
            continue  # it stands on another server
        node = ua.NodeId(target.Identifier, target.NamespaceIndex, target.NodeIdType)
        if reference.ReferenceTypeId == PROPERTY:
            if place.variable and reference.BrowseName.Name == "EngineeringUnits":
                place.unit = node
        elif node not in seen and place.depth < depth and len(seen) < MOST_PLACES:
            seen.add(node)
            path = f"{place.path}/{reference.BrowseName.Name}".lstrip("/")
            yield _Place(node, path, place.depth + 1, reference.NodeClass == ua.NodeClass.Variable)


async def _below(session: Session, nodes: Sequence[ua.NodeId], parts: Parts) -> list[list[ua.ReferenceDescription]]:
    """What each node refers to, whole, following the server's continuation points."""
    found: list[list[ua.ReferenceDescription]] = [[] for _ in nodes]
    results = await parts.ask(nodes, lambda part: _browsed(session, part), _nothing)
    asked, alone = list(range(len(nodes))), []
    while asked:
        points = {}
        for index, result in zip(asked, results, strict=True):
            found[index] += result.References or []
            if result.StatusCode.value == ua.StatusCodes.BadNoContinuationPoints:
                alone.append(index)  # the server has too few of them to answer for several nodes at once
            elif result.ContinuationPoint and len(found[index]) < MOST_REFERENCES:
                points[index] = result.ContinuationPoint
        asked = list(points)
        results = await parts.ask(list(points.values()), lambda part: _continued(session, part), _nothing)
    for index in alone if len(nodes) > 1 else ():
        found[index] = (await _below(session, [nodes[index]], parts))[0]
    return found


async def _browsed(session: Session, nodes: Sequence[ua.NodeId]) -> list[ua.BrowseResult]:
    wanted = [
        ua.BrowseDescription(
            NodeId=node,
            BrowseDirection=ua.BrowseDirection.Forward,
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
            IncludeSubtypes=True,
            NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
            ResultMask=ua.BrowseResultMask.All,
        )
        for node in nodes
    ]
    params = ua.BrowseParameters(RequestedMaxReferencesPerNode=REFERENCES, NodesToBrowse=wanted)
    return list(await session.client.uaclient.browse(params))


async def _continued(session: Session, points: Sequence[bytes]) -> list[ua.BrowseResult]:
    params = ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=list(points))
    return list(await session.client.uaclient.browse_next(params))


def _nothing(_: str) -> ua.BrowseResult:
    return ua.BrowseResult()


async def _described(session: Session, places: Sequence[_Place]) -> list[Found]:
    """What is to say of each variable now."""
    nodes = [place.node for place in places]
    told = [await session.read(nodes, attribute) for attribute in TOLD]
    with_unit = [place for place in places if place.unit is not None]
    units = await session.read([place.unit for place in with_unit])
    unit = {id(place): unit_of(_plain(data)) for place, data in zip(with_unit, units, strict=True)}
    found = []
    for place, value, kind, *levels in zip(places, *told, strict=True):
        level = next((bits for each in levels if isinstance(bits := _plain(each), int)), 0)
        access = tuple(name for name, bit in ACCESS.items() if level & bit.mask)
        status = value.StatusCode or ua.StatusCode()
        now = None if status.is_bad() else _plain(value)
        node, text = node_text(place.node, session.namespaces), unit.get(id(place), "")
        found.append(Found(node, place.path, _kind(value, kind), now, status.name, text, access))
    return found


def node_text(node: ua.NodeId, namespaces: Sequence[str]) -> str:
    """`nsu=URI;s=NAME`, which outlives a new start of the server; `ns=2;...` where the URI cannot be written so."""
    name = str(ua.NodeId(node.Identifier, 0, node.NodeIdType).to_string())
    index = node.NamespaceIndex
    if index == 0:
        return name
    uri = namespaces[index] if index < len(namespaces) else ""
    return f"nsu={uri};{name}" if uri and ";" not in uri else f"ns={index};{name}"


def _kind(value: ua.DataValue, declared: ua.DataValue) -> str:
    """The type of the value that is there, else the declared one."""
    if value.Value is not None and value.Value.VariantType != ua.VariantType.Null:
        return f"{value.Value.VariantType.name}{'[]' if value.Value.is_array else ''}"
    node = _plain(declared)
    return str(ua.ObjectIdNames.get(node.Identifier, "")) if isinstance(node, ua.NodeId) else ""


def _plain(data: ua.DataValue) -> Any:
    return data.Value.Value if data.Value is not None else None
