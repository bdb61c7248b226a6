"""Click commands whose help comes from the catalogue and which take -C and --lang anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge_agent.session import Session
from edge_agent.texts import LANGUAGES, Texts


def session_of(ctx: click.Context) -> Session:
    """The session of this run, made on first use."""
    found = ctx.find_object(Session)
    if found is None:
        found = Session(Path())
        ctx.find_root().obj = found
    return found


def texts_of(ctx: click.Context) -> Texts:
    """The texts for help: the flag or the environment; help must not need a site."""
    return session_of(ctx).texts


def _folder(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        session_of(ctx).folder = value


def _language(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
    if value is not None:
        session_of(ctx).language = value


def common_options() -> list[click.Option]:
    """-C DIR and --lang, accepted before and after the command."""
    folder = click.Path(file_okay=False, path_type=Path)
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True}
    return [
        click.Option(["-C", "site_folder"], type=folder, metavar="DIR", help="option.site", callback=_folder, **shared),
        click.Option(["--lang"], type=click.Choice(LANGUAGES), help="option.lang", callback=_language, **shared),
    ]


class TextCommand(click.Command):
    """A command whose `help` and option helps are keys of the catalogue."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *common_options()]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = self.collect_usage_pieces(ctx)
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=texts_of(ctx)("help.usage") + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(self.said(ctx))

    def said(self, ctx: click.Context) -> str:
        """The help of this command in the session's language."""
        texts = texts_of(ctx)
        return texts(self.help) if self.help and texts.has(self.help) else self.help or ""

    def get_short_help_str(self, limit: int = 45) -> str:
        return self.help or ""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        texts = texts_of(ctx)
        rows = []
        for param in (p for p in self.get_params(ctx) if isinstance(p, click.Option)):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            key = param.help or ""
            name = "option.help" if "--help" in param.opts else key
            rows.append((record[0], record[1].replace(key, texts(name)) if texts.has(name) else record[1]))
        if rows:
            with formatter.section(texts("help.options")):
                formatter.write_dl(rows)


class TextGroup(TextCommand, click.Group):
    """A command with commands of its own, such as `kb` or `evidence`."""

    command_class = TextCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        TextCommand.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self.line(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section(texts_of(ctx)("help.commands")):
            formatter.write_dl(rows)

    def line(self, ctx: click.Context, name: str) -> str:
        """The one line that a list of commands shows for `name`."""
        command = self.get_command(ctx, name)
        return command.said(ctx) if isinstance(command, TextCommand) else ""
