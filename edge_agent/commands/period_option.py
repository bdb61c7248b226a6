"""--period and --at as commands read them."""

from __future__ import annotations

from edge_agent.exit import Exit, Stop
from edge_agent.period import Period, PeriodError, parse
from edge_agent.session import Session
from edge_agent.when import moment


def period_of(session: Session, text: str, now: int | None = None) -> Period:
    """The period in the site's zone; Stop(USAGE) with the forms that are allowed."""
    try:
        return parse(text, session.site.calendar, session.now() if now is None else now)
    except PeriodError:
        raise Stop(Exit.USAGE, "error.period", value=text, allowed=PeriodError.allowed) from None


def moment_of(session: Session, text: str | None) -> int | None:
    """A time given by the user, in the site's zone when it carries no offset."""
    if text is None:
        return None
    try:
        return moment(text, session.site.zone)
    except (ValueError, OverflowError):
        raise Stop(Exit.USAGE, "error.moment", value=text) from None
