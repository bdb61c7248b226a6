"""CJ/T 188-2004: water, gas, heat and cooling meters on RS-485 or M-Bus converters."""
