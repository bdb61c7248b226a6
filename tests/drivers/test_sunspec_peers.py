"""pysunspec2 as the oracle: of every definition, of every value in random chains, and as a reader of our devices."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.error import DeviceError
from drivers.sim.carrier import serve_tcp
from drivers.sim.faults import Faults
from drivers.sim.inverter import Inverter
from drivers.sim.plant import HOST, shipped
from drivers.sim.sunspec_chain import FACTORS, Shape, der, grid_meter, pv
from drivers.sunspec.chain import BASES, HEAD
from drivers.sunspec.coding import CODINGS, TEXTS, is_number
from drivers.sunspec.definition import HEAD_WORDS, definition, described
from drivers.sunspec.places import Place, counters, places
from drivers.sunspec.values import Registers, whole
from tests.conftest import missing
from tests.drivers.conftest import NOON, noon
from tests.drivers.held import Held, chain, unknown
from tests.drivers.test_inverter import UNIT, Sun
from tests.drivers.test_sunspec import captured, walked

# What the drivers are asked for, and all the rest that has a definition.
WANTED = [
    1, 101, 102, 103, 111, 112, 113, 120, 121, 122, 123, 124, 160,
    201, 202, 203, 204, 211, 212, 213, 214, *range(701, 715),
]  # fmt: skip
REST = [model_id for model_id in described() if model_id not in WANTED]
LONGEST = 60000
# Ids that pysunspec2 has no definition for.
UNKNOWN = [900, 4321, 64201, 65534]


def theirs(module: str) -> Any:
    """A module of pysunspec2; it has no types."""
    if importlib.util.find_spec("sunspec2") is None:
        missing("peers", "the package pysunspec2 is not installed")
    return importlib.import_module(f"sunspec2.{module}")


def test_not_implemented_is_the_same_for_every_type() -> None:
    mb = theirs("mb")
    for name, (_, lacking) in CODINGS.items():
        size = mb.point_type_info[name].len
        assert mb.create_unimpl_value(name) == lacking.to_bytes(2 * size, "big")


words = st.sampled_from([b"\x80\x00", b"\xff\xff", b"\0\0", b"\x7f\xc0", b"\0\x01"]) | st.binary(min_size=2, max_size=2)
factors = st.sampled_from([b"\x80\x00"]) | st.integers(-12, 12).map(lambda n: n.to_bytes(2, "big", signed=True))


@st.composite
def known(draw: st.DrawFn, model_id: int) -> bytes:
    """A model with random registers where numbers stand, plain words where strings do, and counts that fit."""
    layout = definition(model_id)
    assert layout is not None
    counts = {name: draw(st.integers(1, 3)) for name in counters(layout)}
    length = layout.group.words - HEAD_WORDS
    if counts or any(group.count is None for group in layout.group.groups):
        length = max(place.end for place in places(layout, LONGEST, counts).values()) - HEAD_WORDS
    elif layout.group.groups:
        length += draw(st.integers(0, 4)) * layout.group.groups[0].words
    if model_id == 1:
        length -= draw(st.integers(0, 1))
    data = bytearray(HEAD.pack(model_id, length) + draw(st.binary(min_size=2 * length, max_size=2 * length)))
    for place in places(layout, length, counts).values():
        span = slice(2 * place.offset, 2 * place.end)
        if place.path in counts:
            data[span] = counts[place.path].to_bytes(2, "big")
        elif place.point.type == "sunssf":
            data[span] = draw(factors)
        elif place.point.type == "string":
            text = draw(st.text("abcXYZ-.019", max_size=min(2 * place.point.size, 20)))
            data[span] = text.encode().ljust(2 * place.point.size, b"\0")
        elif place.offset >= HEAD_WORDS and draw(st.booleans()):
            data[span] = draw(words) + bytes(2 * place.point.size - 2)
    return bytes(data)


unknowns = st.builds(unknown, st.sampled_from(UNKNOWN), st.sampled_from([0, 1, 17, 124, 125, 126, 226, 300]))


def scanned(device: Held) -> Any:
    """The same registers as pysunspec2 sees them."""
    client = theirs("modbus.client")

    class Memory(client.SunSpecModbusClientDevice):  # type: ignore[misc, name-defined]
        def read(self, addr: int, count: int) -> bytes:
            data = device.registers(int(addr), int(count))
            if data is None:
                raise client.SunSpecModbusClientException("Modbus exception 2")
            return data

    memory = Memory()
    memory.scan()
    return memory


def in_order(oracle: Any) -> list[Any]:
    """Its models as they stand; `model_list` has only those that it knows."""
    found = [model for name, same in oracle.models.items() if isinstance(name, int) for model in same]
    return sorted(found, key=lambda model: int(model.model_addr))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.sampled_from([1, 103, 113, 160, 203]).flatmap(known) | unknowns, max_size=5), st.sampled_from(BASES))
def test_any_chain_is_walked_and_decoded_as_pysunspec2_does(models: list[bytes], base: int) -> None:
    device = Held({base: chain(*models)})
    ours, listed = walked(device), in_order(scanned(device))
    assert [(m.id, m.start, m.length) for m in ours] == [(m.model_id, m.model_addr, m.model_len) for m in listed]
    assert [HEAD.pack(m.id, m.length) for m in ours] == [m[: HEAD.size] for m in models]
    for data, model in zip(models, listed, strict=True):
        if definition(model.model_id) is not None:
            agree(data, model)


@pytest.mark.parametrize("model_id", WANTED)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_point_of_a_model_has_the_value_that_pysunspec2_gives_it(model_id: int, data: st.DataObject) -> None:
    decoded_alike(data.draw(known(model_id)))


@pytest.mark.parametrize("model_id", REST)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_so_has_every_point_of_every_other_model(model_id: int, data: st.DataObject) -> None:
    decoded_alike(data.draw(known(model_id)))


def decoded_alike(data: bytes) -> None:
    model_id, length = HEAD.unpack_from(data)
    agree(data, theirs("device").Model(model_id=model_id, model_len=length, data=data))


def agree(data: bytes, model: Any) -> None:
    """Both have the same points at the same places, and say the same of each."""
    layout = definition(model.model_id)
    assert layout is not None
    assert model.error_info == ""
    registers, there = whole(layout, data)
    listed = dict(flat(model))
    assert {path: place.offset for path, place in there.items()} == {path: p.offset for path, p in listed.items()}
    for path, place in there.items():
        if place.offset >= HEAD_WORDS and place.point.type != "pad":
            same(registers, place, listed[path], model)


def flat(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Their points by our paths."""
    for name, point in group.points.items():
        yield path + name, point
    for name, inner in group.groups.items():
        if isinstance(inner, list):
            for number, repetition in enumerate(inner, 1):
                yield from flat(repetition, f"{path}{name}[{number}].")
        else:
            yield from flat(inner, f"{path}{name}.")


