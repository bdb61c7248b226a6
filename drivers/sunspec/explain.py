"""What a dump of a SunSpec device says, or the reply to one of its questions."""

from __future__ import annotations

from typing import Any

from drivers.error import ProfileError
from drivers.explained import Explained, Hints
from drivers.sunspec.captured import captured
from drivers.sunspec.chain import BASES, HEAD, LAST_ID, MARKER, Model, heads
from drivers.sunspec.definition import HEAD_WORDS, Layout, definition
from drivers.sunspec.fields import bad_factors, detailed, shown
from drivers.sunspec.places import Place, places
from drivers.sunspec.recognise import fits, model_of
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
    `hints.model` the model whose registers they are; with the question the base is the model's start.
    """
    found = captured(raw, hints)
    address, data, base = None if found.unit is None else str(found.unit), found.data, found.base
    if found.refused:
        return [Explained(PROTOCOL, True, address, fields={"refused": found.refused, "addr": base})]
    if len(data) < HEAD.size:
        return [Explained(PROTOCOL, False, address, error="too_short")]
    if hints.model is not None and not data.startswith(MARKER):
        return [Explained(PROTOCOL, True, address, fields=explain_model(data, base, hints.model, found.start))]
    try:
        fields = explain_registers(data, base)
    except ProfileError:
        fields = None  # more models than a device can have
    if fields is None:
        return [Explained(PROTOCOL, False, address, error="no_sunspec")]
    return [Explained(PROTOCOL, True, address, fields=fields)]


def explain_model(data: bytes, base: int, model: int, start: int | None = None) -> dict[str, Any]:
    """The points of a model whose registers these are, from its id on, from behind its head, or from within it.

    `base` is the register of the first of them, `start` that of the model's id where it is known. An
    unknown model has no points. What speaks against the model stands in `problem`, the remedy in `hint`.
    """
    layout = definition(model)
    if layout is None:
        return {"model": model, "unknown": True}
    has_head = data[:2] == model.to_bytes(2, "big")
    is_within = start is not None and base >= start + HEAD_WORDS
    offset = base - start if start is not None and is_within else 0 if has_head else HEAD_WORDS
    is_headed = offset == 0 and len(data) >= HEAD.size
    length = HEAD.unpack_from(data)[1] if is_headed else max(offset + len(data) // 2 - HEAD_WORDS, 0)
    of = Model(model, base - offset, length)
    registers, there = _laid(layout, of, Piece(offset, data))
    values = {path: value for path, value in shown(layout, there, registers).items() if path not in HEADS}
    problem = _length_problem(layout, of) if is_headed else {}
    wrong = bad_factors(there, registers)
    if wrong:
        problem |= {"problem": "bad_factor", "bad_factors": wrong}
        problem |= {} if is_headed or is_within else {"hint": "give_base"}
    about = {"model": model, "addr": of.start, "len": length, "name": layout.group.name}
    return {**about, **problem, **values, "points": detailed(there, registers)}


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
    about |= _length_problem(layout, model)
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


def _length_problem(layout: Layout, model: Model) -> dict[str, Any]:
    """What is to say of a model that a maker gave another length than the standard has."""
    if fits(layout, model.length):
        return {}
    usual = {} if layout.group.groups else {"standard_len": layout.group.words - HEAD_WORDS}
    return {"problem": "nonstandard_length", **usual}


def _laid(layout: Layout, model: Model, piece: Piece) -> tuple[Registers, dict[str, Place]]:
    """Where the points stand; of a group whose count is not among the registers as many as fit."""
    registers = Registers([piece])
    known = counts(layout, registers)
    if piece.start > HEAD_WORDS:
        known = {name: count or model.length for name, count in known.items()}
    return registers, places(layout, model.length, known)
