package agenda

import (
	"time"

	"tocsin/bot/card"
)

// maxFindings is how many findings of an hour are kept as text; more are counted.
const maxFindings = 20

// auditLog adds up the audits of this process in the last 24 hours, by the hour. It
// is in memory and begins with the process.
type auditLog struct{ hours []auditHour }

// auditHour adds up the audits of one hour.
type auditHour struct {
	began time.Time
	total card.AuditDay
}

// add counts an audit.
func (l *auditLog) add(h Health) {
	at := l.hourOf(h.At)
	total := &at.total
	total.Audits++
	total.Checked += h.Checked
	if h.Overdue > 0 {
		total.Overdue++
	}
	at.addFindings(&total.Repaired, h.Repaired)
	at.addFindings(&total.Stuck, h.Stuck)
}

// addFailed counts an audit that could not be completed.
func (l *auditLog) addFailed(at time.Time) { l.hourOf(at).total.Failed++ }

// addFindings appends findings to a list, and counts those beyond maxFindings.
func (h *auditHour) addFindings(list *[]string, found []string) {
	kept := max(0, min(len(found), maxFindings-len(*list)))
	*list = append(*list, found[:kept]...)
	h.total.More += len(found) - kept
}

// hourOf returns the hour of an instant, and drops hours older than a day.
func (l *auditLog) hourOf(now time.Time) *auditHour {
	began := now.Truncate(time.Hour)
	for len(l.hours) > 0 && !l.hours[0].began.After(began.Add(-24*time.Hour)) {
		l.hours = l.hours[1:]
	}
	if n := len(l.hours); n == 0 || l.hours[n-1].began.Before(began) {
		l.hours = append(l.hours, auditHour{began: began, total: card.AuditDay{Since: now}})
	}
	return &l.hours[len(l.hours)-1]
}

// sum returns the total of all hours.
func (l *auditLog) sum() card.AuditDay {
	var all card.AuditDay
	for _, h := range l.hours {
		if all.Since.IsZero() {
			all.Since = h.total.Since
		}
		all.Audits += h.total.Audits
		all.Failed += h.total.Failed
		all.Checked += h.total.Checked
		all.Overdue += h.total.Overdue
		all.More += h.total.More
		all.Repaired = append(all.Repaired, h.total.Repaired...)
		all.Stuck = append(all.Stuck, h.total.Stuck...)
	}
	return all
}

// Day returns the audits of this process in the last 24 hours.
func (r *Runner) Day() card.AuditDay {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.audits.sum()
}
