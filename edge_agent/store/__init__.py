"""plant.db: one writer, many readers that keep nothing open.

The open time: commit, slots, hot. The sealed time: block, blocks, seal, merge, index. Both as one table:
archive, which reader, trends and alarms ask; store writes.
"""
