-- plant.db, version 1. Times are microseconds UTC since 1970. Rows are only ever added.

CREATE TABLE tag (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- An append log. A later row for the same tag and moment supersedes an earlier one.
CREATE TABLE sample (
  tag     INTEGER NOT NULL REFERENCES tag (id),
  at      INTEGER NOT NULL,  -- when the device says it was true
  seen    INTEGER NOT NULL,  -- when we got it
  value   REAL,              -- the register in the quantity's unit, secondary side; NULL unless trusted
  quality INTEGER NOT NULL,  -- drivers.reading.Quality
  reason  TEXT               -- a code, why the quality is not good
) STRICT;
CREATE INDEX sample_by_tag ON sample (tag, at);

-- What people file for a period, end excluded. A later row for the same period supersedes;
-- one without a value withdraws.
CREATE TABLE amount (
  id       INTEGER PRIMARY KEY,
  tag      INTEGER NOT NULL REFERENCES tag (id),
  start    INTEGER NOT NULL,
  end      INTEGER NOT NULL CHECK (end > start),
  value    REAL,
  note     TEXT NOT NULL DEFAULT '',
  by_name  TEXT NOT NULL,
  login    TEXT NOT NULL,
  recorded INTEGER NOT NULL
) STRICT;
CREATE INDEX amount_by_tag ON amount (tag, start);

CREATE TABLE ledger (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,  -- from when it holds
  device   TEXT NOT NULL,
  kind     TEXT NOT NULL,     -- installed, ratio
  detail   TEXT NOT NULL,     -- JSON
  by_name  TEXT NOT NULL,
  login    TEXT NOT NULL,
  recorded INTEGER NOT NULL
) STRICT;

CREATE TABLE site_file (
  hash   TEXT NOT NULL,
  text   TEXT NOT NULL,
  loaded INTEGER NOT NULL
) STRICT;

-- Requests of inbox.db that took effect here, so that none takes effect twice.
CREATE TABLE applied (
  request TEXT PRIMARY KEY,
  at      INTEGER NOT NULL,
  result  INTEGER NOT NULL   -- rows that were new
) STRICT, WITHOUT ROWID;
