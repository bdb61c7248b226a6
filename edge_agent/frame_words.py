"""What a captured frame says, in words: one field a line, its name in the language, unit and error bits beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drivers.explained import Explained
from edge_agent.table import cells, padded
from edge_agent.texts import Texts

BYTES_A_LINE = 16
VALUES_A_LINE = 8
INDENT = "  "
UNIT = "unit"
MEASURED = ("value", "values")  # what the field `unit` belongs to
TITLES = ("name", "record", "model")  # what a record of a list is called by
QUIET = ("reason",)  # says something only where it has a value
# The first of each pair tells a program what the second tells a person.
SAID_TWICE = (("records", "items"), ("models", "chain"), ("registers", "by_address"))
SCALE_FACTOR = "sunssf"
# The standard's places of a reply, and whether they fit the meter that sent it.
PLACES, PLACES_FIT, PLACES_UNFIT = "fields", "standard_fits", "fields_unfit"

Row = tuple[str, str]


def frame_json(frame: Explained) -> dict[str, Any]:
    """The part of `decode --json` that one frame fills."""
    return {
        "protocol": frame.protocol,
        "valid": frame.valid,
        "address": frame.address,
        "control": frame.control,
        "fields": frame.fields,
        "error": frame.error,
    }


def frame_lines(frame: Explained, texts: Texts) -> list[str]:
    """The same for a person."""
    verdict = texts("decode.valid") if frame.valid else texts("decode.invalid", why=_coded(texts, "error", frame.error))
    head = {"address": frame.address, "control": frame.control}
    told = {name: value for name, value in head.items() if value is not None}
    rows = [*_rows(told, texts), *_rows(_once(frame.fields), texts)]
    width = max((cells(name) for name, _ in rows), default=0)
    return [f"{frame.protocol}  {verdict}", *(f"{INDENT}{padded(name, width)}  {said}".rstrip() for name, said in rows)]


def raw_lines(raw: bytes) -> list[str]:
    """The bytes as they came, sixteen a line."""
    return [raw[i : i + BYTES_A_LINE].hex(" ").upper() for i in range(0, len(raw), BYTES_A_LINE)]


def _once(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without what another one says better; the points of SunSpec are those with a capital."""
    twice = {worse for worse, better in SAID_TWICE if better in fields}
    if isinstance(fields.get(UNIT), int):
        twice.add(UNIT)  # of Modbus: the address
    if PLACES_FIT in fields:
        twice.add(PLACES_FIT)  # the name of the places says it
    if "points" in fields or "chain" in fields:
        twice |= {name for name, value in fields.items() if name[0].isupper() or isinstance(value, Mapping)}
    shown = {name: value for name, value in fields.items() if name not in twice}
    if fields.get(PLACES_FIT) is False:
        shown[PLACES_UNFIT] = shown.pop(PLACES)
    return shown


def _rows(fields: Mapping[str, Any], texts: Texts, depth: int = 0) -> Iterator[Row]:
    for name, value in fields.items():
        label = INDENT * depth + _coded(texts, "field", name)
        if _is_beside(name, fields) or (value is None and name in QUIET):
            continue
        if _is_text(value):
            yield label, value[texts.language]
        elif isinstance(value, Mapping) and "value" in value:
            yield label, _measured(value, texts)
        elif isinstance(value, Mapping):
            yield label, ""
            yield from _mapping(value, texts, depth + 1)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield label, ""
            yield from _records(value, texts, depth + 1)
        else:
            yield from _plain(label, value, texts, _unit_of(name, fields))


def _mapping(value: Mapping[str, Any], texts: Texts, depth: int) -> Iterator[Row]:
    """Registers by address stand eight a line, everything else one."""
    if not all(name.isdecimal() for name in value):
        yield from _rows(value, texts, depth)
        return
    pairs = [f"{name}: {_said(v, texts)}" for name, v in value.items()]
    for start in range(0, len(pairs), VALUES_A_LINE):
        yield INDENT * depth, ", ".join(pairs[start : start + VALUES_A_LINE])


def _records(records: Sequence[Mapping[str, Any]], texts: Texts, depth: int) -> Iterator[Row]:
    """One line for each that has something to say, and the points of a model below it."""
    lacking = []
    for number, record in enumerate(records, 1):
        title = next((_titled(record[key], texts) for key in TITLES if record.get(key) is not None), str(number))
        if record.get("type") == SCALE_FACTOR:
            continue
        if "value" in record and record["value"] is None and not record.get("reason"):
            lacking.append(title)
        elif "value" in record:
            yield INDENT * depth + title, _measured(record, texts)
        else:
            yield INDENT * depth + title, _brief(record, texts)
            yield from _records(record.get("points") or [], texts, depth + 1)
    if lacking:
        yield INDENT * depth + texts("decode.lacking"), ", ".join(lacking)


def _measured(record: Mapping[str, Any], texts: Texts) -> str:
    """Value, unit, and what else is said of it."""
    value = _said(record["value"], texts) + (
        f" {record[UNIT]}" if record.get(UNIT) and record["value"] is not None else ""
    )
    said = (record.get("note") or record.get("reason"), record.get("layout"))
    why = [_coded(texts, "bit", code or "") for code in said]
    return "  ".join(filter(None, [value, *why, str(record.get("label") or "")]))


def _brief(record: Mapping[str, Any], texts: Texts) -> str:
    shown = {k: v for k, v in record.items() if k not in TITLES and not _is_nested(v) and v is not None}
    return ", ".join(f"{_coded(texts, 'field', k)} {_said(v, texts)}" for k, v in shown.items())


def _plain(label: str, value: Any, texts: Texts, unit: str) -> Iterator[Row]:
    """A value, or a list of them in lines of eight."""
    if not isinstance(value, list) or len(value) <= VALUES_A_LINE:
        yield label, _said(value, texts) + unit
        return
    for start in range(0, len(value), VALUES_A_LINE):
        yield "" if start else label, _said(value[start : start + VALUES_A_LINE], texts) + unit


def _is_beside(name: str, fields: Mapping[str, Any]) -> bool:
    """Whether a field is the unit of another one, and is shown beside it."""
    if name == UNIT:
        return any(measured in fields for measured in MEASURED)
    return name.endswith(f"_{UNIT}") and name.removesuffix(f"_{UNIT}") in fields


def _unit_of(name: str, fields: Mapping[str, Any]) -> str:
    unit = fields.get(UNIT) if name in MEASURED else fields.get(f"{name}_{UNIT}")
    return f" {unit}" if unit and fields[name] is not None else ""


def _titled(title: Any, texts: Texts) -> str:
    return str(title[texts.language] if _is_text(title) else title)


def _is_nested(value: Any) -> bool:
    """Whether a value has lines of its own."""
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(v, Mapping) for v in value))


def _is_text(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"zh", "en"}


def _said(value: Any, texts: Texts) -> str:
    if value is None:
        return "--"
    if isinstance(value, bool):
        return texts("decode.yes" if value else "decode.no")
    if isinstance(value, str):
        return _coded(texts, "bit", value)
    if isinstance(value, Sequence):
        return ", ".join(_said(v, texts) for v in value) or texts("decode.none")
    return str(value)


def _coded(texts: Texts, kind: str, code: str | None) -> str:
    """The words of a code where the catalogue has them, or the code itself."""
    if not code:
        return "--" if code is None else ""
    key = f"decode.{kind}.{code}"
    return texts(key) if texts.has(key) else texts.why(code)
