"""The few widgets of the screens."""
