-- Times are nanoseconds since 1970, UTC; 0 is no time at all. Incidents are
-- their numbers: 7 is INC-7.

-- What changes with every alert is small and stands apart from the snapshot,
-- which is large: mail rewrites this row alone.
CREATE TABLE incident (
  number       INTEGER PRIMARY KEY,
  version      INTEGER NOT NULL, -- counts commits; 0: a stub
  open         INTEGER NOT NULL,
  follows      INTEGER NOT NULL, -- the incident that had its group before; 0: none
  wake_at      INTEGER NOT NULL, -- its own deadline
  mail_seq     INTEGER NOT NULL, -- the last mail that came
  read_seq     INTEGER NOT NULL, -- the last mail that was read
  read_at      INTEGER NOT NULL,
  mail_due     INTEGER NOT NULL, -- unread mail wakes it at
  wake_rev     INTEGER NOT NULL, -- the standing wake-up: its revision,
  wake_when    INTEGER NOT NULL, -- the instant it was written for last,
  wake_due     INTEGER NOT NULL, -- when it is due (0: there is none),
  wake_attempt INTEGER NOT NULL, -- and how often it was put off
  task_seq     INTEGER NOT NULL  -- the last position given to a task
);
CREATE INDEX incident_open ON incident (number) WHERE open;
CREATE INDEX incident_awake ON incident (number) WHERE wake_due <> 0;

-- The stub while the version is 0, then the snapshot.
CREATE TABLE state (
  number INTEGER PRIMARY KEY,
  body   BLOB
);

CREATE TABLE event (
  number INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  body   BLOB,
  PRIMARY KEY (number, seq)
) WITHOUT ROWID;

-- Mail that was read stays as the record.
CREATE TABLE mail (
  number INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  body   BLOB NOT NULL,
  PRIMARY KEY (number, seq)
) WITHOUT ROWID;

CREATE TABLE grp (
  key    TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  always INTEGER NOT NULL,
  until  INTEGER NOT NULL
) WITHOUT ROWID;

-- Rows of about a kilobyte: with a row number they are appended, and only the
-- small entries of the indexes are scattered.
CREATE TABLE alert (
  id          INTEGER PRIMARY KEY,
  integration TEXT NOT NULL,
  key         TEXT NOT NULL,
  number      INTEGER NOT NULL,
  firing      INTEGER NOT NULL,
  grp         TEXT NOT NULL,
  severity    INTEGER NOT NULL,
  event_at    INTEGER NOT NULL, -- by the sender's clock
  applied_at  INTEGER NOT NULL,
  seen_at     INTEGER NOT NULL,
  body        BLOB NOT NULL,    -- the alert, JSON
  UNIQUE (integration, key)
);
CREATE INDEX alert_firing ON alert (number, integration, key) WHERE firing;

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

-- The agenda: one row per lane, due when the lane's head is due. It follows
-- from task and incident, and Mend writes it again from them.
CREATE TABLE lane (
  number      INTEGER NOT NULL,
  class       INTEGER NOT NULL,
  destination TEXT NOT NULL,
  due         INTEGER NOT NULL,
  PRIMARY KEY (number, class, destination)
) WITHOUT ROWID;
CREATE INDEX lane_due ON lane (class, due, number, destination);

CREATE TABLE op (
  id    TEXT PRIMARY KEY,
  at    INTEGER NOT NULL,
  reply BLOB
) WITHOUT ROWID;
CREATE INDEX op_at ON op (at);

CREATE TABLE record (
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  version INTEGER NOT NULL,
  body    BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;

CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter VALUES ('incident', 0);
