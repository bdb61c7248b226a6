"""Meter roles to consumption, tce, tCO2 and shares, each with its coverage and factor editions."""
