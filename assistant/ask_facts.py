"""Answers from the plant's own data: what is lacking for certification, and energy and carbon of a period.

The figures come from `edge_agent.energy` and `assistant.gap`; here they are only chosen and named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from assistant.ask_question import Question
from assistant.finding import State
from edge_agent.exit import Stop
from edge_agent.figure import Figure
from edge_agent.period import Period, PeriodError, parse
from edge_agent.reason import Reason, merged
from edge_agent.session import Session
from edge_agent.site import Site
from kb.grams import HAN

WIDE = 10_000  # cells; who shows the answer breaks its lines
GAP = re.compile(
    r"还缺|还差|缺什么|缺哪|缺少什么|欠缺|差距在|差距有|有.{0,4}差距|什么差距|缺口|短板|差什么|差哪"
    r"|能不能(?:通过|申报|评上|过)|能否(?:通过|申报|评上)|(?:可以|够格|够条件)申报|满足.{0,8}(?:认证|申报)条件吗"
    r"|what (?:do|are|is) (?:we|our plant|still)?.{0,20}(?:lack|missing)"
    r"|still (?:lack|missing|need)|what.{0,20}we (?:lack|miss)|\bgaps?\b|are we ready|can we (?:pass|apply)"
)
GAP_NOT_OURS = re.compile("差距分析|公司实际情况|怎么做|如何开展")
# a figure of the account and the words that ask for it; the first that fits is meant
METRICS: dict[str, re.Pattern[str]] = {
    "energy_per_piece": re.compile("单位产品(?:综合)?能耗|energy per (?:piece|unit)"),
    "carbon_per_piece": re.compile("单位产品碳排放|carbon per (?:piece|unit)"),
    "energy_per_10kCNY": re.compile("万元产值(?:综合)?能耗"),
    "carbon_per_10kCNY": re.compile("万元产值碳排放"),
    "renewable_share": re.compile(
        "可再生能源(?:利用率|占比|比例|使用率)?|绿电(?:占比|比例)?|renewables?(?: energy)?(?: share)?"
    ),
    "grid_import": re.compile("(?:电网)?购电量?|外购电量?|网购电量?|grid (?:import|electricity)"),
    "grid_export": re.compile("上网电量|余电上网|grid export|exported"),
    "pv_generation": re.compile("光伏(?:发电量?)?|发电量|太阳能|solar|\\bpv\\b(?: generation)?"),
    "natural_gas": re.compile("天然气(?:用量|消耗量?)?|用气量?|燃气|natural gas|\\bgas\\b"),
    "tco2": re.compile("碳排放量?|碳排|二氧化碳|排碳|carbon|co2|emissions?|emitted"),
    "electricity": re.compile("用电量?|耗电量?|多少(?:度)?电|电耗|电量|electricity|power consumption"),
    "tce": re.compile("综合能耗|总能耗|能源消费(?:总?量)?|能源消耗(?:总?量)?|用能|能耗|标准煤|标煤|\\btce\\b|energy"),
}
_RELATIVE = {
    "today": re.compile("今[天日]|today"),
    "month": re.compile("本月|这个?月|当月|this month"),
    "year": re.compile("今年|本年度?|年初至今|this year|year to date"),
}
_YESTERDAY = re.compile("昨[天日]|yesterday")
_MONTH_ONLY = re.compile(r"(?<![\d年/-])(1[0-2]|0?[1-9])\s*月(?!\s*\d)份?")
_USED = re.compile("用了|用掉|耗了|消耗了|排了|排放了|发了|产生了|did we|have we")
# Whose figure is asked for: a number of this plant is never answered with anybody else's.
_OWN = re.compile("我们|咱们|我厂|本厂|我司|本公司|\\bour\\b|\\bwe\\b")
_A_RULE = re.compile(
    "要求|规定|标准|应[当该]?|需要?|要达|要得|达到|至少|不低于|不超过|什么时候|何时|must|required|should|need"
)
_LAST_MONTH = re.compile("上个?月|last month")
_LAST_YEAR = re.compile("去年|上一?年度?|last year")
_DATED = re.compile(r"(?<!\d)(20\d\d)(?:\s*年|[-/](?=\d))?(?:\s*(1[0-2]|0?[1-9])(?!\d)(?:\s*月份?)?)?")
_DAY = re.compile(r"(?<!\d)(20\d\d)\s*[年/-]\s*(\d{1,2})\s*[月/-]\s*(\d{1,2})\s*[日号]?")
_OURS = re.compile("我们|咱们|我厂|本厂|我司|本公司|全厂|厂里|厂区|工厂|公司|厂|our|plant|factory|site|we|us")
_PLAIN = re.compile(
    "请问|多少吨|是多少|有多少|多少|怎么样|如何|查一下|查询|告诉我|总共|一共|总量|总的|合计|累计|使用量|使用|消耗了?|产生了?|排放了?|情况|数据"
    "|用了|用掉|千瓦时|度|kwh|the|what|how|much|many|is|was|were|are|did|do|does|have|has|used?|using|consum(?:e|ed|ption)"
    r"|total|of|in|for|so|far|and|tell|me|show|please|[的了是在总共有为呢吗量月份号日年和与及]|[\s\W]"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the plant's data say: sentences, figures, and what a reader has to know."""

    lines: tuple[str, ...]
    figures: tuple[dict[str, Any], ...]
    reasons: tuple[Reason, ...] = ()
    refused: bool = False


def asks_for_gap(question: Question) -> bool:
    """Whether the asker wants to know how far the plant is from certification."""
    return GAP.search(question.folded) is not None and not GAP_NOT_OURS.search(question.folded)


