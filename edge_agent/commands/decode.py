"""leafgate decode: what captured bytes say, field by field, offline."""

from __future__ import annotations

import json
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drivers.explained import Explained, Hints

FILE = click.Path(path_type=Path, allow_dash=True)
STDIN = "-"
LOOKED_AT = 65536  # bytes; no log of hexadecimal digits has a zero byte
MOST_BYTES = 64 * 1024 * 1024  # of a log: weeks of a busy line; a gateway has no memory for more at once


@click.command("decode", cls=TextCommand, help="decode.help")
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("words", metavar="HEX...", nargs=-1)
@click.option("--file", "file", type=FILE, default=None, metavar="FILE", help="option.decode.file")
@click.option("--request", default=None, metavar="HEX", help="option.decode.request")
@click.option("--base", type=click.IntRange(0, 65535), default=None, help="option.decode.base")
@click.option("--model", type=click.IntRange(0, 65535), default=None, help="option.decode.model")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def decode(
    session: Session,
    protocol: str,
    words: tuple[str, ...],
    file: Path | None,
    request: str | None,
    base: int | None,
    model: int | None,
    as_json: bool,
) -> int:
    from drivers.explained import Hints

    _check_protocol(protocol)
    if bool(words) == (file is not None):
        raise Stop(Exit.USAGE, "decode.hex_or_file")
    hints = Hints(None if request is None else _bytes(request), base, model)
    if file is not None:
        return _many(session, protocol, file, hints, as_json)
    return _one(session, protocol, _bytes(sys.stdin.read() if words == (STDIN,) else " ".join(words)), hints, as_json)


def _one(session: Session, protocol: str, raw: bytes, hints: Hints, as_json: bool) -> int:
    from drivers.explain import explain

    frames = explain(protocol, raw, hints)
    if as_json:
        session.document("decode", _body(frames))
    else:
        _show(session, raw, frames)
    return _verdict(frames)


def _many(session: Session, protocol: str, file: Path, hints: Hints, as_json: bool) -> int:
    """One capture a line; a line that cannot be read is said and the others go on."""
    from drivers.explain import explain
    from drivers.explained import Explained
    from edge_agent.capture import LineError, captures

    worst, seen = Exit.DONE, False
    for number, found in captures(_lines(file), protocol, hints):
        seen = True
        if isinstance(found, LineError):
            click.echo(f"{file}:{number}: {session.texts(f'decode.{found.code}', **found.fields)}", err=True)
            worst = Exit.USAGE
            if as_json:
                _line(number, _body([Explained(protocol, False, error=found.code)]))
            continue
        frames = explain(found.protocol, found.raw, found.hints)
        worst = worst or _verdict(frames)
        if as_json:
            _line(number, _body(frames))
        else:
            click.echo(f"{file}:{number}")
            _show(session, found.raw, frames)
    if not seen:
        raise Stop(Exit.USAGE, "decode.empty_file", file=file)
    return worst


def _lines(file: Path) -> Iterable[str]:
    """The lines of a file as text; raises Stop where it cannot be read, or holds no text."""
    try:
        data = _read(file)
    except OSError as error:
        raise Stop(Exit.USAGE, "decode.unreadable", file=file, why=error.strerror or error) from None
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").splitlines()
    if len(data) > MOST_BYTES or b"\0" in data[:LOOKED_AT]:
        raise Stop(Exit.USAGE, "decode.not_text", file=file, most=MOST_BYTES // 2**20)
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace").splitlines()  # loggers of Windows machines in China


def _read(file: Path) -> bytes:
    """No more than shows that it is too much."""
    if str(file) == STDIN:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _body(frames: list[Explained]) -> dict[str, Any]:
    from edge_agent.frame_words import frame_json

    return {**frame_json(frames[0]), "frames": [frame_json(frame) for frame in frames[1:]]}


def _line(number: int, body: dict[str, Any]) -> None:
    document = {"schema": "leafgate.decode/1", "line": number, **body}
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


def _show(session: Session, raw: bytes, frames: list[Explained]) -> None:
    from edge_agent.frame_words import frame_lines, raw_lines

    for line in raw_lines(raw):
        click.echo(line)
    for frame in frames:
        for line in frame_lines(frame, session.texts):
            click.echo(line)


def _verdict(frames: list[Explained]) -> Exit:
    return Exit.DONE if all(frame.valid for frame in frames) else Exit.CANNOT_TELL


def _check_protocol(protocol: str) -> None:
    from drivers.explain import EXPLAINERS
    from edge_agent.capture import unknown_protocol

    if protocol not in EXPLAINERS:
        raise Stop(Exit.USAGE, "decode.no_protocol", **unknown_protocol(protocol))


def _bytes(text: str) -> bytes:
    from edge_agent.capture import HexError, bytes_of

    try:
        return bytes_of(text)
    except HexError as error:
        raise Stop(Exit.USAGE, f"decode.{error.code}", place=error.place, piece=error.piece) from None
