package agenda

import (
	"time"

	"tocsin/bot/card"
)

// keptFindings is how many findings an hour keeps in words.
const keptFindings = 20

// day adds up the audits of the last 24 hours, by the hour. It is in memory: a
// process tells of itself, and of the time since it began.
type day struct{ hours []hour }

type hour struct {
	began time.Time
	seen  card.AuditDay
}

// add counts an audit.
func (d *day) add(h Health) {
	at := d.at(h.At)
	seen := &at.seen
	seen.Audits++
	seen.Checked += h.Checked
	if h.Overdue > 0 {
		seen.Overdue++
	}
	at.keep(&seen.Repaired, h.Repaired)
	at.keep(&seen.Stuck, h.Wrong)
}

// failed counts an audit that could not be done.
func (d *day) failed(at time.Time) { d.at(at).seen.Failed++ }

func (h *hour) keep(list *[]string, found []string) {
	fit := max(0, min(len(found), keptFindings-len(*list)))
	*list = append(*list, found[:fit]...)
	h.seen.More += len(found) - fit
}

// at returns the hour of an instant, and forgets those of the day before.
func (d *day) at(now time.Time) *hour {
	began := now.Truncate(time.Hour)
	for len(d.hours) > 0 && !d.hours[0].began.After(began.Add(-24*time.Hour)) {
		d.hours = d.hours[1:]
	}
	if n := len(d.hours); n == 0 || d.hours[n-1].began.Before(began) {
		d.hours = append(d.hours, hour{began: began, seen: card.AuditDay{Since: now}})
	}
	return &d.hours[len(d.hours)-1]
}

// sum adds the hours up.
func (d *day) sum() card.AuditDay {
	var all card.AuditDay
	for _, h := range d.hours {
		if all.Since.IsZero() {
			all.Since = h.seen.Since
		}
		all.Audits += h.seen.Audits
		all.Failed += h.seen.Failed
		all.Checked += h.seen.Checked
		all.Overdue += h.seen.Overdue
		all.More += h.seen.More
		all.Repaired = append(all.Repaired, h.seen.Repaired...)
		all.Stuck = append(all.Stuck, h.seen.Stuck...)
	}
	return all
}

// Day returns what the auditor of this process saw in the last 24 hours.
func (r *Runner) Day() card.AuditDay {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.day.sum()
}
