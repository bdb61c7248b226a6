"""Data that a plant engineer can edit, shipped as package data, and the one loader that reads it."""

from pathlib import Path

FOLDER = Path(__file__).parent
