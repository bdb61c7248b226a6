"""Files to paragraphs: encodings, front matter, wrapped lines, page furniture."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from configs.problem import ConfigError
from kb.document import read_document
from kb.paragraph import paragraphs


def texts(raw: str) -> list[str]:
    return [p.text for p in paragraphs(raw)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_is_read_in_every_encoding_that_users_have(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("绿色工厂评价要求。\n第二段。".encode(encoding))
    assert [p.text for p in read_document(tmp_path / "a.txt").paragraphs] == ["绿色工厂评价要求。", "第二段。"]


@pytest.mark.parametrize(
    ("raw", "code"), [(b"\xff\x00\xff", "kb_no_encoding"), (b" \n\n", "kb_no_text"), (b"a\0b", "kb_no_encoding")]
)
def test_what_is_no_text_is_a_problem_with_the_files_name(raw: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        read_document(tmp_path / "a.txt")
    assert [(p.file, p.code) for p in caught.value.problems] == [("a.txt", code)]


def test_front_matter_gives_title_number_and_validity_and_lines_still_count_from_the_top(tmp_path: Path) -> None:
    head = "---\ntitle: {zh: 要点, en: Digest}\nnumber: GB/T 1-2025\nvalid_to: 2026-01-31\njurisdiction: [CN]\n---\n"
    (tmp_path / "a.md").write_text(head + "\n# 标题\n\n正文。\n", encoding="utf-8")
    document = read_document(tmp_path / "a.md")
    assert (document.title, document.about.number, document.about.valid_to) == (
        "要点",
        "GB/T 1-2025",
        date(2026, 1, 31),
    )
    assert [(p.line, p.text) for p in document.paragraphs] == [(8, "# 标题"), (10, "正文。")]


def test_a_fault_in_front_matter_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: A\nvalid_to: soon\n---\ntext\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_document(tmp_path / "a.md")
    assert [(p.line, p.code) for p in caught.value.problems] == [(3, "not_a_date")]


def test_hard_wrapped_lines_are_one_paragraph_with_or_without_blank_lines_between() -> None:
    lines = [
        "为贯彻落实有关部署，响应绿色制造体系建设号召，",
        "加快推进企业的绿色发展，进一步提升公司绿色发展水",
        "平和竞争力。",
    ]
    for gap in ("\n", "\n\n"):
        assert texts(gap.join(lines)) == ["".join(lines)]


def test_a_wrapped_list_item_stays_one_item_and_the_next_begins_another() -> None:
    raw = "1.公司发布绿色工厂创建通知，明确绿色工厂\n\n创建的负责人和组织机构；\n\n2.组织企业内部培训与协调会。"
    assert texts(raw) == [
        "1.公司发布绿色工厂创建通知，明确绿色工厂创建的负责人和组织机构；",
        "2.组织企业内部培训与协调会。",
    ]


def test_a_value_at_the_start_of_a_wrapped_line_is_no_new_item() -> None:
    raw = "工业资源利用水平较高，全省工业单位增加\n\n值能耗比上年下降，达到每万元工业增加值\n\n0.65 吨标准煤。"
    assert len(texts(raw)) == 1


def test_page_numbers_and_repeated_headers_are_dropped_and_table_cells_kept() -> None:
    page = (
        "绿色制造体系建设实施方案汇编\n第{n}部分的正文写在这里，说明本部分的要求。\n"
        + "补充说明的句子。\n" * 12
        + "{n}\n"
    )
    found = texts("".join(page.format(n=n) for n in range(1, 6)) + "建筑\n20\n照明\n15\n")
    assert found.count("绿色制造体系建设实施方案汇编") == 1
    assert not {"1", "2", "3"} & set(found)
    assert {"建筑", "20", "照明", "15"} <= set(found)


def test_marked_page_numbers_are_dropped() -> None:
    assert texts("甲。\n- 3 -\n乙。\n第 4 页 共 9 页\n丙。") == ["甲。", "乙。", "丙。"]


def test_a_table_of_contents_is_dropped() -> None:
    contents = "目 录\n一、总则……………1\n二、申报条件\t3\n附则 .......... 9\n\n"
    assert texts(contents + "一、总则\n正文写在这里。\n二、申报条件\n条件写在这里。") == [
        "一、总则",
        "正文写在这里。",
        "二、申报条件",
        "条件写在这里。",
    ]


def test_every_piece_of_a_wrapped_paragraph_knows_its_own_line() -> None:
    (found,) = paragraphs(
        "为贯彻落实有关部署，响应绿色制造体系建设号召\n\n加快推进企业的绿色发展，进一步提升公司水平。"
    )
    assert found.line_at(0) == 1
    assert found.line_at(len(found.text) - 1) == 3
