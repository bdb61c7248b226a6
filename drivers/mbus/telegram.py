"""One telegram of a meter: its head and what it carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from drivers.error import DeviceError
from drivers.mbus import fixed
from drivers.mbus.cut import VARIABLE, Raw, cut, is_followed
from drivers.mbus.header import FIXED, FIXED_MSB, LONG_MSB, Header, header_of
from drivers.mbus.link import Frame
from drivers.mbus.record_name import RecordName
from drivers.mbus.records import Record, records_of


@dataclass(frozen=True, slots=True)
class Telegram:
    """A reply taken apart; `rest` are bytes in which no record can be told from the next."""

    header: Header
    raws: tuple[Raw, ...] = ()
    rest: bytes = b""

    @property
    def is_fixed(self) -> bool:
        return self.header.ci in (FIXED, FIXED_MSB)

    @property
    def is_followed(self) -> bool:
        """Whether the meter has another telegram to say."""
        return is_followed(list(self.raws))


def telegram_of(frame: Frame) -> Telegram:
    """Take a reply apart; raises DeviceError, also for encrypted records."""
    header = header_of(frame)
    if header.mode:
        raise DeviceError("encrypted", f"mode {header.mode}")
    return taken_apart(header)


def taken_apart(header: Header) -> Telegram:
    """The records after a head, whatever it says of their encryption."""
    if header.ci in (FIXED, FIXED_MSB):
        return Telegram(header)
    raws, rest = cut(header.payload)
    if header.ci == LONG_MSB:
        raws = [_turned(raw) for raw in raws]
    return Telegram(header, tuple(raws), rest)


def records(telegrams: Iterable[Telegram]) -> list[Record]:
    """Everything that the telegrams of one readout say, the status byte of the first among it."""
    several = list(telegrams)
    found = records_of([raw for telegram in several for raw in telegram.raws])
    for telegram in several:
        if telegram.is_fixed:
            found += fixed.counters(telegram.header.payload, telegram.header.status or 0)
    heads = [t.header for t in several if t.header.status is not None]
    return [*found, Record(RecordName("status"), value=float(heads[0].status or 0))] if heads else found


def _turned(raw: Raw) -> Raw:
    """Numbers of mode 2 have their high byte first."""
    return raw if raw.is_special or raw.coding == VARIABLE else replace(raw, data=raw.data[::-1])