def gap_facts(session: Session) -> Facts:
    """The assessment in words, with its score as figures."""
    from assistant.gap import assess

    try:
        found = assess(session.site, session.now())
    except Stop as stop:
        return Facts((session.texts(stop.key, **stop.fields),), (), refused=True)
    score, source = found.score, found.framework.edition
    period = str(found.day)
    figures = [
        _figure("score_now", score.now, "points", period, source),
        _figure("score_possible", score.possible, "points", period, source),
        _figure("musts_met", found.gate.by_state.get(State.MET, 0), "criteria", period, source),
        _figure("musts_total", found.gate.total, "criteria", period, source),
    ]
    return Facts(tuple(found.in_words(session.texts, WIDE)), tuple(figures), found.warnings)


def energy_question(question: Question) -> tuple[list[str], str] | None:
    """The figures asked for and the words of their period, when the plant's account is asked for."""
    text = question.folded
    period, rest = _period_words(text)
    asked = []
    for name, pattern in METRICS.items():
        if pattern.search(rest):
            asked.append(name)
            rest = pattern.sub(" ", rest)
    ours = _OURS.search(rest) is not None
    rest = re.sub(r"\s+", "", _PLAIN.sub(" ", _OURS.sub(" ", rest)))
    about_us = not re.search(f"[{HAN}]|[a-z]{{3}}", rest)
    if asked and about_us and (period or ours or _USED.search(text)):
        return asked, period or "year"
    return None


def asks_for_our_number(question: Question) -> bool:
    """Whether a figure of this very plant is asked for, and not what a rule demands of it."""
    text = question.folded
    return bool(question.asks_a_number and _OWN.search(text) and not _A_RULE.search(text))


def energy_facts(session: Session, asked: list[str], words: str) -> Facts:
    """The figures of the account of a period, each in one sentence."""
    from edge_agent.energy.account import account
    from edge_agent.energy.books import Books

    books, say = Books.open(session.site, session.now()), session.texts
    try:
        period = _period(words, books)
    except PeriodError:
        return Facts((say("error.period", value=words, allowed=PeriodError.allowed),), (), refused=True)
    result = account(books, period)
    found = {name: figure for name in asked if (figure := _asked(name, books, period, result)) is not None}
    lines, figures = [], []
    for name in asked:
        figure = found.get(name)
        title = say(f"answer.metric.{name}")
        if figure is None:
            lines.append(say("answer.no_metric", name=title))
            continue
        lines.append(_sentence(session, title, period, figure))
        figures.append(_figure(name, figure.as_json(), figure.unit, period.name, _source(session.site, figure)))
    reasons = merged(*(figure.reasons for figure in found.values()), result.losses)
    return Facts(tuple(lines), tuple(figures), reasons, refused=not found)


def _figure(name: str, value: Any, unit: str, period: str, source: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "period": period, "source": source}


def _source(site: Site, figure: Figure) -> str:
    return "; ".join(("plant.db", site.plant.site.id, *figure.factors))


def _sentence(session: Session, title: str, period: Period, figure: Figure) -> str:
    from edge_agent.commands.energy import shown

    value = figure.as_json()
    if value is None:
        return session.texts("answer.unknown", name=title, period=period.name)
    numbers = [v for v in value if v is not None] if isinstance(value, list) else value
    key = "answer.fact_so_far" if period.open else "answer.fact"
    return session.texts(key, name=title, period=period.name, value=shown(numbers, 2), unit=figure.unit)


def _asked(name: str, books: Any, period: Period, result: Any) -> Figure | None:
    """One figure of the account; None where the plant has no such meter or amount."""
    from edge_agent.energy.account import intensities

    if name in ("electricity", "tce", "tco2", "renewable_share"):
        figure: Figure = getattr(result, name)
        return figure
    if "_per_" in name:
        return dict(intensities(books, period, result)).get(name)
    for line in result.lines:
        if name in (line.flow, line.carrier):
            found: Figure = line.value
            return found
    return None


def _period_words(text: str) -> tuple[str, str]:
    """The period as `--period` writes it, or `last month` and `last year`, and the text without it."""
    if day := _DAY.search(text):
        return f"{day[1]}-{int(day[2]):02}-{int(day[3]):02}", text[: day.start()] + " " + text[day.end() :]
    named = {"last_month": _LAST_MONTH, "last_year": _LAST_YEAR, "yesterday": _YESTERDAY, **_RELATIVE}
    for name, pattern in named.items():
        if pattern.search(text):
            return name, pattern.sub(" ", text)
    if dated := _DATED.search(text):
        month = f"-{int(dated[2]):02}" if dated[2] else ""
        return dated[1] + month, text[: dated.start()] + " " + text[dated.end() :]
    if alone := _MONTH_ONLY.search(text):
        return f"month {int(alone[1])}", text[: alone.start()] + " " + text[alone.end() :]
    return "", text


def _period(words: str, books: Any) -> Period:
    year, month = books.calendar.month_of(books.at)
    if words == "last_year":
        words = str(year - 1)
    elif words == "yesterday":
        words = str(books.calendar.local(books.at).date() - timedelta(days=1))
    elif words.startswith("month "):  # the latest month of that number that has begun
        number = int(words.removeprefix("month "))
        words = f"{year - (number > month):04}-{number:02}"
    elif words == "last_month":
        words = f"{year - (month == 1):04}-{(month - 2) % 12 + 1:02}"
    return parse(words, books.calendar, books.at)
