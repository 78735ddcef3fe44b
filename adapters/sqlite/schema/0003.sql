-- When an incident was last stepped, and whether it is in its compact form.
-- The small row stays: numbers, versions and deadlines are always at hand.
ALTER TABLE incident ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN shelved INTEGER NOT NULL DEFAULT 0;

-- What is there already was changed at its last event. Where that does not say
-- when, it was now: what is kept too long is only kept.
UPDATE incident SET changed = 1000000000 * coalesce(
  (SELECT CAST(unixepoch(json_extract(t.body, '$.at')) AS INTEGER)
    FROM (SELECT CAST(e.body AS TEXT) AS body FROM event e WHERE e.number = incident.number ORDER BY e.seq DESC LIMIT 1) t WHERE json_valid(t.body)),
  unixepoch('now')
) WHERE version > 0;

-- Open incidents are not in it, and cost it nothing.
CREATE INDEX incident_over ON incident (shelved, changed, number) WHERE NOT open;

-- The compact form: the rows of state, event, mail and talk in one.
CREATE TABLE shelf (
  number INTEGER PRIMARY KEY,
  body   BLOB NOT NULL
);

-- For forgetting. What fires is not in it: an alert costs it something when it
-- resolves.
CREATE INDEX alert_over ON alert (number) WHERE NOT firing;
CREATE INDEX grp_number ON grp (number);
