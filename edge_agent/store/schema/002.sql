-- plant.db, version 2: what happened to alarms. Rows are only ever added; where an alarm stands
-- follows from the rows since its last raise.

CREATE TABLE alarm_event (
  id          INTEGER PRIMARY KEY,
  alarm       TEXT NOT NULL,     -- the alarm's id, such as m1.power.high
  kind        TEXT NOT NULL,     -- high, low, link, fell, watch
  tag         TEXT NOT NULL,     -- the tag, the device, or the criterion
  at          INTEGER NOT NULL,  -- when it happened, by the readings that show it
  event       TEXT NOT NULL CHECK (event IN ('raise', 'clear', 'acknowledge')),
  priority    TEXT NOT NULL,
  value       REAL,              -- primary, in the tag's unit
  limit_value REAL,
  reason      TEXT,              -- a code
  by_name     TEXT,              -- who acknowledged
  login       TEXT,
  note        TEXT NOT NULL DEFAULT '',
  recorded    INTEGER NOT NULL
) STRICT;
CREATE INDEX alarm_event_by_alarm ON alarm_event (alarm);
CREATE INDEX alarm_event_by_time ON alarm_event (at);
-- Small, so that the present state of all alarms is found without reading their history.
CREATE INDEX alarm_raised ON alarm_event (alarm) WHERE event = 'raise';
