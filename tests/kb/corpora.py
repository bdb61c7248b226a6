"""Small corpora by name."""

from __future__ import annotations

from pathlib import Path

from kb.document import Document, FrontMatter, read_document
from kb.index import FILE, Added, add, writer
from kb.paragraph import paragraphs

RULE = """某市绿色工厂管理办法

第一章 总则

第一条 为规范绿色工厂管理，制定本办法。

第二条 市工业和信息化局负责绿色工厂的认定工作。

第二章 申报

第三条 申报绿色工厂应当具备下列条件：

（一）在本市注册满三年；

（二）可再生能源利用率不低于 15%；

（三）近三年没有环境违法记录。

第四条 申报材料每年 9 月 20 日前提交。
"""


def document(text: str, file: str = "a.txt") -> Document:
    """A document of this text, without a file."""
    return Document(file, "标题", FrontMatter(), "0" * 64, tuple(paragraphs(text)))


def corpus(folder: Path, **texts: str) -> Path:
    """An index of these texts; the names are the stems of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return indexed(folder, folder / FILE)


def indexed(folder: Path, database: Path) -> Path:
    """An index of every text of a folder."""
    with writer(database) as db:
        for path in sorted(folder.glob("*.txt")):
            assert add(db, path.name, read_document(path)) in Added
    return database
