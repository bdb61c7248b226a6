-- plant.db, version 3: readings are kept compressed. What lay in the table `sample` of versions 1 and 2
-- is carried over by upgrade.py in the same transaction.

-- The open time: one row a commit, the readings of all tags in the order of writing (commit.py). Rows whose
-- id is sealed are free to be overwritten (slots.py).
CREATE TABLE hot (
  slot INTEGER PRIMARY KEY,
  id   INTEGER NOT NULL,  -- grows from commit to commit and is never used again
  rows INTEGER NOT NULL,
  seen INTEGER NOT NULL,  -- the newest time at which one of them was got
  body BLOB NOT NULL      -- with zeros behind
) STRICT;

-- The sealed time, tag by tag. Of one moment of a tag, a row in the part of a day (level 3) was written
-- later than one in a day (2), and that later than one in a month (1); among parts the seal tells.
CREATE TABLE block (
  id       INTEGER PRIMARY KEY,  -- of a part: that of its seal times 2^20, and its tag
  tag      INTEGER NOT NULL REFERENCES tag (id),
  level    INTEGER NOT NULL CHECK (level IN (1, 2, 3)),
  start    INTEGER NOT NULL,  -- of its UTC month or day
  due      INTEGER,           -- from when a day may be merged into its month; NULL when it stays
  holds    INTEGER NOT NULL,  -- a day: up to which seal it holds the parts, a month: up to which id the days
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  seen     INTEGER NOT NULL,  -- the newest time at which a row was got
  step     INTEGER,           -- median microseconds from row to row
  n        INTEGER NOT NULL,  -- moments; this and what follows is about the newest row of each
  usable   INTEGER NOT NULL,  -- moments with a value
  good     INTEGER NOT NULL,  -- moments with a good value
  worst    INTEGER NOT NULL,  -- drivers.reading.Quality of all moments
  falls    INTEGER NOT NULL,  -- from one good value to the next; what follows is about good values
  low REAL, high REAL, total REAL,
  opened INTEGER, opening REAL, closed INTEGER, closing REAL  -- the first and the last, time and value
) STRICT;
-- Without the parts: those of all tags come side by side, and an index would scatter them.
CREATE INDEX block_by_tag ON block (tag, level, start) WHERE level < 3;
CREATE INDEX block_due ON block (due) WHERE due IS NOT NULL;

-- What one step of sealing had of one UTC day.
CREATE TABLE seal (
  id       INTEGER PRIMARY KEY,  -- grows and is never used again
  start    INTEGER NOT NULL,     -- of the day
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL
) STRICT;

-- What lies in the blocks (block.py), cut into pieces.
CREATE TABLE body (
  id    INTEGER PRIMARY KEY,  -- 2^14 times the id of the block, and the number of the piece
  bytes BLOB NOT NULL
) STRICT;

-- The newest reading of each tag among the sealed ones.
CREATE TABLE present (
  tag     INTEGER PRIMARY KEY REFERENCES tag (id),
  at      INTEGER NOT NULL,
  seen    INTEGER NOT NULL,
  value   REAL,
  quality INTEGER NOT NULL,
  reason  TEXT
) STRICT;

-- opening: a number drawn by each writer, so that a reader knows its file again; sealed: up to which
-- id the commits are sealed; seals, days: up to which id they were taken out after merging; filed: how
-- many readings people have filed so far.
CREATE TABLE mark (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO mark VALUES ('opening', 0), ('sealed', 0), ('seals', 0), ('days', 0), ('filed', 0);
