"""leafgate watch: assess again and again, and raise an alarm where a finding gets worse."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from typing import TYPE_CHECKING, Any

import click

from configs.problem import ConfigError
from configs.scalars import ScalarError, duration
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from assistant.gap import Assessment
    from assistant.watch import Change

LOOK_S = 3.0  # between two looks at the cheap signs
RETRY_S = 60.0  # after an assessment that was not possible
LEAST_S = 10.0  # an assessment takes about a second of a small gateway
TROUBLE = (Stop, ConfigError, OSError, sqlite3.Error)


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        seconds = duration(value)
    except ScalarError:
        seconds = duration("0s")
    if seconds < LEAST_S:
        raise click.BadParameter(f"{value} (15min, 1h, >= {LEAST_S:g}s)", ctx, param)
    return seconds


@click.command("watch", cls=TextCommand, help="watch.help")
@click.option("--every", "every_s", default="15min", show_default=True, callback=_seconds, help="option.watch.every")
@click.option("--once", is_flag=True, help="option.watch.once")
@click.option("--json", "as_json", is_flag=True, help="option.watch.json")
@pass_session
def watch(session: Session, every_s: float, once: bool, as_json: bool) -> int:
    from edge_agent.store.lock import WATCH_LOCK, BusyError, writing

    if as_json and not once:
        raise Stop(Exit.USAGE, "watch.json_needs_once")
    try:
        with writing(session.site.data, "watch", lock=WATCH_LOCK):
            if once:
                return _once(session, as_json)
            asyncio.run(_Round(session, every_s).serve())
    except BusyError as busy:
        raise Stop(Exit.BUSY, "watch.busy", pid=busy.pid) from None
    return Exit.DONE


def _once(session: Session, as_json: bool) -> int:
    """One assessment; one that is not possible stops with a sentence, but no database is a fact like others."""
    from edge_agent.when import iso

    body: dict[str, Any] = {"as_of": None, "framework": None, "verdict": None, "changes": []}
    try:
        found, changes = _look(session)
    except Stop as stop:
        if stop.exit_code != Exit.DONE:
            raise
        session.say(stop.key, **stop.fields)
    else:
        news = [c for c in changes if c.is_news]
        session.say("watch.once", count=len(news))
        listed = [{**c.as_body(session.texts), "alarms": c.alarms, "priority": c.priority} for c in news]
        at, framework = iso(found.at, session.site.zone), found.framework.id
        body = {"as_of": at, "framework": framework, "verdict": found.verdict, "changes": listed}
    if as_json:
        session.document("watch", body)
    return Exit.DONE


class _Round:
    """The assessments of one run, each when it is due or when there is a sign of news."""

    def __init__(self, session: Session, every_s: float) -> None:
        self._session, self._every_s = session, every_s
        self._stopped = asyncio.Event()
        self._trouble = ""

    async def serve(self) -> None:
        """Until SIGTERM or Ctrl-C."""
        from assistant.signs import signs

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        self._session.say("watch.begun", every=f"{self._every_s / 60:g}")
        due, seen = 0.0, None
        while not self._stopped.is_set():
            # Looked at before the assessment, so that nothing can slip in between.
            now = signs(self._session.folder)
            if now != seen or loop.time() >= due:
                seen, due = now, loop.time() + self._assess()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stopped.wait()

    def _assess(self) -> float:
        """Assess once; answers after how many seconds to do so again at the latest. The same trouble is said once."""
        from edge_agent.store.lock import WATCH_LOCK, beat

        session = Session(self._session.folder, self._session.language)  # the site's files may have changed
        try:
            _look(session)
            beat(session.site.data, WATCH_LOCK)
        except TROUBLE as error:
            said = _trouble(session, error)
            if said != self._trouble:
                click.echo(said, err=True)
            self._trouble = said
            return min(RETRY_S, self._every_s)
        if self._trouble:
            session.say("watch.again")
        self._trouble = ""
        return self._every_s


def _look(session: Session) -> tuple[Assessment, list[Change]]:
    """One assessment, its news said; raises one of TROUBLE. Without a database nothing is known yet."""
    from assistant.watch import look
    from edge_agent.store.reader import Reader

    if not Reader(session.site.data).exists:
        raise Stop(Exit.DONE, "error.no_database", folder=session.folder)
    found, changes = look(session.site, session.texts, session.now())
    for change in changes:
        if change.is_news:
            _say(session, change)
    return found, changes


def _say(session: Session, change: Change) -> None:
    texts = session.texts
    before, after = (texts(f"state.{s}") if s else texts("watch.gone") for s in (change.before, change.after))
    why = "; ".join(r.say(texts) for r in change.reasons)
    session.say("watch.change", criterion=change.criterion, before=before, after=after, why=why)


def _trouble(session: Session, error: Exception) -> str:
    """Why no assessment is possible now, in one line."""
    from edge_agent.cli import problem_line

    if isinstance(error, Stop):
        return session.texts(error.key, **error.fields)
    if isinstance(error, ConfigError):
        return problem_line(session.texts, error.problems[0])
    return session.texts("watch.cannot", why=error)
