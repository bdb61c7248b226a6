"""M-Bus link layer frames without I/O: bytes in, frames out. It can build reads only.

A short frame is 10 C A CS 16, a control or long frame 68 L L 68 C A CI data CS 16, an
acknowledgement the single character E5; CS is the sum from C up to it (EN 13757-2, as in
protocols.md 2.6 and mbus-protocol.c of libmbus). Of what a master sends only SND_NKE, REQ_UD2 and
the selection of a secondary address can be built here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.hunt import Hunter

SHORT_START, LONG_START, END, ACK_CHARACTER = 0x10, 0x68, 0x16, 0xE5
SND_NKE, SND_UD, REQ_UD2, REQ_UD1, RSP_UD = 0x40, 0x53, 0x5B, 0x5A, 0x08
FCB = 0x20  # of a master's C: alternates between two questions
FCV = 0x10  # of a master's C: the FCB counts
PRM = 0x40  # the frame comes from the master
ACD, DFC = 0x20, 0x10  # of a meter's C: alarm data wait; it cannot take more
SELECT, SELECT_MSB = 0x52, 0x56  # CI of a selection; the second with the high byte first
SELECTED, TEST, BROADCAST = 0xFD, 0xFE, 0xFF  # the selected meter; any meter; all without an answer
LAST_PRIMARY = 250
SHORT_SIZE, OVERHEAD = 5, 6  # bytes of a short frame; bytes of a long one besides the L counted ones
LEAST, MOST = 3, 255  # L: C, A and CI are counted
SECONDARY_SIZE = 8


@dataclass(frozen=True, slots=True)
class Ack:
    """The single character E5: done, nothing to say."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame with an address; a short one has no `ci` and no data."""

    control: int
    address: int
    ci: int | None = None
    data: bytes = b""

    @property
    def is_reply(self) -> bool:
        """Whether it carries a meter's data, whatever ACD and DFC say."""
        return self.control & ~(ACD | DFC) == RSP_UD and self.ci is not None


Heard = Ack | Frame


def encode(frame: Heard) -> bytes:
    """The frame as sent; raises ValueError for all but link reset, selection, request and replies."""
    if isinstance(frame, Ack):
        return bytes([ACK_CHARACTER])
    if not _is_allowed(frame):
        raise ValueError(f"control {frame.control:02X}")
    body = bytes([frame.control, frame.address])
    if frame.ci is None:
        return bytes([SHORT_START, *body, sum(body) & 0xFF, END])
    body += bytes([frame.ci]) + frame.data
    if len(body) > MOST:
        raise ValueError(f"{len(frame.data)} bytes of data")
    return bytes([LONG_START, len(body), len(body), LONG_START, *body, sum(body) & 0xFF, END])


def reset_request(address: int) -> bytes:
    """SND_NKE: begin the counting of frames anew; at address 253 it also ends a selection."""
    return encode(Frame(SND_NKE, address))


def select_request(secondary: bytes) -> bytes:
    """Select the meters whose secondary address matches eight bytes as they stand on the wire."""
    return encode(Frame(SND_UD | FCB, SELECTED, SELECT, secondary))


def data_request(address: int, bit: bool) -> bytes:
    """REQ_UD2: ask for a telegram, with this frame count bit."""
    return encode(Frame(REQ_UD2 | (FCB if bit else 0), address))


class Decoder(Hunter[Heard]):
    """Finds the frames of a line in whatever else is on it."""

    def size(self, data: bytearray, start: int) -> int | None:
        match data[start]:
            case 0xE5:
                return 1
            case 0x10:
                return _short_size(data, start)
            case 0x68:
                return _long_size(data, start)
        return 0

    def frame(self, raw: bytes) -> Heard:
        return decoded(raw)


def decoded(raw: bytes) -> Heard:
    """The frame that these bytes are; they must be one."""
    if len(raw) == 1:
        return Ack()
    if raw[0] == SHORT_START:
        return Frame(raw[1], raw[2])
    return Frame(raw[4], raw[5], raw[6], raw[7:-2])


def _is_allowed(frame: Frame) -> bool:
    if frame.ci is None:
        return not frame.data and frame.control in (SND_NKE, REQ_UD2, REQ_UD2 | FCB)
    if frame.is_reply:
        return True
    selects = frame.ci in (SELECT, SELECT_MSB) and frame.address == SELECTED and len(frame.data) == SECONDARY_SIZE
    return selects and frame.control & ~FCB == SND_UD


def _short_size(data: bytearray, start: int) -> int | None:
    """Bytes of the short frame at `start`; 0 when there is none, None when it is not complete yet."""
    raw = data[start : start + SHORT_SIZE]
    if len(raw) < SHORT_SIZE:
        return None
    return SHORT_SIZE if raw[4] == END and (raw[1] + raw[2]) & 0xFF == raw[3] else 0


def _long_size(data: bytearray, start: int) -> int | None:
    """The same for a control or long frame; its doubled length and second start show noise early."""
    head = data[start : start + 4]
    if len(head) > 1 and head[1] < LEAST:
        return 0
    if len(head) > 2 and head[1] != head[2]:
        return 0
    if len(head) > 3 and head[3] != LONG_START:
        return 0
    if len(head) < 4 or len(data) - start < head[1] + OVERHEAD:
        return None
    raw = data[start : start + head[1] + OVERHEAD]
    return len(raw) if raw[-1] == END and sum(raw[4:-2]) & 0xFF == raw[-2] else 0
