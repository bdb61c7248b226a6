"""From the table of readings of versions 1 and 2 to blocks, inside the transaction that upgrades the schema."""

from __future__ import annotations

import sqlite3

from edge_agent.store.old import OldRows
from edge_agent.store.sealed.blocks import Blocks, Parts
from edge_agent.store.sealed.seal import remember
from edge_agent.store.sealed.span import DAY, DAY_US, is_over


def carry_over(db: sqlite3.Connection) -> None:
    """Every row, superseded ones too, goes into a block; the table goes away."""
    old, blocks = OldRows(db), Blocks(db)
    parts, now = Parts(blocks), old.seen()
    for (tag,) in db.execute("SELECT id FROM tag ORDER BY id").fetchall():
        for rows in old.days(tag, blocks.days):
            start = blocks.days.start(rows.at[0])
            if is_over(start + DAY_US, now):
                blocks.put(tag, DAY, start, rows)
            else:
                parts.put(start, tag, rows)
    parts.close()
    remember(db, old.newest().items())
    db.execute("DROP TABLE sample")
