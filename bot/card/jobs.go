package card

import (
	"strings"
	"time"

	"tocsin/workflow"
)

// maxListed is how many incidents, or findings, a message of a job names.
const maxListed = 20

// AuditDay is what the auditor of one process saw in a day.
type AuditDay struct {
	Since    time.Time // the first audit
	Audits   int
	Failed   int // the store could not be read
	Checked  int // incidents, each time they were looked at
	Overdue  int // audits that found tasks past their deadline
	Repaired []string
	Wrong    []string // incidents that would have waited for ever
	More     int      // findings beyond those that are kept
}

// AuditReport tells what the auditor saw.
func AuditReport(d AuditDay, v View) Content {
	w := v.words()
	m := Content{Title: "The audit found nothing to mend", Footer: v.URL}
	found := d.Overdue + len(d.Repaired) + len(d.Wrong) + d.More
	if found > 0 || d.Failed > 0 {
		m.Title = "The audit found something"
	}
	lines := []string{"Since " + w.date(d.Since) + ": " + count(d.Audits, "audit", "audits") + ", " + count(d.Checked, "look", "looks") + " at open incidents."}
	if d.Failed > 0 {
		lines = append(lines, count(d.Failed, "audit", "audits")+" could not read the store. The log says why.")
	}
	if d.Overdue > 0 {
		lines = append(lines, count(d.Overdue, "audit", "audits")+" found work more than a minute late. If that goes on, Tocsin needs a faster disk, or a medium hangs.")
	}
	for _, line := range shorten(d.Repaired, maxListed) {
		lines = append(lines, "Repaired: "+line)
	}
	for _, line := range shorten(d.Wrong, maxListed) {
		lines = append(lines, "Would have waited for ever, and was escalated: "+line)
	}
	if d.More > 0 {
		lines = append(lines, count(d.More, "more finding is", "more findings are")+" in the log.")
	}
	m.Text = strings.Join(lines, "\n")
	return m
}

// OverdueUpdates lists incidents whose promised update nobody has posted. The
// caller leaves private ones out (rule P2).
func OverdueUpdates(all []workflow.Incident, v View) Content {
	w := v.words()
	m := Content{Title: count(len(all), "promised update is", "promised updates are") + " overdue", Footer: v.URL}
	lines := make([]string, 0, len(all))
	for _, i := range all {
		leads := "nobody leads it: `lead " + i.ID + "`"
		if who := v.name(i.Roles[workflow.Commander]); who != "" {
			leads = who + " leads it"
		}
		lines = append(lines, i.ID+" "+i.Severity.String()+" · "+i.Title+" · promised for "+w.clock(i.Promises.MissedUpdate)+" · "+leads)
	}
	m.Text = strings.Join(append(shorten(lines, maxListed), "Post one with `update INC-n …`."), "\n")
	return m
}

// shorten keeps the first lines, and counts the rest.
func shorten(lines []string, most int) []string {
	if len(lines) <= most {
		return lines
	}
	return append(lines[:most:most], "… and "+count(len(lines)-most, "more", "more"))
}
