package agenda

import (
	"time"

	"tocsin/bot/card"
)

// keptFindings is how many findings an hour keeps in words.
const maxFindings = 20

// day adds up the audits of the last 24 hours, by the hour. It is in memory: a
// process tells of itself, and of the time since it began.
type auditLog struct{ hours []auditHour }

type auditHour struct {
	began  time.Time
	audits card.AuditDay
}

// add counts an audit.
func (d *auditLog) add(h Health) {
	at := d.hourOf(h.At)
	seen := &at.audits
	seen.Audits++
	seen.Checked += h.Checked
	if h.Overdue > 0 {
		seen.Overdue++
	}
	at.addFindings(&seen.Repaired, h.Repaired)
	at.addFindings(&seen.Stuck, h.Stuck)
}

// failed counts an audit that could not be done.
func (d *auditLog) addFailed(at time.Time) { d.hourOf(at).audits.Failed++ }

func (h *auditHour) addFindings(list *[]string, found []string) {
	fit := max(0, min(len(found), maxFindings-len(*list)))
	*list = append(*list, found[:fit]...)
	h.audits.More += len(found) - fit
}

// at returns the hour of an instant, and forgets those of the day before.
func (d *auditLog) hourOf(now time.Time) *auditHour {
	began := now.Truncate(time.Hour)
	for len(d.hours) > 0 && !d.hours[0].began.After(began.Add(-24*time.Hour)) {
		d.hours = d.hours[1:]
	}
	if n := len(d.hours); n == 0 || d.hours[n-1].began.Before(began) {
		d.hours = append(d.hours, auditHour{began: began, audits: card.AuditDay{Since: now}})
	}
	return &d.hours[len(d.hours)-1]
}

// sum adds the hours up.
func (d *auditLog) sum() card.AuditDay {
	var all card.AuditDay
	for _, h := range d.hours {
		if all.Since.IsZero() {
			all.Since = h.audits.Since
		}
		all.Audits += h.audits.Audits
		all.Failed += h.audits.Failed
		all.Checked += h.audits.Checked
		all.Overdue += h.audits.Overdue
		all.More += h.audits.More
		all.Repaired = append(all.Repaired, h.audits.Repaired...)
		all.Stuck = append(all.Stuck, h.audits.Stuck...)
	}
	return all
}

// Day returns what the auditor of this process saw in the last 24 hours.
func (r *Runner) Day() card.AuditDay {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.day.sum()
}
