"""Readings as bytes and back, and what a span of them comes to."""
