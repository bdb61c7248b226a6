"""Chains of SunSpec models as devices show them, built from the definitions: an inverter, a meter, a DER."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from functools import cache

from drivers.sunspec.chain import HEAD, LAST_ID, MARKER
from drivers.sunspec.coding import CODINGS, is_number
from drivers.sunspec.definition import HEAD_WORDS, Layout, definition
from drivers.sunspec.places import Place, counters, places

Values = Mapping[str, float | str]  # by path: numbers in the point's unit, scale factors as powers of ten
Shape = Callable[[Values], list[bytes]]  # the models of a chain, from the points of model 103 and 1

PAD = b"\x80\x00"
VENDOR = HEAD.pack(64201, 17) + bytes(range(34))  # from the range that SunSpec leaves to makers
ANY_LENGTH = 60000  # registers; long enough for every group that is counted
COUNTERS = ("WH", "DCWH", "TotWhInj", "TotWhExp", "DCWhInj")
SLEEPING, TRACKING = 2, 4  # St of model 103
DER_SLEEPING, DER_RUNNING = 1, 3  # InvSt of model 701
STRING_VOLTS = 800.0
# Powers of ten with which some megawatts fit in 16 bits, and energy counts in steps of 10 Wh.
FACTORS = {"A_SF": 0, "V_SF": -1, "W_SF": 2, "Hz_SF": -2, "WH_SF": 1, "DCW_SF": 2, "Tmp_SF": -1}
RATED = {"WRtg": 1.2e6, "WRtg_SF": 2, "VARtg": 1.3e6, "VARtg_SF": 2, "ARtg": 1900, "ARtg_SF": 0, "DERTyp": 4}
DC_FACTORS = {"DCA_SF": 0, "DCV_SF": 0, "DCW_SF": 2, "DCWH_SF": 1}
PHASES = ("A", "B", "C")


def pv(of: Values) -> list[bytes]:
    """A maker's own model between the common one and a three-phase inverter, then nameplate, status and two inputs."""
    status = {"PVConn": 3, "ECPConn": 1, **_given(of, ActWh="WH")}
    return [_common(of), VENDOR, model(103, {**FACTORS, **of}), model(120, RATED), model(122, status), _mppt(of)]


def grid_meter(of: Values) -> list[bytes]:
    """A three-phase meter that sees the inverter feed in: its power is negative, as wired in most plants."""
    shown: dict[str, float | str] = {**FACTORS, "TotWh_SF": 1, "Evt": 0, **_given(of, Hz="Hz", TotWhExp="WH", A="A")}
    for phase in PHASES:
        shown |= _given(of, **{f"PhVph{phase}": f"PhVph{phase}", f"Aph{phase}": f"Aph{phase}"})
    if "W" in of:
        shown |= {"W": -float(of["W"]), **{f"Wph{phase}": -float(of["W"]) / 3 for phase in PHASES}}
    return [_common(of), model(203, shown)]


def der(of: Values) -> list[bytes]:
    """The models of IEEE 1547-2018: measurement, capacity, two DC ports."""
    runs = of.get("St") == TRACKING
    shown: dict[str, float | str] = {**FACTORS, "TotWh_SF": 1, "ACType": 3, "St": int(runs), "Alrm": 0}
    shown |= {"InvSt": DER_RUNNING if runs else DER_SLEEPING, "ConnSt": 1}
    shown |= _given(of, W="W", A="A", Hz="Hz", TotWhInj="WH", TmpCab="TmpCab")
    for number, phase in enumerate(PHASES, 1):
        shown |= _given(of, **{f"VL{number}": f"PhVph{phase}", f"AL{number}": f"Aph{phase}"})
    capacity = {"WMaxRtg": 1.2e6, "W_SF": 2, "VAMaxRtg": 1.3e6, "VA_SF": 2, "AMaxRtg": 1900, "A_SF": 0}
    ports: dict[str, float | str] = {"NPrt": 2, **DC_FACTORS}
    for port in (1, 2):
        ports |= {f"Prt[{port}].{name}": value for name, value in _input(of, port, "DCWhInj").items()}
    return [_common(of), model(701, shown), model(702, capacity), model(714, ports)]


