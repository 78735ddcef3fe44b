-- The tables of the store. Instants are nanoseconds since 1970 in UTC, and 0 is
-- no instant. The column "number" is the number of an incident: 7 is INC-7.

-- One small row per incident, separate from the large snapshot in "state": an
-- alert that adds mail rewrites only this row.
CREATE TABLE incident (
  number       INTEGER PRIMARY KEY,
  version      INTEGER NOT NULL, -- the number of commits; 0: a stub
  open         INTEGER NOT NULL,
  previous     INTEGER NOT NULL, -- the incident that held its alert group before; 0: none
  wake_at      INTEGER NOT NULL, -- the incident's own earliest deadline
  mail_seq     INTEGER NOT NULL, -- number of the last mail that arrived
  read_seq     INTEGER NOT NULL, -- number of the last mail that was read
  read_at      INTEGER NOT NULL, -- when mail was last read
  mail_due     INTEGER NOT NULL, -- when unread mail wakes the incident
  wake_rev     INTEGER NOT NULL, -- standing wake-up: its revision
  wake_set_for INTEGER NOT NULL, -- standing wake-up: the instant it was last written for
  wake_due     INTEGER NOT NULL, -- standing wake-up: when it is due; 0: there is none
  wake_attempt INTEGER NOT NULL, -- standing wake-up: how often it was postponed
  task_seq     INTEGER NOT NULL, -- the last position given to a task
  changed      INTEGER NOT NULL, -- when a step was last committed
  archived     INTEGER NOT NULL  -- 1: its content is in "archive"
);
CREATE INDEX incident_open ON incident (number) WHERE open;
CREATE INDEX incident_wake ON incident (number) WHERE wake_due <> 0;
CREATE INDEX incident_ended ON incident (archived, changed, number) WHERE NOT open;

-- The snapshot of an incident, or its stub while the version is 0.
CREATE TABLE state (
  number INTEGER PRIMARY KEY,
  body   BLOB
);

-- The history: one encoded event per row.
CREATE TABLE event (
  number INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  body   BLOB,
  PRIMARY KEY (number, seq)
) WITHOUT ROWID;

-- Mail: what alerts have changed. Mail that has been read is kept as a record.
CREATE TABLE mail (
  number INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  body   BLOB NOT NULL,
  PRIMARY KEY (number, seq)
) WITHOUT ROWID;

-- The conversation. The key is the platform's ID of a message, so that a message
-- that is delivered twice is stored once.
CREATE TABLE message (
  number INTEGER NOT NULL,
  seq    INTEGER NOT NULL, -- from 1 in each incident
  key    TEXT NOT NULL,
  body   BLOB,
  PRIMARY KEY (number, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX message_key ON message (number, key);

-- The compact form of an archived incident. It replaces the incident's rows in
-- state, event, mail and message.
CREATE TABLE archive (
  number INTEGER PRIMARY KEY,
  body   BLOB NOT NULL
);

-- Which incident holds an alert group: always while the incident is open, or
-- until an instant.
CREATE TABLE alert_group (
  key    TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  always INTEGER NOT NULL,
  until  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alert_group_number ON alert_group (number);

-- A row is about a kilobyte. It has a row ID, so that new rows are appended and
-- only the small index entries are scattered over the file.
CREATE TABLE alert (
  id          INTEGER PRIMARY KEY,
  integration TEXT NOT NULL,
  key         TEXT NOT NULL,
  number      INTEGER NOT NULL,
  firing      INTEGER NOT NULL,
  group_key   TEXT NOT NULL,
  severity    INTEGER NOT NULL,
  event_at    INTEGER NOT NULL, -- by the sender's clock
  applied_at  INTEGER NOT NULL,
  seen_at     INTEGER NOT NULL,
  body        BLOB NOT NULL,    -- the alert as JSON
  UNIQUE (integration, key)
);
CREATE INDEX alert_firing ON alert (number, integration, key) WHERE firing;
-- For deleting an incident. Firing alerts are not in it, so that a new alert
-- does not pay for it.
CREATE INDEX alert_resolved ON alert (number) WHERE NOT firing;

-- Owed tasks, in the order of their lane.
CREATE TABLE task (
  number      INTEGER NOT NULL,
  class       INTEGER NOT NULL,
  destination TEXT NOT NULL,
  position    INTEGER NOT NULL,
  id          TEXT NOT NULL,
  due         INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,
  rev         INTEGER NOT NULL,
  body        BLOB,
  PRIMARY KEY (number, class, destination, position)
) WITHOUT ROWID;

-- The agenda: one row per lane, due when the lane's first task is due. It is
-- derived from task and incident, and Repair restores it from them.
CREATE TABLE lane (
  number      INTEGER NOT NULL,
  class       INTEGER NOT NULL,
  destination TEXT NOT NULL,
  due         INTEGER NOT NULL,
  PRIMARY KEY (number, class, destination)
) WITHOUT ROWID;
CREATE INDEX lane_due ON lane (class, due, number, destination);

-- Committed operations with their replies, kept for 25 hours.
CREATE TABLE operation (
  id    TEXT PRIMARY KEY,
  at    INTEGER NOT NULL,
  reply BLOB
) WITHOUT ROWID;
CREATE INDEX operation_at ON operation (at);

-- Small versioned documents: everything that is not an incident.
CREATE TABLE record (
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  version INTEGER NOT NULL,
  body    BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- The last incident number that was given out.
CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter VALUES ('incident', 0);
