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
  start    INTEGER NOT NULL,  -- of its month or day
  due      INTEGER,           -- from when a day may be merged into its month; NULL when it stays
  holds    INTEGER NOT NULL,  -- a day: up to which seal it holds the parts, a month: up to which id the days
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  seen     INTEGER NOT NULL,  -- the newest time at which a row was got
  n        INTEGER NOT NULL,  -- moments; this and what follows is about the newest row of each
  usable   INTEGER NOT NULL,  -- moments with a value
  good     INTEGER NOT NULL,  -- moments with a good value
  worst    INTEGER NOT NULL,  -- drivers.reading.Quality of all moments
  falls    INTEGER NOT NULL,  -- from one good value to the next; what follows is about good values
  low REAL, high REAL, total REAL,
  opened INTEGER, opening REAL, closed INTEGER, closing REAL,  -- the first and the last, time and value
  step   INTEGER,           -- median microseconds from row to row on the day of the last one
  held   INTEGER NOT NULL,  -- microseconds for which one is known (summary.py)
  area   REAL NOT NULL,     -- value x microseconds over them
  joined INTEGER NOT NULL   -- microseconds that lie between two of them, close enough
) STRICT;
-- Without the parts: those of all tags come side by side, and an index would scatter them.
CREATE INDEX block_by_tag ON block (tag, level, start) WHERE level < 3;
CREATE INDEX block_due ON block (due) WHERE due IS NOT NULL;

-- What one step of sealing had of one day.
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
-- many readings people have filed so far; cut: how many microseconds ahead of UTC the clock is that days
-- and months are cut by (span.py), from the first to the last.
CREATE TABLE mark (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO mark VALUES ('opening', 0), ('sealed', 0), ('seals', 0), ('days', 0), ('filed', 0), ('cut', 0);

-- What a tag means over time (drivers.reading.Kind); NULL where no site file has told yet.
ALTER TABLE tag ADD COLUMN kind TEXT;

-- How far thinning has come (thin.py): 0 not, 1 to 15 minutes, 2 to hours, 3 to days. A block whose slots
-- would not have been smaller still holds every row.
ALTER TABLE block ADD COLUMN grain INTEGER NOT NULL DEFAULT 0;

-- Every loss; neighbouring ones of a kind become one row (gaps.py).
CREATE TABLE gap (
  id       INTEGER PRIMARY KEY,
  why      TEXT NOT NULL,     -- budget, reserve, disk, damage, clock, undated, destroyed
  start    INTEGER NOT NULL,
  end      INTEGER NOT NULL,  -- excluded
  grain    INTEGER NOT NULL,  -- what was there before
  after    INTEGER,           -- what is there since; NULL: nothing
  tags     INTEGER,           -- the most that lost readings at once; NULL when nobody knows
  readings INTEGER,           -- that are gone; NULL when nobody knows
  decided  INTEGER NOT NULL   -- when
) STRICT;

-- Up to which `seen` each uplink has sent; later readings are thinned only for the sake of the reserve.
CREATE TABLE uplink (
  name TEXT PRIMARY KEY,
  sent INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Times of one boot in which a stamp is the clock since the boot and an offset (edge_agent/trust.py). A row
-- stays, and its offset and trust say how its readings are placed now.
CREATE TABLE era (
  id     INTEGER PRIMARY KEY,
  boot   TEXT NOT NULL,     -- the kernel's id of the boot
  begin  INTEGER NOT NULL,  -- on the clock since the boot
  offset INTEGER NOT NULL,
  first  INTEGER NOT NULL,  -- the first stamp
  least  INTEGER NOT NULL,  -- the smallest offset that puts nothing before what was stored earlier
  trust  INTEGER NOT NULL,  -- edge_agent.trust.Trust
  last   INTEGER            -- the last stamp; NULL in the newest of a boot
) STRICT;

-- Readings that have no sure time, or wait for their place in the archive: the commits as stamped.
CREATE TABLE apart (
  id     INTEGER PRIMARY KEY,
  era    INTEGER NOT NULL REFERENCES era (id),
  offset INTEGER NOT NULL,  -- with which they were stamped
  start  INTEGER NOT NULL,  -- the first stamp of their era, as it was then
  rows   INTEGER NOT NULL,
  first  INTEGER NOT NULL,  -- when the first and the last of them were got, as stamped
  last   INTEGER NOT NULL,
  body   BLOB NOT NULL      -- commit.py
) STRICT;
CREATE INDEX apart_by_era ON apart (era, id);

-- What was decided about stamps: never changed but for the count, never deleted.
CREATE TABLE restamp (
  id      INTEGER PRIMARY KEY,
  era     INTEGER NOT NULL REFERENCES era (id),
  first   INTEGER NOT NULL,  -- as stamped before
  last    INTEGER NOT NULL,
  offset  INTEGER NOT NULL,  -- with which they were stamped
  shift   INTEGER,           -- added to both ends; NULL where no time is known
  rows    INTEGER NOT NULL,  -- readings moved so far
  decided INTEGER NOT NULL,  -- by the new time
  drawing INTEGER NOT NULL   -- 1: readings with these stamps are still in the archive
) STRICT;

-- What people noted about readings that they filed: the newest of a moment counts, none is ever deleted.
CREATE TABLE note (
  tag      INTEGER NOT NULL REFERENCES tag (id),
  at       INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  text     TEXT NOT NULL,
  by_name  TEXT NOT NULL,
  login    TEXT NOT NULL,
  PRIMARY KEY (tag, at, recorded)
) STRICT, WITHOUT ROWID;
