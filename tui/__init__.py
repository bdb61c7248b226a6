"""Screens for the shop floor."""
