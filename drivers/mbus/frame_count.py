"""The frame count bit: how a meter tells a repeated question from the next one."""

from __future__ import annotations


class FrameCount:
    """Which bit the next REQ_UD2 carries; EN 13757-2, and as libmbus begins (mbus_sendrecv_request).

    A meter answers a question with an unchanged bit by its last telegram once more. So the bit turns
    only after a good answer: what was lost is asked again, and nothing is skipped.
    """

    def __init__(self) -> None:
        self.bit = True

    def reset(self) -> None:
        """The meter took a SND_NKE or was selected: its first question carries a set bit."""
        self.bit = True

    def answered(self) -> None:
        """A good answer came."""
        self.bit = not self.bit
