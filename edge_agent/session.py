"""What every command starts from: the site folder, the language, and how results leave it."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from configs.problem import ConfigError
from edge_agent.exit import Exit, Stop
from edge_agent.site import PLANT_FILE, Site, open_site
from edge_agent.texts import LANGUAGES, Language, Texts


@dataclass
class Session:
    """One run of one command."""

    folder: Path
    language: Language | None = None  # from --lang

    @cached_property
    def site(self) -> Site:
        """The checked site; raises ConfigError, or Stop where there is no plant.yaml."""
        if not (self.folder / PLANT_FILE).exists():
            raise Stop(Exit.SITE, "error.no_site", folder=self.folder)
        return open_site(self.folder)

    def must_be_a_site(self) -> None:
        """Stop here, as `site` would, where a command needs no more of the site than that it is right."""
        _ = self.site

    @cached_property
    def texts(self) -> Texts:
        """The flag, the environment, the site, then Chinese."""
        given = self.language or os.environ.get("LEAFGATE_LANG", "")
        for language in LANGUAGES:
            if given == language:
                return Texts(language)
        try:
            return Texts(self.site.plant.site.language)
        except ConfigError as error:  # a faulty site file may still say in which language to complain
            return Texts(error.salvage.value.site.language if error.salvage else "zh")
        except Stop:
            return Texts("zh")

    def now(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1000

    def say(self, key: str, /, **fields: object) -> None:
        """Talk, on stderr."""
        click.echo(self.texts(key, **fields), err=True)

    def document(self, command: str, body: dict[str, Any]) -> None:
        """One JSON document on stdout."""
        text = json.dumps({"schema": f"leafgate.{command}/1", **body}, ensure_ascii=False, allow_nan=False, default=str)
        sys.stdout.write(text + "\n")


pass_session = click.make_pass_decorator(Session)
