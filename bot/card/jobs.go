package card

import (
	"strings"
	"time"

	"tocsin/workflow"
)

// maxListed is how many incidents or findings a job's message lists.
const maxListed = 20

// AuditDay counts what the auditor of one process found in a day.
type AuditDay struct {
	Since    time.Time // the first audit
	Audits   int
	Failed   int // audits that could not read the store
	Checked  int // checks of open incidents, one per incident and audit
	Overdue  int // audits that found tasks past their deadline
	Repaired []string
	Stuck    []string // incidents that had no task and no deadline
	More     int      // findings that are in the log only
}

// AuditReport renders what the auditor found in a day.
func AuditReport(d AuditDay, v View) Content {
	w := v.formatter()
	m := Content{Title: "Audit: no problems found", Footer: v.URL}
	found := d.Overdue + len(d.Repaired) + len(d.Stuck) + d.More
	if found > 0 || d.Failed > 0 {
		m.Title = "Audit: problems found"
	}
	lines := []string{"Since " + w.time(d.Since) + ": " + count(d.Audits, "audit", "audits") + ", " + count(d.Checked, "check", "checks") + " of open incidents."}
	if d.Failed > 0 {
		lines = append(lines, count(d.Failed, "audit", "audits")+" could not read the store; the log has the error.")
	}
	if d.Overdue > 0 {
		lines = append(lines, count(d.Overdue, "audit", "audits")+" found work more than a minute late. If this continues, Tocsin needs a faster disk, or a paging provider is hanging.")
	}
	for _, line := range shorten(d.Repaired, maxListed) {
		lines = append(lines, "Repaired: "+line)
	}
	for _, line := range shorten(d.Stuck, maxListed) {
		lines = append(lines, "Stuck without a deadline, escalated: "+line)
	}
	if d.More > 0 {
		lines = append(lines, count(d.More, "more finding is", "more findings are")+" in the log.")
	}
	m.Text = strings.Join(lines, "\n")
	return m
}

// OverdueUpdates lists incidents whose promised update is overdue. The caller
// leaves private incidents out (P2: private means members only).
func OverdueUpdates(all []workflow.Incident, v View) Content {
	w := v.formatter()
	m := Content{Title: count(len(all), "update is", "updates are") + " overdue", Footer: v.URL}
	lines := make([]string, 0, len(all))
	for _, i := range all {
		commander := "no commander: `lead " + i.ID + "`"
		if name := v.name(i.Roles[workflow.Commander]); name != "" {
			commander = "commander " + name
		}
		lines = append(lines, i.ID+" "+i.Severity.String()+" · "+i.Title+" · was due "+w.time(i.Promises.MissedUpdate)+" · "+commander)
	}
	m.Text = strings.Join(append(shorten(lines, maxListed), "Post an update with `update INC-n TEXT`."), "\n")
	return m
}

// shorten keeps the first maximum lines and adds how many are left out.
func shorten(lines []string, maximum int) []string {
	if len(lines) <= maximum {
		return lines
	}
	return append(lines[:maximum:maximum], "… and "+count(len(lines)-maximum, "more", "more"))
}
