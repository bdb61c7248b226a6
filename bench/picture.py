"""Draw the running screen for the README: docs/screen.zh.svg and docs/screen.en.svg.

    python bench/picture.py         takes about two minutes

The demonstration runs as it does for anybody, with one silent meter; Textual draws what it shows.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from assistant.demo import plant
from edge_agent.requests import wall_clock
from edge_agent.session import Session
from tui.app import OperatorScreen
from tui.source import Source

DOCS = Path(__file__).parent.parent / "docs"
FAULTS = "faults:\n  - {device: m4, fault: silent, since: 45s}\n"
RUNNING_S = 75.0  # so that the silence has become an alarm
SIZE = (80, 24)
# Fonts from the network have no place in a README; every machine has a monospaced one.
WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def drawn(site: Session) -> str:
    """The overview as SVG."""
    screen = OperatorScreen(Source(site.site, site.texts), site.texts, wall_clock)
    async with screen.run_test(size=SIZE) as pilot:
        while screen.last_look is None:
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        return WEB_FONT.sub("", screen.export_screenshot(title="leafgate tui")).replace("Fira Code", "monospace")


def main() -> None:
    for language in ("zh", "en"):
        with tempfile.TemporaryDirectory(prefix="leafgate-picture-") as name:
            folder = Path(name)
            script = folder / "faults.yaml"
            script.write_text(FAULTS, encoding="utf-8")
            with plant(folder, language, "10:00", script, lambda *_, **__: None) as site:

                async def picture(site: Session = site) -> str:
                    await asyncio.sleep(RUNNING_S)
                    return await drawn(site)

                svg = asyncio.run(picture())
            (DOCS / f"screen.{language}.svg").write_text(svg, encoding="utf-8")
        print(f"docs/screen.{language}.svg")


if __name__ == "__main__":
    main()
