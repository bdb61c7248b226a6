"""Every message from a worker to the screen; the newest of a kind replaces older ones that still wait."""

from __future__ import annotations

from textual.message import Message

from tui.source import Look


class Replaceable(Message):
    """Only the newest matters."""

    def can_replace(self, message: Message) -> bool:
        return type(message) is type(self)


class Looked(Replaceable):
    """A look at the site is done, well or badly."""

    def __init__(self, look: Look) -> None:
        self.look = look
        super().__init__()


class Asked(Message):
    """An acknowledgement lies in the inbox, or `fault` says why not."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        super().__init__()
