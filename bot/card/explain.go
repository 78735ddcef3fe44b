package card

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// Timer is something that will happen by itself.
type Timer struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Upcoming lists what will happen by itself, soonest first, and why.
func Upcoming(i workflow.Incident) []Timer {
	var all []Timer
	for _, d := range i.Deadlines() {
		all = append(all, Timer{At: d.At, Kind: string(d.What), Text: upcoming(i, d)})
	}
	slices.SortStableFunc(all, func(a, b Timer) int { return a.At.Compare(b.At) })
	return all
}

func upcoming(i workflow.Incident, d workflow.Deadline) string {
	p := i.Paging
	switch d.What {
	case workflow.DueStep:
		return fmt.Sprintf("the step after step %d of policy %s fires, because nobody has acknowledged", p.Step+1, p.Policy())
	case workflow.DueRestart:
		return "paging starts again, because nobody could be reached"
	case workflow.DueRemind:
		return "the catch-all is reminded, because everybody was asked and nobody answered"
	case workflow.DuePage:
		return fmt.Sprintf("%s is paged by %s, their next method", cmp.Or(d.Page.Name, d.Page.To), d.Page.Via)
	case workflow.DueAck:
		return fmt.Sprintf("the acknowledgement that %s promises falls due", i.Severity)
	case workflow.DueUpdate:
		return "the next update falls due"
	case workflow.DueNotice:
		return fmt.Sprintf("%s hears of %s", i.Acknowledgement.Name, count(i.Alerts.Notice.Pending, "more alert", "more alerts"))
	case workflow.DueResolve:
		return "it resolves by itself, because all alerts have resolved and nobody has touched it since"
	case workflow.DueQuiet:
		return "alerts that still fire open a new incident"
	case workflow.DueArchive:
		return "its room is put away, because it has ended"
	}
	return string(d.What)
}

// Timers writes what will happen by itself.
func Timers(i workflow.Incident, v View) string {
	all := Upcoming(i)
	if len(all) == 0 {
		return i.ID + ": nothing will happen by itself."
	}
	w := v.words()
	var b strings.Builder
	for _, t := range all {
		fmt.Fprintf(&b, "%s  %s\n", w.clock(t.At), t.Text)
	}
	return b.String()
}

// Who writes who was told, through what, and whether it arrived.
func Who(id string, all []workflow.Delivery, v View) string {
	if len(all) == 0 {
		return id + ": nobody has been paged."
	}
	w := v.words()
	var b strings.Builder
	for _, d := range all {
		whom := cmp.Or(d.Name, d.To)
		if d.To != d.Via { // the log is not paged by log
			whom += " by " + d.Via
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", w.clock(d.AskedAt), whom, Arrival(d, v))
	}
	return b.String()
}

// Arrival says how far a page is.
func Arrival(d workflow.Delivery, v View) string {
	w := v.words()
	switch d.State {
	case workflow.DeliveryPlanned:
		return "will be sent at " + w.clock(d.Due)
	case workflow.DeliveryStandby:
		return "only if the one before fails"
	case workflow.DeliveryQueued:
		return "on its way"
	case workflow.DeliveryRetrying:
		return "failed, trying again" + because(d.Why)
	case workflow.DeliveryAccepted:
		if d.Via == "log" {
			return "written to the log at " + w.clock(d.DoneAt)
		}
		return "arrived at " + w.clock(d.DoneAt)
	case workflow.DeliveryFailed:
		return "failed" + because(d.Why)
	case workflow.DeliveryCanceled:
		return "canceled" + because(d.Why)
	}
	return string(d.State)
}
