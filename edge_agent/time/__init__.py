"""The agent's clock, and how far the machine's date is believed."""
