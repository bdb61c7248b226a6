"""DL/T 645 meters of either edition: by the wildcard, and where replies collide by abbreviated addresses.

An abbreviated address has its low bytes real and the rest AA, DL/T 645-2007, 5.2.4. Every meter whose
address ends so answers; where their replies collide, one byte more is tried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from drivers.bus import Line
from drivers.dlt645.codec import (
    ANY_ADDRESS,
    Decoder,
    Frame,
    read_address_request,
    read_address_request_1997,
    read_request,
)
from edge_agent.scan.hearing import Heard, hear

TIMEOUT_S = 0.6  # a meter begins its reply within 500 ms
ENERGY = {"dlt645-2007": "00010000", "dlt645-1997": "9010"}  # what every meter has
FUNCTIONS = {"dlt645-2007": (0x11, 0x13), "dlt645-1997": (0x01,)}
BYTES = [f"{number:02}" for number in range(100)]  # an address is decimal
QUESTIONS = 2  # before any narrowing
MOST_NOISY = 50  # of a hundred: no more meters stand on one RS-485 line, so it is noise that answers


class Search645:
    """The addresses on one line; `more` is told how many questions come on top, `asked` of each one done."""

    def __init__(
        self,
        line: Line,
        edition: str,
        more: Callable[[int], None],
        asked: Callable[[], None],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._line, self._edition, self._timeout_s = line, edition, timeout_s
        self._more, self._asked = more, asked
        self._seen: set[str] = set()
        self.collided: list[str] = []  # abbreviated addresses where the search gave up

    async def addresses(self) -> AsyncIterator[str]:
        """Each address once, as it is found; raises LinkError where there is no line."""
        collided = False
        for request in self._wildcards():
            found, mixed = await self._ask(request)
            collided = collided or mixed
            for address in found:
                yield address
            if self._seen and not collided:
                return
        if collided:
            async for address in self._below(""):
                yield address

    async def _below(self, tail: str) -> AsyncIterator[str]:
        """The addresses that end in `tail`, which more than one meter has."""
        self._more(len(BYTES))
        several = []
        for byte in BYTES:
            found, mixed = await self._ask(self._request(byte + tail))
            if mixed:
                several.append(byte + tail)
            for address in found:
                yield address
        if len(several) > MOST_NOISY:
            self.collided.append(tail)
            return
        for longer in several:
            if len(longer) == len(ANY_ADDRESS):
                self.collided.append(longer)  # two meters under one address
                continue
            async for address in self._below(longer):
                yield address

    async def _ask(self, request: bytes) -> tuple[list[str], bool]:
        """The new addresses that answer, and whether more than those spoke.

        An address counts when its meter answers to it alone: two replies at once can make a sound third one.
        """
        heard = await self._hear(request)
        mixed = heard.damaged
        found = []
        for address in sorted(self._answering(heard) - self._seen):
            self._more(1)
            if address in self._answering(await self._hear(self._request(address))):
                self._seen.add(address)
                found.append(address)
            else:
                mixed = True
        return found, mixed

    async def _hear(self, request: bytes) -> Heard[Frame]:
        heard = await hear(self._line, request, Decoder(), self._timeout_s)
        self._asked()
        return heard

    def _wildcards(self) -> list[bytes]:
        asking = self._request("")
        if self._edition == "dlt645-1997":
            return [asking, read_address_request_1997()]
        return [read_address_request(), asking]

    def _request(self, tail: str) -> bytes:
        return read_request(tail.rjust(len(ANY_ADDRESS), "A"), ENERGY[self._edition])

    def _answering(self, heard: Heard[Frame]) -> set[str]:
        """Addresses of replies, not of the echo of our own question."""
        replies = [f for f in heard.frames if f.is_reply and f.function in FUNCTIONS[self._edition]]
        return {f.address for f in replies if f.address.isdecimal()}
