"""One readout of a meter: begin, select, ask for telegram after telegram; it can do nothing else.

A question whose answer is lost is asked once more with the same frame count bit, when the meter has
answered before: it then repeats its telegram, so that none is skipped and none is taken twice.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.answer import Answer
from drivers.bus import Line
from drivers.error import DeviceError, LinkError
from drivers.mbus.address import Address, Secondary, is_from, secondary_of
from drivers.mbus.frame_count import FrameCount
from drivers.mbus.header import FIXED, LONG
from drivers.mbus.link import SELECTED, Ack, Decoder, Frame, Heard, data_request, reset_request, select_request
from drivers.mbus.telegram import Telegram, telegram_of

MOST_TELEGRAMS = 16  # of one readout; more than any meter that we know of sends
LOST = ("no_reply", "noise")

Enough = Callable[[list[Telegram]], bool]


class Acknowledged(Answer[Heard]):
    """Waits for the single character."""

    def __init__(self) -> None:
        super().__init__(Decoder())

    def meant(self, frame: Heard) -> bool:
        return isinstance(frame, Ack)


class Replied(Answer[Heard]):
    """Waits for a telegram of the meter that was asked; a lone E5 is its way to say that it has none."""

    def __init__(self, address: int, secondary: Secondary | None) -> None:
        super().__init__(Decoder())
        self._address, self._secondary = address, secondary
        self._acked = False

    def meant(self, frame: Heard) -> bool:
        if isinstance(frame, Ack):
            self._acked = True
            return False
        return frame.is_reply and is_from(self._address, frame.address) and self._is_selected(frame)

    def flush(self) -> Heard | None:
        frame = super().flush()
        return Ack() if frame is None and self._acked and not self.damaged() else frame

    def _is_selected(self, frame: Frame) -> bool:
        """Whether the head names the meter that was selected, as far as it names any."""
        if self._secondary is None or len(frame.data) < 8:
            return True
        if frame.ci == FIXED:
            return self._secondary.matches_number(secondary_of(frame.data))
        return frame.ci != LONG or self._secondary.matches(secondary_of(frame.data))


class Readout:
    """Reads one meter of a line, again and again."""

    def __init__(self, line: Line, address: Address, timeout_s: float) -> None:
        self._line, self._timeout_s = line, timeout_s
        self._secondary = address if isinstance(address, Secondary) else None
        self._address = SELECTED if isinstance(address, Secondary) else address
        self._count = FrameCount()
        self._begun = False  # the meter's count is known, and its next telegram is its first

    async def telegrams(self, enough: Enough = lambda _: False) -> list[Telegram]:
        """What the meter says, until it has no more or it is `enough`; raises LinkError, DeviceError."""
        begun, self._begun = self._begun, False  # stands if we are cut short
        heard = await self._begin(begun)
        found: list[Telegram] = []
        previous: Frame | None = None
        while len(found) < MOST_TELEGRAMS:
            frame = await self._telegram(heard)
            if frame == previous:
                return found  # a meter that keeps no count says its first one for ever
            found.append(telegram_of(frame))
            if not found[-1].is_followed:
                self._begun = True
                return found
            if enough(found):
                return found
            previous, heard = frame, True
        return found

    async def _begin(self, begun: bool) -> bool:
        """Reset or select where it is due; whether the meter has answered to it.

        A selection holds until another one, and begins the count anew but not the readout; so a meter
        that may stand within one is selected to be reset, which ends the selection.
        """
        if self._secondary is not None:
            select = select_request(self._secondary.wire)
            for request in [select] if begun else [select, reset_request(SELECTED), select]:
                await self._acknowledged(request)
        elif begun:
            return False
        else:
            await self._acknowledged(reset_request(self._address))
        self._count.reset()
        return True

    async def _acknowledged(self, request: bytes) -> None:
        """A damaged answer will do: whether the meter took it shows in the next one."""
        try:
            await self._line.ask(request, Acknowledged(), self._timeout_s)
        except LinkError as error:
            if error.reason != "noise":
                raise

    async def _telegram(self, heard: bool) -> Frame:
        """The answer to REQ_UD2, which is asked once more when it is lost."""
        request = data_request(self._address, self._count.bit)
        try:
            answer = await self._ask(request)
        except LinkError as error:
            if error.reason not in LOST or (error.reason == "no_reply" and not heard):
                raise
            answer = await self._ask(request)
        self._count.answered()
        if isinstance(answer, Ack):
            raise DeviceError("no_data", "E5")
        return answer

    async def _ask(self, request: bytes) -> Heard:
        return await self._line.ask(request, Replied(self._address, self._secondary), self._timeout_s)
