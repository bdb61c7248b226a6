"""What a dump of a SunSpec device says, or the reply to one of its questions."""

from __future__ import annotations

from typing import Any

from drivers.error import ProfileError
from drivers.explained import Explained, Hints
from drivers.sunspec.captured import captured
from drivers.sunspec.chain import BASES, HEAD, LAST_ID, MARKER, Model, heads
from drivers.sunspec.definition import HEAD_WORDS, Layout, definition
from drivers.sunspec.fields import detailed, shown
from drivers.sunspec.places import Place, places
from drivers.sunspec.recognise import model_of
from drivers.sunspec.rest import STATES
from drivers.sunspec.values import Piece, Registers, counts

PROTOCOL = "sunspec"
HEADS = ("ID", "L")
# Under which name a dump shows a model of each kind; of several the first.
ROLES = {
    1: "common",
    **dict.fromkeys(STATES, "inverter"),
    **dict.fromkeys((201, 202, 203, 204, 211, 212, 213, 214), "meter"),
    120: "nameplate",
    702: "nameplate",
    160: "mppt",
    714: "mppt",
    124: "storage",
    713: "storage",
}


def explain(raw: bytes, hints: Hints) -> list[Explained]:
    """A register dump from the marker on, or one reply; what stands before the marker is skipped.

    `hints.base` is the register that the data begins with, `hints.request` the question that tells it,
    `hints.model` the model whose registers they are.
    """
    found = captured(raw, hints)
    address, data, base = None if found.unit is None else str(found.unit), found.data, found.base
    if found.refused:
        return [Explained(PROTOCOL, True, address, fields={"refused": found.refused, "addr": base})]
    if len(data) < HEAD.size:
        return [Explained(PROTOCOL, False, address, error="too_short")]
    if hints.model is not None and not data.startswith(MARKER):
        return [Explained(PROTOCOL, True, address, fields=explain_model(data, base, hints.model))]
    try:
        fields = explain_registers(data, base)
    except ProfileError:
        fields = None  # more models than a device can have
    if fields is None:
        return [Explained(PROTOCOL, False, address, error="no_sunspec")]
    return [Explained(PROTOCOL, True, address, fields=fields)]


def explain_model(data: bytes, base: int, model: int) -> dict[str, Any]:
    """The points of a model whose registers these are, from its id on or from behind its head.

    `base` is the register of the first of them. An unknown model has no points.
    """
    layout = definition(model)
    if layout is None:
        return {"model": model, "unknown": True}
    has_head = data[:2] == model.to_bytes(2, "big")
    piece = Piece(0 if has_head else HEAD_WORDS, data)
    length = HEAD.unpack_from(data)[1] if has_head and len(data) >= HEAD.size else len(data) // 2
    start = base if has_head else base - HEAD_WORDS
    registers, there = _laid(layout, Model(model, start, length), piece)
    values = {path: value for path, value in shown(layout, there, registers).items() if path not in HEADS}
    about = {"model": model, "addr": start, "len": length, "name": layout.group.name}
    return {**about, **values, "points": detailed(there, registers)}


def explain_registers(data: bytes, base: int) -> dict[str, Any] | None:
    """The same for registers whose model is not told: a marker, a chain, a head, an end, or a known length.

    None when nothing of SunSpec can be seen in them.
    """
    if data.startswith(MARKER):
        rest = data[len(MARKER) :]
        return {"SunS": True, **(_chain(rest, base + len(MARKER) // 2) if rest else {})}
    if len(data) < HEAD.size:
        return None
    model_id, length = HEAD.unpack_from(data)
    if model_id == LAST_ID and length == 0 and len(data) == HEAD.size and base > BASES[0]:
        return {"end_of_map": True, "addr": base}
    model, has_head = model_of(data, base)
    if model is None:
        return None
    if has_head and len(data) == HEAD.size:
        layout = definition(model)
        return {"model": model, "len": length, "addr": base, "name": layout.group.name if layout else None}
    if has_head and len(data) > HEAD.size + 2 * length:
        return _chain(data, base)
    return {**explain_model(data, base, model), **({} if has_head else {"assumed_by_length": True})}


def _chain(data: bytes, base: int) -> dict[str, Any]:
    """Every model of registers that begin with a head; the ones that matter most under names of their own."""
    models, cut = _models(data, base)
    at = models[-1].end if models else base
    found: dict[str, Any] = {
        "models": [{"id": m.id, "addr": m.start, "len": m.length} for m in models],
        "end_marker": data[2 * (at - base) :][:2] == LAST_ID.to_bytes(2, "big"),
        "cut": cut,
    }
    for model in models:
        layout, role = definition(model.id), ROLES.get(model.id)
        if layout is None or role is None or role in found:
            continue
        values = explain_model(data[2 * (model.start - base) : 2 * (model.end - base)], model.start, model.id)
        del values["points"]
        found[role] = values
        if "asleep" in values:
            found["asleep"] = values["asleep"]
    return {**found, "chain": [_detailed(model, data[2 * (model.start - base) :]) for model in models]}


def _detailed(model: Model, data: bytes) -> dict[str, Any]:
    """One model of a dump with every point; one that nobody described with its registers alone."""
    data = data[: 2 * (model.end - model.start)]
    about: dict[str, Any] = {"model": model.id, "addr": model.start, "len": model.length}
    layout = definition(model.id)
    if layout is None:
        return {**about, "unknown": True, "hex": data.hex()}
    registers, there = _laid(layout, model, Piece(0, data))
    return {**about, "name": layout.group.name, "label": layout.group.label, "points": detailed(there, registers)}


def _models(data: bytes, base: int) -> tuple[list[Model], bool]:
    """The models of a dump, and whether it ends before the chain does."""
    steps, cut = heads(base), False
    try:
        span = next(steps)
        while True:
            first = 2 * (span.start - base)
            part = data[first : first + 2 * span.count]
            cut = not part
            span = steps.send(part if len(part) == 2 * span.count else None)
    except StopIteration as end:
        models: list[Model] = end.value
        return models, cut


def _laid(layout: Layout, model: Model, piece: Piece) -> tuple[Registers, dict[str, Place]]:
    registers = Registers([piece])
    return registers, places(layout, model.length, counts(layout, registers))
