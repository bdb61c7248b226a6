"""Wrong usage in the words of the catalogue; click itself speaks English only."""

from __future__ import annotations

import click

from configs.problem import nearest
from edge_agent.texts import Texts


def usage_lines(texts: Texts, wrong: click.UsageError) -> list[str]:
    """What was wrong, and the command that explains."""
    path = wrong.ctx.command_path if wrong.ctx else "leafgate"
    return [_said(texts, wrong), texts("usage.help", command=path)]


def _said(texts: Texts, wrong: click.UsageError) -> str:
    if isinstance(wrong, click.NoSuchOption):
        known = [opt for p in _params(wrong) for opt in p.opts]
        return texts("usage.no_option", name=wrong.option_name, nearest=_hint(wrong.option_name, known))
    if isinstance(wrong, click.MissingParameter):
        return texts("usage.missing", name=_name(wrong.param))
    if isinstance(wrong, click.BadParameter):
        return texts("usage.bad_value", name=_name(wrong.param), why=wrong.message)
    command = getattr(wrong, "command_name", None)
    if command is not None and wrong.ctx and isinstance(wrong.ctx.command, click.Group):
        known = wrong.ctx.command.list_commands(wrong.ctx)
        return texts("usage.no_command", name=command, nearest=_hint(command, known))
    return texts("usage.other", why=wrong.format_message())


def _params(wrong: click.UsageError) -> list[click.Parameter]:
    return wrong.ctx.command.params if wrong.ctx else []


def _name(param: click.Parameter | None) -> str:
    if param is None:
        return "-"
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name


def _hint(word: str, known: list[str]) -> str:
    """The nearest name, or all of them where none is near."""
    return nearest(word, known) or ", ".join(known)
