"""The command table: name, where its function lives, and its help line in both languages.

Nothing here imports a command until it is called, so `--help` and completion stay quick.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import click

from configs.problem import ConfigError, Problem
from edge_agent.command import TextCommand, TextGroup, session_of, texts_of
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session
from edge_agent.site import PLANT_FILE
from edge_agent.texts import Texts
from edge_agent.usage import usage_lines

FAULT_LOG_BYTES = 500_000


class Entry(NamedTuple):
    """One line of the table; `where` is `module:function`."""

    where: str
    zh: str
    en: str


TABLE: dict[str, Entry] = {
    "init": Entry("edge_agent.commands.init:init", "新建一个带注释的站点", "Write a commented site"),
    "check": Entry("assistant.commands.check:check", "列出站点文件的所有问题", "Every problem of the site's files"),
    "doctor": Entry(
        "edge_agent.commands.doctor:doctor", "检查运行环境并给出修复命令", "Check the machine; name the repair"
    ),
    "scan": Entry("edge_agent.commands.scan:scan", "搜索总线上的表计与设备", "Find the devices on a line"),
    "read": Entry("edge_agent.commands.read:read", "抄读一台设备一次", "Read one device once"),
    "decode": Entry("edge_agent.commands.decode:decode", "解释抄到的报文", "Explain captured bytes"),
    "run": Entry("edge_agent.commands.run:run", "运行采集代理", "Run the agent"),
    "watch": Entry(
        "assistant.commands.watch:watch",
        "持续评估并在结论变差时报警",
        "Assess again and again; alarm when a finding gets worse",
    ),
    "sim": Entry("edge_agent.commands.sim:sim", "运行模拟工厂", "Run a simulated plant"),
    "tui": Entry("tui.command:tui", "操作员屏幕", "The operator's screen"),
    "status": Entry("edge_agent.commands.status:status", "最近值、时效与通讯状态", "Last values, ages, links"),
    "alarms": Entry("edge_agent.commands.alarms:alarms", "报警：列出与确认", "Alarms: list and acknowledge"),
    "export": Entry("edge_agent.commands.export:export", "导出读数", "Write readings out as CSV or JSON lines"),
    "import": Entry("edge_agent.commands.import_:import_", "导入数量与历史读数", "Take in amounts and past readings"),
    "backup": Entry(
        "edge_agent.commands.backup:backup", "备份站点（代理可继续运行）", "Copy the site while the agent runs"
    ),
    "restore": Entry("edge_agent.commands.backup:restore", "从备份恢复站点", "Lay a backup down"),
    "salvage": Entry(
        "edge_agent.commands.salvage:salvage", "找回损坏文件中的数据", "Bring back what a damaged file holds"
    ),
    "meter": Entry("edge_agent.commands.meter:meter", "计量台账：倍率等事件", "The metering ledger: ratios and events"),
    "energy": Entry("edge_agent.commands.energy:energy", "某一时期的能源与碳账", "Energy and carbon of a period"),
    "kb": Entry("assistant.commands.kb:kb", "文件库：导入、列出、检索", "The corpus: add, list, search"),
    "evidence": Entry("assistant.commands.evidence:evidence", "证据登记：添加、确认、驳回", "The register of evidence"),
    "owner": Entry("assistant.commands.owner:owner", "指定某条要求的负责人", "Who answers for a criterion"),
    "grade": Entry("assistant.commands.grade:grade", "由人评定定性指标", "A person grades a criterion"),
    "frameworks": Entry("assistant.commands.frameworks:frameworks", "列出评价体系", "The rule sets"),
    "gap": Entry("assistant.commands.gap:gap", "绿色工厂认证还缺什么", "What is still lacking for certification"),
    "ask": Entry("assistant.commands.ask:ask", "用自己的话提问", "Ask a question"),
    "bench": Entry("edge_agent.commands.bench:bench", "测速：与同次运行中的界限之比", "Speed as ratios to a limit"),
    "demo": Entry("assistant.commands.demo:demo", "在模拟工厂上完整演示", "The whole line on a simulated plant"),
}


class Table(TextGroup):
    """The root command; it knows names and help lines without importing what is behind them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(TABLE)

    def line(self, ctx: click.Context, name: str) -> str:
        return TABLE[name].en if texts_of(ctx).language == "en" else TABLE[name].zh

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in TABLE:
            return None
        module, _, function = TABLE[cmd_name].where.partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command


