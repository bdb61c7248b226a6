"""docs/cli.md, printed from the commands themselves: `python -m edge_agent.manual > docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from edge_agent.cli import TABLE, leafgate
from edge_agent.exit import Exit
from edge_agent.texts import Texts

ZH, EN = Texts("zh"), Texts("en")


def reference() -> str:
    """The whole page."""
    root = click.Context(leafgate, info_name="leafgate")
    lines = ["# Commands", "", "Printed by `make docs`; a test keeps this page current.", ""]
    lines += ["`leafgate [-C DIR] [--lang zh|en] COMMAND ...`; both options may also follow the command.", ""]
    lines += ["## Exit codes / 退出码", "", "| code | name | 中文 | English |", "|---|---|---|---|"]
    lines += [f"| {e.value} | {e.name} | {ZH(f'exit.{e.name}')} | {EN(f'exit.{e.name}')} |" for e in Exit]
    for name in TABLE:
        command = leafgate.get_command(root, name)
        assert command is not None
        lines += ["", *_command(f"leafgate {name}", command, 2)]
    return "\n".join(lines) + "\n"


def _command(path: str, command: click.Command, level: int) -> Iterator[str]:
    ctx = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(ctx)])
    yield f"{'#' * level} {path}"
    yield ""
    yield f"{_said(ZH, command.help)} {_said(EN, command.help)}"
    yield ""
    yield f"    {usage}"
    options = [p for p in command.params if isinstance(p, click.Option) and p.expose_value]
    if options:
        yield ""
        yield "| option | 中文 | English |"
        yield "|---|---|---|"
    for option in options:
        record = option.get_help_record(ctx)
        name = (record[0] if record else "").replace("|", "\\|")
        yield f"| `{name}` | {_said(ZH, option.help)} | {_said(EN, option.help)} |"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None:
                yield ""
                yield from _command(f"{path} {name}", inner, level + 1)


def _said(texts: Texts, key: str | None) -> str:
    return texts(key).replace("|", "\\|") if key else ""


if __name__ == "__main__":
    click.echo(reference(), nl=False)
