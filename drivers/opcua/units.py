"""The unit that a server states for a variable, as profiles write it."""

from __future__ import annotations

from asyncua import ua

CEFACT = "http://www.opcfoundation.org/UA/units/un/cefact"  # OPC 10000-8, 5.6.4.3
# UNECE Recommendation 20 codes, read in OPCFoundation/UA-Nodeset, Schema/UNECE_to_OPCUA.csv.
_CODES = """
    WTT W   KWT kW   MAW MW   WHR Wh   KWH kWh   MWH MWh   GWH GWh   JOU J   KJO kJ   3B MJ   GV GJ
    VLT V   KVT kV   AMP A   4K mA   HTZ Hz   CEL degC   PAL Pa   KPA kPa   MPA MPa   BAR bar
    MTQ m3   LTR L   MQH m3/h   KGM kg   TNE t   HUR h   C94 1/min
"""
_SPELLINGS = """
    W·h Wh   kW·h kWh   MW·h MWh   GW·h GWh   KWh kWh   KW kW   kVar kvar   kVAr kvar   kVAR kvar   Var var   VAr var
    KVA kVA   l L   m³ m3   m³/h m3/h   °C degC   ℃ degC   min⁻¹ 1/min
"""


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


CODES, SPELLINGS = _pairs(_CODES), _pairs(_SPELLINGS)


def unit_of(information: object) -> str:
    """The unit of an EUInformation: by its code where that is the UNECE's, else by its text; empty where unknown."""
    if not isinstance(information, ua.EUInformation):
        return ""
    if information.NamespaceUri == CEFACT and (unit := CODES.get(_code(information.UnitId))):
        return unit
    name = information.DisplayName
    text = str((name.Text if name is not None else "") or "").strip()
    return SPELLINGS.get(text, text)


def _code(number: int) -> str:
    """The UNECE code whose ASCII characters a unit id is made of (OPC 10000-8, 5.6.4.3)."""
    return max(number, 0).to_bytes(4, "big").lstrip(b"\0").decode("ascii", "replace")