def same(registers: Registers, place: Place, point: Any, model: Any) -> None:
    """Without a valid scale factor pysunspec2 gives the bare number, and it takes infinity; we give neither."""
    if not is_number(place.point.type):
        shown = registers.text(place)
        assert place.point.type in TEXTS
        if place.point.type == "ipaddr":
            shown = None if shown is None else str(int.from_bytes(bytes(map(int, shown.split("."))), "big"))
        bare = [str(value).replace(":", "").upper() for value in (shown, point.value)]
        assert bare[0] == bare[1].strip("\0")
        return
    sf = place.point.sf
    factor = (point.group.points.get(sf) or model.points[sf]).value if isinstance(sf, str) else sf or 0
    if point.value is None or factor is None or point.value in (float("inf"), float("-inf")):
        assert registers.value(place) is None
    elif abs(factor) > 10:
        with pytest.raises(DeviceError):
            registers.value(place)
    else:
        assert registers.value(place) == pytest.approx(point.cvalue, rel=1e-12, nan_ok=False)


def test_the_night_dump_is_read_as_pysunspec2_reads_it(shared: Path) -> None:
    """Every point of every model of a real device that a definition exists for."""
    device = Held({40000: bytes.fromhex(captured(shared, "sunspec", "SB3.6")["hex"])})
    compared = 0
    for model in in_order(scanned(device)):
        if definition(model.model_id) is not None:
            agree(device.registers(model.model_addr, HEAD_WORDS + model.model_len) or b"", model)
            compared += 1
    assert compared == 17


