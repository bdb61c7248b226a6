"""Walk through the screen in a real terminal and write what it shows into docs/operator.md.

    python docs/walk.py             needs tmux; takes about four minutes

The demonstration runs in tmux at 80x24, a fault script is changed under it, keys are sent as a
person would, and every fenced block of docs/operator.md that is marked `text walk:NAME` gets the
screen of that moment. A screen that does not come in time ends the walk with its name.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "operator.md"
PLANT = Path("/tmp/plant-a")  # stands in the screens, so it is the same on every machine
SESSION = "leafgate-walk"
PATIENCE_S = 90.0
WELL = "faults: []\n"
ILL = """faults:
  - {device: m2, fault: silent}
  - {device: press, fault: error}
  - {device: inv1, fault: noisy}
"""
# What each moment of the walk is known by.
WORDS = {
    "zh": {"well": "暖通 +好", "ill": r"\[!\].*冲压车间", "asked": "已确认|已请求"},
    "en": {"well": "HVAC +(ok|up|good)", "ill": r"\[!\].*Press hall", "asked": "acknowledged|asked"},
}


def tmux(*words: str) -> str:
    return subprocess.run(["tmux", *words], check=True, capture_output=True, text=True).stdout


def screen() -> str:
    """What the terminal shows now."""
    return tmux("capture-pane", "-p", "-t", SESSION).rstrip("\n")


def until(pattern: str, what: str) -> str:
    """The first screen that fits; ends the walk when none comes."""
    deadline = time.monotonic() + PATIENCE_S
    while not re.search(pattern, shown := screen()):
        if time.monotonic() > deadline:
            sys.exit(f"the walk waited in vain for {what} ({pattern}):\n{shown}")
        time.sleep(0.2)
    time.sleep(1.5)  # the second paint of the same moment
    return screen()


def press(*keys: str) -> None:
    for key in keys:
        tmux("send-keys", "-t", SESSION, key)
        time.sleep(0.3)


def walk(language: str, folder: Path) -> dict[str, str]:
    """One walk; screens by name."""
    script = folder / "faults.yaml"
    script.write_text(WELL, encoding="utf-8")
    leafgate = Path(sys.executable).with_name("leafgate")
    shutil.rmtree(PLANT, ignore_errors=True)
    command = f"{leafgate} --lang {language} demo --start-at 10:00 --script {script} --keep {PLANT}"
    tmux("new-session", "-d", "-s", SESSION, "-x", "80", "-y", "24", command)
    words, shown = WORDS[language], {}
    try:
        shown["well"] = until(words["well"], "a plant that is well")
        script.write_text(ILL, encoding="utf-8")
        shown["ill"] = until(words["ill"], "the alarm of the lost meter")
        press("Down", "Enter")
        shown["device"] = until("000000000162", "the device page")
        press("Escape", "Tab", "a")
        time.sleep(1.0)
        shown["acknowledge"] = screen()
        press("Enter", "Enter")
        shown["acknowledged"] = until(words["asked"], "the acknowledgement")
        script.write_text(WELL, encoding="utf-8")
        time.sleep(35.0)  # the meter is asked again later and later while it is silent
        shown["recovered"] = screen()
        press("?")
        time.sleep(1.0)
        shown["help"] = screen()
        press("Escape", "q")
        time.sleep(1.0)
        shown["leave"] = screen()
        press("y")
        time.sleep(3.0)
    finally:
        subprocess.run(["tmux", "kill-session", "-t", SESSION], capture_output=True)
    return shown


def entered(page: str, name: str, shown: str) -> str:
    """The page with one block filled."""
    block = re.compile(rf"(```text walk:{re.escape(name)}\n).*?(```)", re.DOTALL)
    if not block.search(page):
        sys.exit(f"{PAGE.name} has no block walk:{name}")
    return block.sub(lambda found: f"{found[1]}{shown}\n{found[2]}", page)


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for language in WORDS:
        with tempfile.TemporaryDirectory(prefix="leafgate-walk-") as folder:
            for name, shown in walk(language, Path(folder)).items():
                page = entered(page, f"{language}-{name}", shown)
        print(f"{language}: walked")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
