"""Alarms: what the limits of plant.yaml and the links say, who has seen it, kept with the readings."""
