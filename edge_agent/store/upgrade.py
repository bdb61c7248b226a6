"""From the table of readings of versions 1 and 2 to blocks, inside the transaction that upgrades the schema."""

from __future__ import annotations

import sqlite3

from edge_agent.store.blocks import Blocks
from edge_agent.store.old import OldRows
from edge_agent.store.seal import remember
from edge_agent.store.span import DAY, DAY_US, PART, is_over


def carry_over(db: sqlite3.Connection) -> None:
    """Every row, superseded ones too, goes into a block; the table goes away."""
    old, blocks = OldRows(db), Blocks(db)
    now = old.seen()
    for (tag,) in db.execute("SELECT id FROM tag").fetchall():
        for rows in old.days(tag):
            start = rows.at[0] - rows.at[0] % DAY_US
            blocks.put(tag, DAY if is_over(start + DAY_US, now) else PART, start, rows)
    remember(db, old.newest().items())
    db.execute("DROP TABLE sample")
