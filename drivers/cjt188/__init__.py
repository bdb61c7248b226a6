"""CJ/T 188-2004: water and gas meters on RS-485 or M-Bus converters."""