def chain(models: list[bytes]) -> bytes:
    """The registers of a device from its base address on."""
    return b"".join([MARKER, *models, HEAD.pack(LAST_ID, 0)])


def model(model_id: int, values: Values, modules: int = 0) -> bytes:
    """A model from its id on; a point without a value is not implemented.

    `modules` repeats a group whose number its length tells; other groups are counted by a value.
    """
    there = {p.offset: p for p in _there(model_id, values, modules)}
    powers = {
        offset: int(values[p.path]) for offset, p in there.items() if p.point.type == "sunssf" and p.path in values
    }
    raws = {p.path: _raw(p, values[p.path], powers) for p in there.values() if p.path in values}
    return filled(model_id, max(p.end for p in there.values()) - HEAD_WORDS, raws)


def filled(model_id: int, length: int, raws: Values) -> bytes:
    """A model of a length with raw numbers by path, those of counts among them; the others are not implemented."""
    data = bytearray(HEAD.pack(model_id, length) + PAD * length)
    for place in _laid(model_id, length, _counts(_layout(model_id), raws)):
        if place.offset >= HEAD_WORDS:
            data[2 * place.offset : 2 * place.end] = _packed(place, raws.get(place.path))
    return bytes(data)


def _common(of: Values) -> bytes:
    return model(1, {name: of[name] for name in ("Mn", "Md", "Vr", "SN", "DA") if name in of})


def _mppt(of: Values) -> bytes:
    shown: dict[str, float | str] = {"N": 2, "Evt": 0, **DC_FACTORS}
    for module in (1, 2):
        state = {"DCSt": of["St"]} if "St" in of else {}
        shown |= {f"module[{module}].{name}": value for name, value in {**_input(of, module, "DCWH"), **state}.items()}
    return model(160, shown, modules=2)


def _input(of: Values, number: int, counter: str) -> dict[str, float | str]:
    """One of two inputs that share the power of the sun; asleep only its counter."""
    found: dict[str, float | str] = {"ID": number, "IDStr": f"String {number}"}
    if "WH" in of:
        found[counter] = float(of["WH"]) / 2
    if "DCW" in of:
        watts = float(of["DCW"]) / 2
        found |= {"DCW": watts, "DCV": STRING_VOLTS, "DCA": watts / STRING_VOLTS}
    return found


def _given(of: Values, **names: str) -> dict[str, float | str]:
    """The values that are there, under other names."""
    return {name: of[theirs] for name, theirs in names.items() if theirs in of}


def _there(model_id: int, values: Values, modules: int) -> tuple[Place, ...]:
    layout = _layout(model_id)
    by_length = next((group for group in layout.group.groups if group.count == 0), None)
    if by_length is None:
        return _laid(model_id, ANY_LENGTH, _counts(layout, values))
    return _laid(model_id, layout.group.words - HEAD_WORDS + modules * by_length.words, ())


def _counts(layout: Layout, values: Values) -> tuple[tuple[str, int], ...]:
    return tuple((name, int(values[name])) for name in counters(layout) if name in values)


@cache
def _laid(model_id: int, length: int, counts: tuple[tuple[str, int], ...]) -> tuple[Place, ...]:
    return tuple(places(_layout(model_id), length, dict(counts)).values())


def _raw(place: Place, value: float | str, powers: Mapping[int, int]) -> float | str:
    if isinstance(value, str) or place.point.type.startswith("float"):
        return value
    power = place.power if place.factor is None else powers.get(place.factor, 0)
    scaled = value / 10.0**power
    if place.point.name not in COUNTERS:
        return round(scaled)
    # What is not counted yet is not shown, and a counter begins again at its end.
    return math.floor(scaled + 1e-6) % (1 << 16 * place.point.size)


def _packed(place: Place, raw: float | str | None) -> bytes:
    size = 2 * place.point.size
    if isinstance(raw, str):
        return raw.encode()[:size].ljust(size, b"\0")
    if not is_number(place.point.type):
        return PAD if place.point.type == "pad" else bytes(size)
    code, lacking = CODINGS[place.point.type]
    return lacking.to_bytes(size, "big") if raw is None else struct.pack(">" + code, raw)


def _layout(model_id: int) -> Layout:
    found = definition(model_id)
    if found is None:
        raise ValueError(model_id)
    return found
