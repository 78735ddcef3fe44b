package bot

import (
	"encoding/json"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// ListingOf returns where an incident is listed, from what is stored of it: its state, or
// its stub with the first piece of mail. Stores use it for incidents that came without a
// listing: from an export, or written by a build that had none. An open incident that
// cannot be decoded comes first, so that it is noticed, and counts as private, because it
// may be.
func ListingOf(d ArchivedIncident) workflow.Listing {
	if !d.Open {
		return workflow.Listing{}
	}
	if d.Version > 0 {
		if i, err := workflow.DecodeIncident(d.Body); err == nil && i.IsOpen() {
			return i.Listing()
		}
		return workflow.Listing{Tags: []string{workflow.TagPrivate}}
	}
	stub, err := alerts.DecodeStub(d.Body)
	if err != nil {
		return workflow.Listing{Tags: []string{workflow.TagPrivate}}
	}
	var first workflow.Mail
	if len(d.Mail) > 0 {
		_ = json.Unmarshal(d.Mail[0].Body, &first) // mail that cannot be read has no instant: as old as can be
	}
	return workflow.StubListing(stub.Severity, first.At, d.Previous != "")
}

// Add counts one open incident by its need.
func (c *OpenCounts) Add(n workflow.Need) {
	c.Open++
	if n < workflow.NeedAcknowledged {
		c.Unacknowledged++
	}
	if n < workflow.NeedUnacknowledged {
		c.Unattended++
	}
}

// Remove takes one open incident from the counts, by its need. Counts that were read
// before the incident opened stay at zero.
func (c *OpenCounts) Remove(n workflow.Need) {
	var one OpenCounts
	one.Add(n)
	c.Open, c.Unacknowledged, c.Unattended = max(c.Open-one.Open, 0), max(c.Unacknowledged-one.Unacknowledged, 0), max(c.Unattended-one.Unattended, 0)
}
