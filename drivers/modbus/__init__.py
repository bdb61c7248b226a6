"""Modbus: reads only, function codes 1 to 4."""
