-- plant.db, version 3: readings are kept compressed. What lay in the table `sample` of versions 1 and 2
-- is carried over by upgrade.py in the same transaction.

-- The open time: one row a commit, the readings of all tags in the order of writing (commit.py).
CREATE TABLE hot (
  id   INTEGER PRIMARY KEY,  -- grows from commit to commit and is never used again
  rows INTEGER NOT NULL,
  seen INTEGER NOT NULL,     -- the newest time at which one of them was got
  body BLOB NOT NULL
) STRICT;

-- The sealed time, tag by tag. For one moment of a tag a row of a higher level was written
-- later than one of a lower level, and among the parts of a day one of a higher id later.
CREATE TABLE block (
  id       INTEGER PRIMARY KEY,
  tag      INTEGER NOT NULL REFERENCES tag (id),
  level    INTEGER NOT NULL CHECK (level IN (1, 2, 3)),  -- 1 a month, 2 a day, 3 part of a day, UTC
  start    INTEGER NOT NULL,  -- of the month or day
  due      INTEGER,           -- from when it may be merged into the next level; NULL when it stays
  holds    INTEGER NOT NULL,  -- up to which id it holds the blocks of the next level in its span
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
CREATE INDEX block_by_tag ON block (tag, level, start);
CREATE INDEX block_due ON block (due) WHERE due IS NOT NULL;

-- What lies in the blocks (block.py), cut into pieces.
CREATE TABLE body (
  id    INTEGER PRIMARY KEY,  -- 2^20 times the id of the block, and the number of the piece
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
-- id the commits are sealed; erased: up to which id blocks were taken out; filed: how many readings
-- people have filed so far.
CREATE TABLE mark (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO mark VALUES ('opening', 0), ('sealed', 0), ('erased', 0), ('filed', 0);