@pytest.mark.parametrize(
    ("shape", "ids"), [(pv, [1, 64201, 103, 120, 122, 160]), (grid_meter, [1, 203]), (der, [1, 701, 702, 714])]
)
@pytest.mark.parametrize("watts", [1_120_000.0, 0.0], ids=["day", "night"])
def test_pysunspec2_sees_in_our_chains_what_we_see(shape: Shape, ids: list[int], watts: float) -> None:
    sun = Sun()
    sun.watts = watts
    shown = Inverter("inv", UNIT, shipped("sunspec"), sun.values, Faults(), noon, shape)
    device = Held({40000: shown.slave.chain(Faults(), NOON)})
    listed = in_order(scanned(device))
    assert [model.model_id for model in listed] == ids
    for model in listed:
        if definition(model.model_id) is not None:
            agree(device.registers(model.model_addr, HEAD_WORDS + model.model_len) or b"", model)


async def test_pysunspec2_reads_our_inverter() -> None:
    """Over a socket, in a thread, by day and by night."""
    client, sun = theirs("modbus.client"), Sun()

    def read(port: int) -> tuple[list[int], dict[str, Any], dict[str, Any]]:
        device = client.SunSpecModbusClientDeviceTCP(slave_id=UNIT, ipaddr=HOST, ipport=port, timeout=2.0)
        device.scan()
        common, inverter = device.models[1][0], device.models[103][0]
        assert inverter.error_info == common.error_info == ""
        ids = [model.model_id for model in in_order(device)]
        values = {name: point.cvalue for name, point in inverter.points.items()}
        return ids, {name: point.value for name, point in common.points.items()}, values

    async with serve_tcp(sun.inverter, HOST, 0) as port:
        ids, common, day = await asyncio.to_thread(read, port)
        sun.watts = 0.0
        _, _, night = await asyncio.to_thread(read, port)
    assert ids == [1, 64201, 103, 120, 122, 160]
    assert [common[name] for name in ("Mn", "Md", "SN", "DA")] == ["Leafgate", "simulated inverter", "inv", UNIT]
    true = sun.values(NOON)
    assert (day["W"], day["WH"], day["St"]) == (1_120_000.0, 4_321_000_010.0, 4)
    assert (day["PhVphC"], day["Hz"], day["TmpCab"]) == (true["voltage_c"], true["frequency"], true["temperature"])
    assert day["A"] == pytest.approx(day["AphA"] + day["AphB"] + day["AphC"], abs=2)
    assert (night["WH"], night["St"], night["Evt1"]) == (day["WH"], 2, 0)
    lasting = {"ID", "L", "WH", "St", "Evt1", "Evt2", *FACTORS}
    assert {value for name, value in night.items() if name not in lasting} == {None}


async def test_pysunspec2_is_refused_when_it_writes() -> None:
    client = theirs("modbus.client")
    inverter = Inverter("inv", UNIT, shipped("sunspec"), Sun().values, Faults(), noon)

    def write(port: int) -> str:
        device = client.SunSpecModbusClientDeviceTCP(slave_id=UNIT, ipaddr=HOST, ipport=port, timeout=2.0)
        device.connect()
        with pytest.raises(Exception, match="exception") as caught:
            device.write(40072, b"\0\1")
        device.disconnect()
        return str(caught.value)

    async with serve_tcp(lambda: inverter, HOST, 0) as port:
        assert "1" in await asyncio.to_thread(write, port)
