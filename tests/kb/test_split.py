"""Paragraphs to clauses: every way of numbering, stable ids, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.numbering import mark_of
from kb.passage import passages
from kb.split import LONG_CHARS, parts, split
from tests.kb.corpora import RULE, document


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("# 总则", "#"),
        ("### 范围", "###"),
        ("第三章 评价要求", "第三章"),
        ("第 二 节 指标", "第 二 节"),
        ("第十二条 申报材料应当真实。", "第十二条"),
        ("一、总体要求", "一、"),
        ("（二）开发绿色产品", "（二）"),
        ("(三) 省级评估确认。", "(三)"),
        ("1、总体目标", "1、"),
        ("2．创建绿色产品。", "2．"),
        ("3. Scope", "3."),
        ("（1）能源利用效率显著提升", "（1）"),
        ("(5) 加强管理", "(5)"),
        ("3）绿色制造重视资源问题", "3）"),
        ("4.2 基本要求", "4.2"),
        ("4.2.1 工厂应依法设立", "4.2.1"),
        ("B.5 可再生能源利用率", "B.5"),
        ("a) 近三年无违法违规", "a)"),
        ("• 企业营业执照", "•"),
        ("- 附件", "-"),
        ("① 生产过程", "①"),
        ("附件1 评价要求", "附件1"),
        ("专栏4 绿色制造工程", "专栏4"),
    ],
)
def test_every_way_of_numbering_is_seen(text: str, number: str) -> None:
    mark = mark_of(text)
    assert mark is not None
    assert mark.number == number


@pytest.mark.parametrize(
    "text",
    [
        "11.5.14.2的试验适用于额定电压以下的设备",
        "4.2和4.3的要求应同时满足",
        "第三条规定的材料",
        "第五条第二款",
        "0.65 吨标准煤/万元",
        "12.5 个百分点",
        "2.8万亿元",
        "2016年1月1日",
        "17项可持续发展目标",
        "一、二级指标",
        "一是工业资源利用水平较高",
        "绿色工厂",
    ],
)
def test_a_cross_reference_or_a_value_is_no_heading(text: str) -> None:
    assert mark_of(text) is None


def test_clauses_carry_the_path_of_their_headings() -> None:
    found = {c.text: c for c in split(document(RULE))}
    clause = found["（二）可再生能源利用率不低于 15%；"]
    assert clause.heading.startswith("第二章申报 > 第三条申报绿色工厂应当具备下列条件 > （二）")
    assert (clause.line, clause.locator) == (15, "line 15")
    assert found["第四条 申报材料每年 9 月 20 日前提交。"].heading.startswith("第二章申报 > 第四条")


def test_each_item_is_a_clause_of_its_own() -> None:
    found = [c.text for c in split(document("条件：\n• 营业执照；\n• 生产许可证；\n1、甲\n2、乙"))]
    assert found == ["条件：", "• 营业执照；", "• 生产许可证；", "1、甲", "2、乙"]


def test_a_long_paragraph_is_parted_at_sentence_ends_under_the_same_path() -> None:
    text = "第一条 " + "".join(f"这是第{n}句，说明绿色工厂的要求。" for n in range(60))
    found = split(document(text))
    assert len(found) > 1
    assert all(len(c.text) <= LONG_CHARS and c.text.endswith("。") for c in found)
    assert len({c.heading for c in found}) == 1
    assert len({c.id for c in found}) == len(found)


def test_ids_are_the_same_in_a_rebuild() -> None:
    assert [c.id for c in split(document(RULE))] == [c.id for c in split(document(RULE))]


def test_ids_survive_an_edit_elsewhere_in_the_document() -> None:
    before = {c.text: c.id for c in split(document(RULE))}
    edited = RULE.replace("第一条 为规范", "第一条 这里加了一句话。\n\n为规范")
    after = {c.text: c.id for c in split(document(edited))}
    same = before.keys() & after.keys()
    assert len(same) >= len(before) - 1
    assert all(before[text] == after[text] for text in same)


def test_the_same_words_twice_are_two_clauses() -> None:
    found = split(document("甲。\n甲。\n甲。"))
    assert len({c.id for c in found}) == 3


def _bare(texts: list[str]) -> str:
    return "".join("".join(text.split()) for text in texts)


PIECES = st.sampled_from(
    ["第一章 ", "一、", "（一）", "1、", "4.2 ", "a) ", "• ", "\n", "\n\n", "。", "；", "绿色工厂", "目录", "12", "  "]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_is_in_exactly_one_clause_and_every_clause_in_one_passage(text: str) -> None:
    found = document(text)
    clauses = split(found)
    assert _bare([c.text for c in clauses]) == _bare([p.text for p in found.paragraphs])
    assert all(c.text.strip() and 1 <= c.line <= text.count("\n") + text.count("\r") + 1 for c in clauses)
    grouped = [c for group in passages(parts(found)) for c in group]
    assert grouped == clauses
