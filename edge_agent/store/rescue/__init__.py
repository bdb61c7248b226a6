"""Damaged files: the look at them, the quarantine, what is brought back; and copies."""
