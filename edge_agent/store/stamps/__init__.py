"""Readings whose moment is not sure, and how they get it."""