HELP = {"help_option_names": ["-h", "--help"]}


@click.command(cls=Table, name="leafgate", help="help.leafgate", context_settings=HELP)
@click.version_option(package_name="leafgate", help="option.version")
def leafgate() -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code; a user never sees a traceback."""
    os.umask(0o007)  # whatever a command writes belongs to the site's group and to nobody else
    session = Session(Path())
    try:
        result = leafgate.main(arguments, prog_name="leafgate", standalone_mode=False, obj=session)
        return result if isinstance(result, int) else Exit.DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as wrong:
        return _misused(session, wrong)
    except (KeyboardInterrupt, click.Abort):
        return 128 + 2
    except (BrokenPipeError, SystemExit):  # click leaves this way when nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        return _explained(session, error)


def _misused(session: Session, wrong: click.ClickException) -> int:
    if isinstance(wrong, click.UsageError) and not isinstance(wrong, click.exceptions.NoArgsIsHelpError):
        for line in usage_lines(session.texts, wrong):
            click.echo(line, err=True)
    else:
        wrong.show()
    return Exit.USAGE


def _explained(session: Session, error: Exception) -> int:
    """One line for what a user can mend; anything else is a fault of ours and goes to a log."""
    if isinstance(error, Stop):
        # Where nothing is near enough, half of the sentence is left out.
        alone = f"{error.key}.alone" if error.fields.get("nearest") == "-" else ""
        session.say(alone if session.texts.has(alone) else error.key, **error.fields)
        return error.exit_code
    if isinstance(error, ConfigError):
        for problem in error.problems:
            click.echo(problem_line(session.texts, problem), err=True)
        return Exit.SITE
    if isinstance(error, OSError):
        session.say("error.system", file=error.filename or "-", why=error.strerror or error)
        return Exit.SITE
    if type(error).__module__ == "sqlite3":  # not imported here, so that --help stays quick
        from edge_agent.store.rescue.check import is_damage

        key = "error.damaged_data" if is_damage(error) else "error.database"
        session.say(key, folder=session.folder / "data", why=error)
        return Exit.SITE
    return _fault(session, error)


def problem_line(texts: Texts, problem: Problem) -> str:
    """`plant.yaml:12: what is wrong, what is allowed, the nearest name`."""
    said = texts(f"problem.{problem.code}", **problem.fields)
    if problem.fields.get("allowed") and problem.code not in ("out_of_range",):
        said += texts("problem.allowed", allowed=problem.fields["allowed"])
    if problem.fields.get("nearest"):
        said += texts("problem.nearest", nearest=problem.fields["nearest"])
    return f"{problem.file}:{problem.line}: {said}" if problem.line else f"{problem.file}: {said}"


def _fault(session: Session, fault: Exception) -> int:
    import tempfile  # it brings random numbers and three compressors along

    is_site = (session.folder / PLANT_FILE).exists()
    log = (session.folder / "data" / "log" if is_site else Path(tempfile.gettempdir())) / "leafgate-fault.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        full = log.exists() and log.stat().st_size > FAULT_LOG_BYTES
        with log.open("w" if full else "a", encoding="utf-8") as file:
            traceback.print_exception(fault, file=file)
        where = str(log)
    except OSError:
        where = "-"
    session.say("error.fault", what=type(fault).__name__, why=str(fault), log=where)
    return Exit.FAULT


__all__ = ["TABLE", "TextCommand", "leafgate", "main", "problem_line", "session_of"]

if __name__ == "__main__":
    sys.exit(main())
