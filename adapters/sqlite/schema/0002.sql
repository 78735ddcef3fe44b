-- What is said in the rooms of incidents. The key is the origin's name of a
-- message, so that one that comes twice is kept once.
CREATE TABLE talk (
  number INTEGER NOT NULL,
  seq    INTEGER NOT NULL, -- from 1 in each incident
  key    TEXT NOT NULL,
  body   BLOB,
  PRIMARY KEY (number, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX talk_key ON talk (number, key);
