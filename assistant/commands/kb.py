"""leafgate kb: put documents into the corpus, list them, search them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_agent.command import TextCommand, TextGroup
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.table import table

if TYPE_CHECKING:
    from kb.search import Hit

LIMIT = 10  # results of a search unless told otherwise
MAX_LIMIT = 200
SHOWN_CHARS = 160  # of a passage on a screen; --json prints all of it
SHOWN_TERMS = 12
FILE = click.Path(exists=False, path_type=Path)


@click.group("kb", cls=TextGroup, help="kb.help")
def kb() -> None:
    pass


@kb.command("add", cls=TextCommand, help="kb.add.help")
@click.argument("sources", nargs=-1, required=True, metavar="DIR_OR_FILE...", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def add(session: Session, sources: tuple[Path, ...], as_json: bool) -> int:
    from assistant.ask_corpus import add_all

    with guarded(session):
        result = add_all(database(session), sources)
    if as_json:
        session.document("kb.add", result.as_json(session.texts))
    else:
        for line in result.lines(session.texts):
            click.echo(line)
    for line in result.complaints(session.texts):
        click.echo(line, err=True)
    return Exit.USAGE if result.problems else Exit.DONE


@kb.command("list", cls=TextCommand, help="kb.list.help")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def list_(session: Session, as_json: bool) -> int:
    from assistant.ask_corpus import entry_json
    from kb.index import entries

    with guarded(session):
        found = entries(database(session))
    if as_json:
        session.document("kb.list", {"documents": [entry_json(entry) for entry in found]})
        return Exit.DONE
    if not found:
        session.say("kb.empty", folder=session.folder)
        return Exit.DONE
    head = [session.texts(f"kb.head.{key}") for key in ("file", "title", "number", "until", "clauses")]
    rows = [[e.file, e.title, e.number, e.valid_to or "", str(e.clauses)] for e in found]
    click.echo(table(head, rows, right={4}))
    return Exit.DONE


@kb.command("search", cls=TextCommand, help="kb.search.help")
@click.argument("query", required=False)
@click.option("-k", "limit", type=click.IntRange(1, MAX_LIMIT), default=LIMIT, show_default=True, help="option.kb.k")
@click.option("--explain", is_flag=True, help="option.kb.explain")
@click.option("--batch", type=FILE, default=None, metavar="FILE.jsonl", help="option.kb.batch")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def search(session: Session, query: str | None, limit: int, explain: bool, batch: Path | None, as_json: bool) -> int:
    from assistant.ask_batch import read_batch

    if (query is None) == (batch is None):
        raise Stop(Exit.USAGE, "error.kb_query_or_batch")
    session.must_be_a_site()
    with guarded(session):
        if not database(session).exists():
            session.say("kb.empty", folder=session.folder)
        if batch is not None:
            for line in read_batch(batch, "query"):
                found = {"error": session.texts(line.error)} if line.error else body(session, line.text, limit, explain)
                session.document("kb.search", {**line.carried, **found})
        elif as_json:
            session.document("kb.search", body(session, query or "", limit, explain))
        else:
            show(session, body(session, query or "", limit, explain))
    return Exit.DONE


def body(session: Session, query: str, limit: int, explained: bool = False) -> dict[str, Any]:
    """The body of `kb search --json`."""
    from kb.search import explain
    from kb.search import search as search_for

    path = database(session)
    results = []
    for hit in search_for(path, query, limit):
        terms = explain(path, query, hit) if explained else []
        why = [{"word": t.word, "weight": round(t.weight, 3), "found": t.found} for t in terms]
        results.append({**result(hit), **({"explain": why} if explained else {})})
    return {"query": query, "results": results}


def result(hit: Hit) -> dict[str, Any]:
    """One result as JSON shows it."""
    first = hit.first
    return {
        "rank": hit.rank,
        "document": first.document,
        "file": first.file,
        "locator": first.locator,
        "heading": first.heading,
        "text": hit.text,
        "score": hit.score,
        "clauses": [clause.id for clause in hit.clauses],
    }


def show(session: Session, found: dict[str, Any]) -> None:
    """The same for a person."""
    say = session.texts
    if not found["results"]:
        session.say("kb.nothing", query=found["query"])
    for r in found["results"]:
        line = r["locator"].removeprefix("line ")
        where = say("kb.at", document=r["document"], file=r["file"], line=line)
        click.echo(say("kb.result", rank=r["rank"], score=f"{r['score']:.2f}", where=where))
        text = " ".join(r["text"].split("\n"))
        click.echo("    " + (text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"))
        if terms := r.get("explain"):
            shown = [f"{t['word']} {t['weight']:.1f}" for t in terms if t["found"]][:SHOWN_TERMS]
            missing = [t["word"] for t in terms if not t["found"]][:SHOWN_TERMS]
            click.echo("    " + say("kb.explain", found=", ".join(shown) or "-", missing=", ".join(missing) or "-"))


def database(session: Session) -> Path:
    """Where the index of this site lies."""
    from kb.index import FILE as NAME

    return session.site.data / NAME


@contextmanager
def guarded(session: Session) -> Iterator[None]:
    """Faults of the index as one sentence: busy, not to be written, damaged, of another version."""
    from kb.index import VERSION, VersionError

    try:
        yield
    except VersionError as error:
        raise Stop(Exit.SITE, "error.kb_version", file=database(session), found=error.found, known=VERSION) from None
    except (sqlite3.Error, PermissionError) as error:
        if "locked" in str(error):
            raise Stop(Exit.BUSY, "error.kb_busy", file=database(session)) from None
        raise Stop(Exit.SITE, "error.kb_unusable", file=database(session), why=error) from None
