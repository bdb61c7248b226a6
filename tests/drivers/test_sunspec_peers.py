"""pysunspec2 as the oracle: of our table, of every value in random chains, and as a reader of our inverter."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.error import DeviceError
from drivers.sim.carrier import serve_tcp
from drivers.sim.faults import Faults
from drivers.sim.inverter import FACTORS, Inverter
from drivers.sim.plant import HOST, shipped
from drivers.sunspec.chain import BASES, HEAD
from drivers.sunspec.models import CODINGS, Layout, layouts
from tests.conftest import missing
from tests.drivers.conftest import NOON, noon
from tests.drivers.held import LENGTHS, Held, chain, unknown
from tests.drivers.test_inverter import UNIT, Sun
from tests.drivers.test_sunspec import walked

UNITS = {"C": "degC"}  # their word: ours
OUTSIDE = ("ID", "L", "Pad")  # the head, and filling
# Ids that pysunspec2 has no definition for.
UNKNOWN = [900, 4321, 64201, 65534]


def theirs(module: str) -> Any:
    """A module of pysunspec2; it has no types."""
    if importlib.util.find_spec("sunspec2") is None:
        missing("peers", "the package pysunspec2 is not installed")
    return importlib.import_module(f"sunspec2.{module}")


@pytest.mark.parametrize("model_id", list(layouts()))
def test_every_point_stands_where_pysunspec2_has_it(model_id: int) -> None:
    """All points of the fixed part, none more and none less."""
    group, found, at = theirs("device").get_model_def(model_id)["group"], {}, 0
    for point in group["points"]:
        size = point["size"] if point["type"] == "string" else 0
        unit = point.get("units") or ""
        found[point["name"]] = (at, point["type"], size, point.get("sf") or "", UNITS.get(unit, unit))
        at += point["size"]
    ours = {n: (p.offset, p.type, p.size, p.factor, p.unit) for n, p in layouts()[model_id].points.items()}
    expected = {name: place for name, place in found.items() if name not in OUTSIDE}
    if model_id == 160:
        expected = {n: (*place[:4], "") for n, place in expected.items()}
    assert ours == expected


def test_not_implemented_is_the_same_for_every_type() -> None:
    mb = theirs("mb")
    for name, (_, lacking) in CODINGS.items():
        size = mb.point_type_info[name].len
        assert mb.create_unimpl_value(name) == lacking.to_bytes(2 * size, "big")


words = st.sampled_from([b"\x80\x00", b"\xff\xff", b"\0\0", b"\x7f\xc0", b"\0\x01"]) | st.binary(min_size=2, max_size=2)
factors = st.sampled_from([b"\x80\x00"]) | st.integers(-12, 12).map(lambda n: n.to_bytes(2, "big", signed=True))


@st.composite
def known(draw: st.DrawFn) -> bytes:
    """A model that we know, with random registers where numbers stand and plain words where strings do."""
    model_id = draw(st.sampled_from(list(LENGTHS)))
    varied = {1: st.sampled_from([65, 66]), 160: st.integers(0, 7).map(lambda trackers: 8 + 20 * trackers)}
    length = draw(varied.get(model_id, st.just(LENGTHS[model_id])))
    data = bytearray(b"".join([HEAD.pack(model_id, length), *draw(st.lists(words, min_size=length, max_size=length))]))
    for point in layouts()[model_id].points.values():
        place = slice(2 * point.offset, 2 * (point.offset + point.words))
        if point.type == "sunssf":
            data[place] = draw(factors)
        elif point.type == "string":
            text = draw(st.text("abcXYZ-.019", max_size=2 * point.size))
            data[place] = text.encode().ljust(2 * point.size, b"\0")
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(known() | unknowns, max_size=5), st.sampled_from(BASES))
def test_any_chain_is_walked_and_decoded_as_pysunspec2_does(models: list[bytes], base: int) -> None:
    device = Held({base: chain(*models)})
    ours, listed = walked(device), in_order(scanned(device))
    assert [(m.id, m.start, m.length) for m in ours] == [(m.model_id, m.model_addr, m.model_len) for m in listed]
    assert [HEAD.pack(m.id, m.length) for m in ours] == [m[: HEAD.size] for m in models]
    for data, model in zip(models, listed, strict=True):
        layout = layouts().get(model.model_id)
        for name in layout.points if layout else ():
            assert layout is not None
            agree(layout, data, name, model.points[name], model)


def agree(layout: Layout, data: bytes, name: str, point: Any, model: Any) -> None:
    """Both say the same of a point. Without a valid scale factor pysunspec2 gives the bare number; we give none."""
    ours = layout.points[name]
    if ours.type == "string":
        assert layout.text(data, name) == (point.value or "").strip("\0")
        return
    power = model.points[ours.factor].value if ours.factor else 0
    if point.value is None or power is None or point.value in (float("inf"), float("-inf")):
        assert layout.value(data, name) is None
    elif abs(power) > 10:
        with pytest.raises(DeviceError):
            layout.value(data, name)
    else:
        assert layout.value(data, name) == pytest.approx(point.cvalue, rel=1e-12)


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
    assert ids == [1, 64201, 103]
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
