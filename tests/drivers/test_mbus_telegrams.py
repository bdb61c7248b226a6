"""Real M-Bus telegrams and what profiles read of them.

They are from rscada/libmbus (BSD-3), test/test-frames, and the values from the .norm.xml beside them.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from configs import FOLDER
from configs.load import load
from configs.quantity import quantities
from drivers.mbus.cut import cut
from drivers.mbus.fixed import medium_of
from drivers.mbus.link import Decoder, Frame
from drivers.mbus.measure import measured
from drivers.mbus.record_name import record_of
from drivers.mbus.records import Record, records_of
from drivers.mbus.telegram import records, telegram_of
from drivers.profile import Profile
from drivers.profile_check import faults
from drivers.reading import Quality

KAMSTRUP = """68F7F768081172175885062D2C0804040000000C78175885060406E791000004142CDB00000422D90300000459B927
0000045D081200000461B1150000042D5B010000142DC0010000043B1F020000143B74020000841006000000008420060000000084401400
000000848040140000000084C0400600000000046D1A2F65114406518200004414B2C30000542D26020000543B03040000C4100600000000
C4200600000000C4401400000000C480401400000000C4C0400600000000426C5F1C0F00000000E7E4000063660000000000000000000000
0000005BC9A50234530000E0B20300899C6800000000000100010707090103000000000098 16"""
ELSTER = """686868680800725139494493152F04A17000000C06000000008C1006000000008C2013000000000C13000000003C2BBD
EBDDDD3B3BBDEBDD0A5A27020A5E26020A6201000A273007046D090DCD134C06000000004C1300000000CC100600000000CC201300000000
426CBF154016"""
HYDROMETER = """685E5E680800729085712624232804735000000C05000000000C12420700003C2ADDB4EBDD3B3ADDB4EB0A5A0402
0A5E04020A620000 046D22108D114C0500000000446D3B177E1444ED7E3B179E148C010500000000 84016D3B177F1C0B26536508 0416"""
ELVACO = """6853536808057234080054961532 00F200000001FD1B0002FC0348522574D41122FC0348522574C81112FC03485225
74B4160265D00822657008126523090172184265E408820165DD080C783408005403FD0F0000041F5D16"""
CYBLE = """6856566808087280030210770414 16A10000000C78800302100D7C084449202E747375630A20202020202020202020046D
270F791A027C09656D6974202E746162D20F0415B7110000 04957F00000000 4415B7110000 0F00041F0D16"""
EMU = """68F4F46808007229260300B51510020200 00000C7829260300841003540500008420030000000084904003AE1E000084A0
40030000000004ABFF01FEFFFFFF04ABFF020000000004ABFF0300000000042BFEFFFFFF848040ABFF010E000000848040ABFF02000000008480
40ABFF03000000008480402B0E00000002FDC8FF01D10802FDC8FF02000002FDC8FF03000022FDC8FF01520722FDC8FF02000022FDC8FF0300
0012FDC8FF016A0912FDC8FF02000012FDC8FF03000003FDD9FF01BEFFFF03FDD9FF0200000003FDD9FF0300000003FD59BEFFFF01FFE1FF01
0D01FFE1FF020001FFE1FF030002FF52F40102FD60380001FD17007416"""
CALEC = """6838386808C87209315403B405B004C910FFFF03229A0000052EA0C85146053EB4E3D742055B90D30743055F0EAAE741
05639CBCD542046D100905C57716"""
POLLUSONIC = "6813136808017393929190100005693165000069000000 3F16"
GWF = "681B1B680801720720180 0E61E35074C0000000C78072018000C16690200009616"
OMS = "6829296808FD72442275922423290 71F0000000C13270485020B3B2701004C1319544401426CFF0C02FD1700009916"
RADIO = "681F1F6808007231776717 2D2C0102000000002F2F04833B881300002F2F2F2F2F2F2F0016"


def frame_of(text: str) -> Frame:
    (found,) = Decoder().feed(bytes.fromhex("".join(text.split())))
    assert isinstance(found, Frame)
    return found


def said(text: str) -> dict[str, Record]:
    return {str(record.name): record for record in records([telegram_of(frame_of(text))])}


def shipped(name: str) -> Profile:
    return load(FOLDER / "devices" / f"mbus-{name}.yaml", Profile).value


def filled(name: str, text: str) -> dict[str, tuple[float | None, Quality, str | None]]:
    """What a telegram gives the items of a profile."""
    telegram = telegram_of(frame_of(text))
    found, status = records([telegram]), telegram.header.status_codes
    items = shipped(name).items.items()
    return {n: measured(record_of(i.record), quantities()[i.quantity], found, status) for n, i in items}


def test_a_heat_meter_of_kamstrup_says_what_libmbus_reads() -> None:
    found = said(KAMSTRUP)
    expected = {
        "energy": 37351000.0,
        "volume": 561.08,
        "on_time": 985.0,
        "flow_temperature": 101.69,
        "return_temperature": 46.16,
        "temperature_difference": 55.53,
        "power": 34700.0,
        "power/max": 44800.0,
        "volume_flow": 0.543,
        "volume_flow/max": 0.628,
        "energy/storage 1": 33361000.0,
        "volume/storage 1": 500.98,
        "power/max/storage 1": 55000.0,
        "energy/storage 1/unit 3": 0.0,
        "status": 0.0,
    }
    assert {name: found[name].value for name in expected} == expected
    assert found["date_time"].time == datetime(2011, 1, 5, 15, 26)
    assert found["date/storage 1"].time == datetime(2010, 12, 31)
    assert found["manufacturer_specific"].text is not None


def test_error_codes_in_bcd_are_no_values_and_hide_nothing_behind_them() -> None:
    """libmbus reads DD B4 EB DD as 1311041.3 W, and BD EB DD DD as 13131113 W."""
    for text in (ELSTER, HYDROMETER):
        found = said(text)
        for name in ("power/error", "volume_flow/error"):
            assert (found[name].value, found[name].reason) == (None, "error_code")
    assert said(ELSTER)["flow_temperature"].value == 22.7
    assert said(ELSTER)["operating_time"].value == 730.0
    assert said(HYDROMETER)["return_temperature"].value == 20.4
    assert said(HYDROMETER)["operating_time"].value == 86553.0


def test_plain_text_units_are_read_in_either_place() -> None:
    assert {n: r.value for n, r in said(ELVACO).items() if n.startswith("text:")} == {
        "text:%RH": 45.64,
        "text:%RH/min": 45.52,
        "text:%RH/max": 58.12,
    }
    assert said(ELVACO)["external_temperature/storage 2"].value == 22.69
    assert said(CYBLE)["text:bat. time"].value == 4050.0
    assert said(CYBLE)["text:cust. ID"].text == " " * 10
    (after,) = records_of(cut(bytes.fromhex("03FC2003434241153100"))[0])  # libmbus, example_plain_text_placement.hex
    assert (str(after.name), after.value, after.unit) == ("text:ABC/vife 20", 12565.0, "s-1")


def test_values_of_one_phase_have_names_of_their_own() -> None:
    found = said(EMU)
    assert (found["power"].value, found["power/vife FF 01"].value, found["power/unit 2"].value) == (-2.0, -2.0, 14.0)
    assert (found["voltage/vife FF 01"].value, found["voltage/min/vife FF 01"].value) == (225.7, 187.4)
    assert found["energy/tariff 1/unit 2"].value == 7854.0
    (standard,) = records_of(cut(bytes.fromhex("04FDC8FC0101000000"))[0])
    assert str(standard.name) == "voltage/L1"
    assert str(said(RADIO)["energy/positive"].name) == "energy/positive"


def test_a_field_that_old_meters_fill_is_no_encryption() -> None:
    found = said(CALEC)
    assert found["flow_temperature"].value == pytest.approx(135.826416)
    assert found["temperature_difference"].value == pytest.approx(106.868378)


def test_fixed_data_are_two_counters() -> None:
    telegram = telegram_of(frame_of(POLLUSONIC))
    first, second = (r for r in records([telegram]) if r.name.quantity != "status")
    assert (str(first.name), first.value, first.unit) == ("energy", 6531000.0, "Wh")
    assert (str(second.name), second.value, second.unit) == ("volume", 0.069, "m3")
    assert medium_of(telegram.header.payload) == "Heat"
    stored = records([telegram_of(frame_of("68131368080573785634120A00E97E01000000350100003C16"))])
    assert [(str(r.name), r.value) for r in stored][:2] == [("volume", 0.001), ("volume/storage 1", 0.135)]


def test_the_heat_profile_reads_real_heat_meters() -> None:
    found = filled("heat", KAMSTRUP)
    assert found["heat_energy"][1:] == (Quality.GOOD, None)
    assert found["heat_energy"][0] == pytest.approx(134463.6)
    assert found["settled_heat"][1:] == (Quality.GOOD, None)
    assert found["settled_heat"][0] == pytest.approx(120099.6)
    assert found["volume"] == (561.08, Quality.GOOD, None)
    assert found["heat_power"][1:] == (Quality.GOOD, None)
    assert found["heat_power"][0] == pytest.approx(34.7)
    assert found["flow"] == (0.543, Quality.GOOD, None)
    assert (found["supply_temperature"][0], found["return_temperature"][0]) == (101.69, 46.16)
    floats = filled("heat", CALEC)  # power 05 2E: libmbus reads 13426156.25 W
    assert floats["heat_power"][0] == pytest.approx(13426.15625)
    assert floats["flow"][0] == pytest.approx(107.944733)
    ill = filled("heat", ELSTER)
    assert ill["heat_power"] == (None, Quality.BAD, "error_state")
    assert ill["supply_temperature"] == (22.7, Quality.UNCERTAIN, "temporary_error")


def test_the_water_profile_reads_real_water_meters() -> None:
    assert filled("water", CYBLE)["volume"] == (453.5, Quality.GOOD, None)
    assert filled("water", CYBLE)["settled_volume"] == (453.5, Quality.GOOD, None)
    assert filled("water", GWF)["volume"] == (269.0, Quality.GOOD, None)
    found = filled("water", OMS)
    assert found["volume"][1:] == (Quality.GOOD, None)
    assert found["volume"][0] == pytest.approx(2850.427)
    assert found["flow"][1:] == (Quality.GOOD, None)
    assert found["flow"][0] == pytest.approx(0.127)
    assert found["settled_volume"][1:] == (Quality.GOOD, None)
    assert found["settled_volume"][0] == pytest.approx(1445.419)


def test_the_electricity_profile_reads_a_real_meter() -> None:
    found = filled("electricity", EMU)
    assert found["energy_import_1"][1:] == (Quality.GOOD, None)
    assert found["energy_import_1"][0] == pytest.approx(1.364)
    assert found["power"][1:] == (Quality.GOOD, None)
    assert found["power"][0] == pytest.approx(-0.002)
    assert found["current"] == (-0.066, Quality.GOOD, None)
    assert found["voltage"] == (None, Quality.ABSENT, "no_record")
    assert found["faults"] == (0.0, Quality.GOOD, None)


@pytest.mark.parametrize("name", ["heat", "water", "electricity"])
def test_a_shipped_profile_names_records_that_exist_and_no_unit_of_its_own(name: str) -> None:
    loaded = load(FOLDER / "devices" / f"mbus-{name}.yaml", Profile)
    assert faults(loaded) == []
    for item in loaded.value.items.values():
        assert str(record_of(item.record)) == item.record
        assert item.unit == ""
