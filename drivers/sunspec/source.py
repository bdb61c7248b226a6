"""Reads of one SunSpec device: its chain, and the registers of a model as one consistent whole."""

from __future__ import annotations

from drivers.bus import Line
from drivers.error import DeviceError, LinkError
from drivers.modbus.unit import Unit
from drivers.sunspec.chain import BASES, Model, Span, walk
from drivers.sunspec.plan import Plan, spans
from drivers.sunspec.values import Piece, Registers

READ_HOLDING = 3
REFUSED = ("illegal_function", "illegal_address", "illegal_value")  # it has nothing there
MOST_READS = 3  # of a model whose scale factors change while it is read


class MovedError(DeviceError):
    """A model does not stand where the chain had it, or its groups are counted otherwise."""


class Source:
    """One unit on a line."""

    def __init__(self, line: Line, unit: int, timeout_s: float) -> None:
        self._unit = Unit(line, unit, timeout_s)
        self._bases: tuple[int, ...] = BASES

    async def chain(self) -> list[Model]:
        """Every model of the device, in the order of their registers; a base that stays silent comes last next time.

        Raises LinkError, DeviceError, ProfileError no_sunspec.
        """
        steps = walk(self._bases)
        try:
            span = next(steps)
            while True:
                span = steps.send(await self._try(span))
        except StopIteration as end:
            chain: list[Model] = end.value
            return chain

    async def head(self, model: Model, words: int) -> Registers:
        """The first registers of a model, at most one reply of them; raises MovedError."""
        return Registers([await self._piece(model, spans(model, [(0, words)])[0])])

    async def registers(self, model: Model, plan: Plan) -> Registers:
        """The pieces of a plan; where there are several, what is fixed is read again behind them.

        Raises MovedError, and DeviceError factor_changed when the scale factors do not keep still.
        """
        for _ in range(MOST_READS):
            found = Registers([await self._piece(model, span) for span in plan.spans])
            if any(int(found.raw(place) or 0) != count for place, count in plan.counted):
                raise MovedError("device_error", f"the groups of model {model.id} are counted anew")
            if len(plan.spans) == 1:
                return found
            again = Registers([await self._piece(model, span) for span in spans(model, plan.fixed)])
            if all(found.cut(at, end - at) == again.cut(at, end - at) for at, end in plan.fixed):
                return found
        raise DeviceError("factor_changed", f"model {model.id}")

    async def _piece(self, model: Model, span: Span) -> Piece:
        try:
            data = await self._unit.read(READ_HOLDING, span.start, span.count)
        except DeviceError as error:
            raise MovedError(error.reason, error.detail) if error.reason in REFUSED else error from None
        if span.start == model.start and not data.startswith(model.head):
            raise MovedError("device_error", f"model {model.id} is not at {model.start}")
        return Piece(span.start - model.start, data)

    async def _try(self, span: Span) -> bytes | None:
        """The registers, or None where the device has none."""
        try:
            return await self._unit.read(READ_HOLDING, span.start, span.count)
        except DeviceError as error:
            if error.reason in REFUSED:
                return None
            raise
        except LinkError as error:
            if error.reason == "no_reply" and span.start in self._bases:
                place = self._bases.index(span.start) + 1
                self._bases = self._bases[place:] + self._bases[:place]
            raise
