-- What was added to layout 4. Every file gets it, see createSchema.

-- Where an open incident is listed (E14: lists are by need), as workflow.Listing encodes
-- it; '' when it is not open. It was written with the version listing_version: if that is
-- not the incident's version, a build that knows no listings has written the incident
-- since, and Open lists it anew.
ALTER TABLE incident ADD COLUMN listing TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN listing_version INTEGER NOT NULL DEFAULT -1;

-- The lists of open incidents, by need: the list of all has the tag '', and each tag of
-- a listing has one. It is derived from incident.listing.
CREATE TABLE listed (
  tag    TEXT NOT NULL,
  need   INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (tag, need, number)
) WITHOUT ROWID;
