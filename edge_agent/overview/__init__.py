"""What a screen shows of a plant, as data: flows, devices, alarms, the store; no screen library is known here."""
