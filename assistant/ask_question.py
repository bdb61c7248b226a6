"""What a question asks for: its content words, and the slots that a quoted clause must fill.

A slot is a year, a number, a place, a unit, a person's office: what the asker wants to know or wants
it known of. A clause that is about the same matter but lacks the slot does not answer the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from kb.grams import HAN, fold, is_han, pairs, runs

_PLACE = re.compile(
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南"
    "|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|欧盟|美国|日本|德国"
    f"|[{HAN}]{{2}}(?=[市县](?!场|级|域))"
)
_STOP = re.compile(
    "请问|什么时候|什么样|什么|哪一年|哪些|哪个|哪几|哪里|哪|何时|多少|如何|怎么样|怎么|怎样|是否|能否|可以|需要|应该|应当|必须"
    "|有没有|我们|咱们|你们|请|告诉我|列出|说明|介绍|一下|分别|包括|包含|属于|达到|以及|关于|根据|按照|为什么|规定|要求|内容|情况"
    "|还|[吗呢吧啊呀的了在与及或是由从把被将这那谁]|(?<!中)和(?!谐)|(?<![重主必])要|(?<![成作行认])为|(?<![达])到|(?<!国)有(?![效害毒色])|才能|几|(?<!相)应(?![用急对变付])"
)
_STOP_WORD = re.compile(
    "an?|and|are|as|at|be|by|can|do|does|for|from|has|have|how|i|in|is|its?|many|me|much|must|of|on|or|our|please|shall"
    "|should|tell|that|their|there|the|this|to|was|we|were|what|when|where|which|who|why|will|with|would|you"
)
_AMOUNT = r"多少|几(?!乎|何)|比例|百分之|占比|how many|how much|what percentage"
_DIGIT = r"[\d一二三四五六七八九十百千万两ivx]"  # folding writes Ⅱ as ii
# (what the question says, what a clause must then say)
SLOTS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asked), re.compile(needed))
    for asked, needed in (
        (r"电话|手机|联系方式|传真|phone|telephone|fax", r"\d{3,4}-\d{7,8}|\d{7,}"),
        (r"邮箱|邮件地址|e-?mail", r"@"),
        (r"网址|网站地址|url", r"https?:|www\."),
        (
            r"多少钱|多少[万亿]?元|金额|收费|费用|价格|[补贴助奖励金罚款]{2}(?:标准|是?多少)"
            r"|how much money|subsid|fee\b|price",
            rf"{_DIGIT}\s*[万亿]?\s*元",
        ),
        (
            r"什么时候|何时|哪天|哪一?年|哪个月|几月|几号|日期|截止|when\b|deadline",
            rf"{_DIGIT}\s*[年月日]|\d{{4}}-\d\d",
        ),
        (r"有效期", r"有效期|有效至"),
        (_AMOUNT, rf"{_DIGIT}|%"),
        (r"谁是|是谁|姓名|名字|\bwho is\b", r"联系人|负责人|主任|局长|厅长|经理|董事长|代表人|姓名|厂长"),
    )
)
_OFFICES = re.compile("主任|局长|厅长|总经理|经理|董事长|法定代表人|厂长|书记|秘书长|股票|注册资本|股东|员工|食堂|天气")
_COUNTED = re.compile(
    "(?:多少|几)(万元|亿元|元|分|家|个|名|人|项|级|星|年|月|日|天|次|吨|千瓦时|千瓦|兆瓦|度|立方米|平方米|公里|倍|条|大类|类|种|台|套)"
)
_ATTRIBUTE = re.compile(rf"([{HAN}]{{2,6}}?)(?:占|是|为|有|达到|要|应|得|需|将)*多少")
_NOTICE = re.compile(r"〔\d{4}〕|\d{4}\s*年第\s*\d+\s*号")  # the year of a document's number, not of what it says
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_NUMBER = re.compile(r"(?<![a-z\d.])\d[\d.]*(?:[-/]\d+)*(?![a-z\d.])")


@dataclass(frozen=True)
class Question:
    """A question and what a clause must say to answer it."""

    text: str

    @cached_property
    def folded(self) -> str:
        return fold(self.text)

    @cached_property
    def words(self) -> list[str]:
        """The content words: pairs of Chinese characters, other words whole; no question words."""
        content = _STOP.sub(" ", self.folded)
        found: list[str] = []
        for run in _split_runs(content):
            if is_han(run):
                found += pairs(run)
            elif not _STOP_WORD.fullmatch(run):
                found.append(run)
        return list(dict.fromkeys(found))

    def joints(self, have: set[str]) -> set[str]:
        """Pairs that are missing only because two found words stand side by side in the question."""
        triples = zip(self.words, self.words[1:], self.words[2:], strict=False)
        return {b for a, b, c in triples if b not in have and a in have and c in have and a[-1] + c[0] == b}

    def strange_terms(self, have: set[str]) -> int:
        """How many terms of three characters or more are nowhere in `have`: not the same matter."""
        count, before = 0, False
        for first, second in pairwise(self.words):
            joined = len(first) == len(second) == 2 and first[1] == second[0]
            strange = joined and first not in have and second not in have
            count += strange and not before
            before = strange
        return count

    @cached_property
    def places(self) -> list[str]:
        return _PLACE.findall(self.folded)

    @cached_property
    def numbers(self) -> list[str]:
        """Years and other numbers that the asker named."""
        return list(dict.fromkeys([*_YEAR.findall(self.folded), *_NUMBER.findall(self.folded)]))

    @cached_property
    def offices(self) -> list[str]:
        """Words for which nothing else can stand."""
        return _OFFICES.findall(self.folded)

    @cached_property
    def asks_a_number(self) -> bool:
        return re.search(_AMOUNT, self.folded) is not None

    @property
    def is_han(self) -> bool:
        return any(is_han(run) for run in runs(self.text))

    @cached_property
    def asks_a_list(self) -> bool:
        return re.search(r"哪些|哪几|几部分|组成|包括|列出|清单|which\b|list\b", self.folded) is not None

    @cached_property
    def defines(self) -> str:
        """The term whose meaning is asked, or an empty text."""
        found = re.fullmatch(
            rf"(?:请问)?(?:什么是|何谓|何为)([{HAN}]+)|([{HAN}]+?)(?:是什么|的定义是?什么?)", self.folded.strip("?!。 ")
        )
        return (found[1] or found[2]) if found else ""

    def missing(self, text: str, context: str, around: str = "") -> list[str]:
        """The slots that a clause leaves open; empty when it can be the answer.

        A place may also be named by the clauses `around` it; everything else must stand in the clause
        or in its headings, and what is counted in the clause itself.
        """
        text, about = fold(text), fold(f"{text}\n{context}")
        nearby = about + fold(around)
        gaps = [place for place in self.places if place not in nearby]
        plain = about if _NOTICE.search(self.folded) else _NOTICE.sub(" ", about)
        gaps += [number for number in self.numbers if not _names(number, plain if _YEAR.fullmatch(number) else about)]
        gaps += [office for office in self.offices if office not in about]
        gaps += [asked.pattern for asked, needed in SLOTS if asked.search(self.folded) and not needed.search(text)]
        gaps += [unit for unit in _COUNTED.findall(self.folded) if not _counts(unit, text)]
        return gaps + [name for name in self._attributes if name not in about]

    @cached_property
    def _attributes(self) -> Sequence[str]:
        """The noun right before `多少`: of what the amount is asked."""
        nouns = [re.sub("[占是为有达到要应得需将从会被]+$", "", m) for m in _ATTRIBUTE.findall(self.folded)]
        return [noun[-2:] for noun in nouns if len(noun) >= 2 and not _STOP.search(noun[-2:])]


def _counts(unit: str, text: str) -> bool:
    """Whether the text has a figure in this unit: `2400 多家`, `2000亿元`."""
    return re.search(rf"{_DIGIT}\s*[万亿]?\s*[余多]?个?\s*{unit.lstrip('万亿')}", text) is not None


def _names(number: str, text: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(number)}(?!\d|\.\d)", text) is not None


def _split_runs(text: str) -> list[str]:
    return [run for piece in text.split() for run in runs(piece)]
