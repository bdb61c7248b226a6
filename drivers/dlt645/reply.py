"""Waiting for the one frame that answers a read, whatever else comes in: echoes, other meters, late replies."""

from __future__ import annotations

from drivers.answer import Answer
from drivers.dlt645.codec import (
    BROADCAST,
    ERROR,
    MORE,
    REPLY,
    Decoder,
    Frame,
    di_bytes,
    next_control,
    read_control,
    same_address,
)
from drivers.dlt645.table import DI_DIGITS

REFUSAL_SIZE = 1  # the error word


class Reply(Answer[Frame]):
    """The reply to a read, or with `sequence` to the question for one of the frames that follow it.

    It counts when address, control and identifier match, and the sequence number of one that follows.
    """

    def __init__(self, address: str, di: str, sequence: int = 0) -> None:
        super().__init__(Decoder())
        self._address, self._di, self._sequence = address, di_bytes(di), sequence
        self._control = (next_control(di) if sequence else read_control(di)) | REPLY
        self._is_old = len(di) == DI_DIGITS["dlt645-1997"]

    def meant(self, frame: Frame) -> bool:
        from_anyone = self._is_old and self._address == BROADCAST
        if not from_anyone and not same_address(self._address, frame.address):
            return False
        if frame.control == self._control | ERROR:
            return len(frame.data) == REFUSAL_SIZE
        if frame.control & ~MORE != self._control or frame.data[: len(self._di)] != self._di:
            return False
        return not self._sequence or frame.data[-1] == self._sequence or self._is_old

    def payload(self, frame: Frame) -> bytes:
        """The data of a reply without identifier and sequence number, which meters of 1997 may leave out."""
        is_numbered = self._sequence and frame.data[-1] == self._sequence
        return frame.data[len(self._di) : len(frame.data) - bool(is_numbered)]
