package card

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// Timer is something that Tocsin will do later without a command.
type Timer struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// UpcomingTimers lists what Tocsin will do without a command, soonest first,
// and why.
func UpcomingTimers(i workflow.Incident) []Timer {
	var all []Timer
	for _, d := range i.Deadlines() {
		all = append(all, Timer{At: d.At, Kind: string(d.Kind), Text: timerText(i, d)})
	}
	slices.SortStableFunc(all, func(a, b Timer) int { return a.At.Compare(b.At) })
	return all
}

func timerText(i workflow.Incident, d workflow.Deadline) string {
	p := i.Paging
	switch d.Kind {
	case workflow.DueStep:
		return fmt.Sprintf("escalates past step %d of policy %s, because no one has acknowledged", p.Step+1, p.Policy())
	case workflow.DueRestart:
		return "paging starts again, because no one could be reached"
	case workflow.DueRemind:
		return "reminds the catch-all, because everyone was paged and no one has acknowledged"
	case workflow.DuePage:
		return fmt.Sprintf("%s is paged by %s, their next method", RecipientName(*d.Page), d.Page.Via)
	case workflow.DueAck:
		return fmt.Sprintf("acknowledgement due (%s)", i.Severity)
	case workflow.DueUpdate:
		return "next update due"
	case workflow.DueNotice:
		return fmt.Sprintf("%s is notified of %s", i.Acknowledgement.Name, count(i.Alerts.Notice.Pending, "more alert", "more alerts"))
	case workflow.DueResolve:
		return "resolves automatically, because all alerts have resolved and no one has acted since"
	case workflow.DueQuiet:
		return "alerts that are still firing open a new incident"
	case workflow.DueJudge:
		return count(len(i.Alerts.Held), "alert that is", "alerts that are") + " reported as firing since before the resolve: fires, unless something newer comes"
	case workflow.DueArchive:
		return "its room is archived, because the incident has ended"
	}
	return string(d.Kind)
}

// Timers renders the upcoming timers, a line each.
func Timers(i workflow.Incident, v View) string {
	all := UpcomingTimers(i)
	if len(all) == 0 {
		return i.ID + ": nothing is scheduled."
	}
	w := v.formatter()
	var b strings.Builder
	for _, t := range all {
		fmt.Fprintf(&b, "%s  %s\n", w.time(t.At), t.Text)
	}
	return b.String()
}

// Deliveries renders who was paged by which method and the state of each delivery,
// one line each.
func Deliveries(id string, all []workflow.Delivery, v View) string {
	if len(all) == 0 {
		return id + ": no one has been paged."
	}
	w := v.formatter()
	var b strings.Builder
	for _, d := range all {
		recipient := RecipientName(d.PageState)
		if d.To != d.Via { // the log is not paged by log
			recipient += " by " + d.Via
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", w.time(d.AskedAt), recipient, DeliveryStatus(d, v))
	}
	return b.String()
}

// RecipientName returns the name of a page's recipient. The log is named as what it is:
// it reads as no person, and "the log (log)" says nothing.
func RecipientName(p workflow.PageState) string {
	if p.To == "log" {
		return "Tocsin's log"
	}
	return cmp.Or(p.Name, p.To)
}

// DeliveryStatus describes the state of a delivery: "delivered 14:02 UTC".
func DeliveryStatus(d workflow.Delivery, v View) string {
	w := v.formatter().at(d.AskedAt)
	switch d.State {
	case workflow.DeliveryPlanned:
		return "due " + w.time(d.Due)
	case workflow.DeliveryStandby:
		return "only if the previous one fails"
	case workflow.DeliveryQueued:
		return "being sent"
	case workflow.DeliveryRetrying:
		return "failed, retrying" + withReason(d.Why)
	case workflow.DeliverySlow:
		return "on its way" + withReason(d.Why)
	case workflow.DeliveryAccepted:
		if d.To == "log" {
			return "written " + w.time(d.DoneAt)
		}
		if d.Via == "log" {
			return "logged " + w.time(d.DoneAt)
		}
		return "delivered " + w.time(d.DoneAt)
	case workflow.DeliveryFailed:
		return "failed" + withReason(d.Why)
	case workflow.DeliveryCanceled:
		return "canceled" + withReason(d.Why)
	}
	return string(d.State)
}
