package card

import (
	"cmp"
	"fmt"
	"strings"

	"tocsin/workflow"
)

// paging describes escalation, pages and acknowledgements.
func (w formatter) paging(f workflow.PagingFact) string {
	switch f := f.(type) {
	case workflow.EscalationStarted:
		return fmt.Sprintf("Escalation started with policy %s%s", f.Policy, withReason(f.Why)) + lateBy(f.LateBy)
	case workflow.StepFired:
		return w.stepFiredLine(f)
	case workflow.EscalationRepeated:
		if f.Moved {
			return "No one has acknowledged: continuing with policy " + f.Policy + lateBy(f.LateBy)
		}
		return fmt.Sprintf("No one has acknowledged: repeating policy %s (repeat %d)", f.Policy, f.Repeat) + lateBy(f.LateBy)
	case workflow.NoOneReached:
		line := "NO ONE COULD BE REACHED"
		if f.Slow > 0 {
			line = "NO ONE HAS BEEN REACHED YET, " + count(f.Slow, "page is", "pages are") + " on the way"
		}
		return line + lateBy(f.LateBy) + notifying(f.Pages) + "; next try " + w.time(f.RestartAt)
	case workflow.EscalationExhausted:
		line := "NO ONE HAS ACKNOWLEDGED, everyone was paged"
		if f.Reminder > 0 {
			line = fmt.Sprintf("STILL UNATTENDED, reminder %d", f.Reminder)
		}
		return line + lateBy(f.LateBy) + notifying(f.Pages) + "; next reminder " + w.time(f.Next)
	case workflow.PagesQueued:
		return "Paging by the next method" + withReason(f.Why) + lateBy(f.LateBy)
	case workflow.PeoplePaged:
		return w.peoplePagedLine(f)
	case workflow.NoticePostponed:
		return fmt.Sprintf("%s: next notification %s", count(f.Alerts, "more alert", "more alerts"), w.time(f.Due))
	case workflow.PageDelivered:
		if f.Via == "log" {
			return loggedPageLine(f.To)
		}
		return fmt.Sprintf("Paged %s by %s, delivered", f.To, f.Via)
	case workflow.PageFailed:
		if f.Slow {
			return fmt.Sprintf("Paging %s by %s takes long, going on alongside it%s", f.To, f.Via, withReason(f.Why))
		}
		if f.Retrying {
			return fmt.Sprintf("Paging %s by %s failed, retrying alongside the next method%s", f.To, f.Via, withReason(f.Why))
		}
		return fmt.Sprintf("Paging %s by %s failed%s", f.To, f.Via, withReason(f.Why))
	case workflow.PagesCanceled:
		return fmt.Sprintf("%s canceled%s", count(len(f.IDs), "page", "pages"), withReason(f.Why))
	case workflow.Acknowledged:
		return "Acknowledged by " + cmp.Or(f.Name, f.Person)
	case workflow.PageAnswered:
		return cmp.Or(f.Name, f.Person) + " answered the page"
	case workflow.Unacknowledged:
		return "Acknowledgement withdrawn" + withReason(f.Why)
	case workflow.AcknowledgeOverdue:
		return "Acknowledgement overdue: it was due " + w.time(f.Due) + lateBy(f.LateBy)
	}
	return ""
}

func (w formatter) stepFiredLine(f workflow.StepFired) string {
	line := fmt.Sprintf("Step %d of %s", f.Coordinates.Step+1, f.Policy)
	if f.Why != "" {
		line += " (" + f.Why + ")"
	}
	if len(f.Pages) == 0 {
		line += ": no one to page, moving on at once"
	} else {
		line += " pages " + recipients(f.Pages)
	}
	line += skippedTargets(f.Skipped)
	if !f.Next.IsZero() {
		line += "; next step " + w.time(f.Next)
	}
	return line + lateBy(f.LateBy)
}

// skippedTargets lists the targets of a step that no one could be paged for,
// with the reason.
func skippedTargets(all []workflow.Skipped) string {
	var b strings.Builder
	for n, s := range all {
		if n == 6 {
			fmt.Fprintf(&b, "; and %d more", len(all)-n)
			break
		}
		b.WriteString("; " + string(s.Target) + ": " + s.Why)
	}
	return b.String()
}

// recipients lists the people of pages with their methods: "Ana (email, sms
// after 1 min)".
func recipients(pages []workflow.PageState) string {
	var order []string
	via := map[string][]string{}
	for _, p := range pages {
		name := RecipientName(p)
		if via[name] == nil {
			order, via[name] = append(order, name), []string{}
		}
		how := p.Via
		if p.State == workflow.DeliveryPlanned {
			how += " after " + workflow.FormatDuration(p.Due.Sub(pages[0].Due))
		}
		if p.State != workflow.DeliveryStandby && p.To != p.Via {
			via[name] = append(via[name], how)
		}
	}
	for n, name := range order {
		if len(via[name]) > 0 {
			order[n] = name + " (" + strings.Join(via[name], ", ") + ")"
		}
	}
	if len(order) == 0 {
		return "no one"
	}
	if len(order) > 6 {
		order = append(order[:6], fmt.Sprintf("and %d more", len(order)-6))
	}
	return strings.Join(order, ", ")
}

// notifying names the recipients of the pages that go to the catch-all.
func notifying(pages []workflow.PageState) string {
	if len(pages) == 0 {
		return ""
	}
	return ", notifying " + recipients(pages)
}

func (w formatter) peoplePagedLine(f workflow.PeoplePaged) string {
	line := "Paged "
	if f.Purpose == workflow.PurposeNotice {
		line = "Notified "
	}
	line += recipients(f.Pages)
	if f.Alerts > 0 {
		line += " of " + count(f.Alerts, "new alert", "new alerts")
	}
	return line + skippedTargets(f.Skipped) + withReason(f.Text) + lateBy(f.LateBy)
}

// loggedPageLine describes a page that was written to Tocsin's own log.
func loggedPageLine(to string) string {
	if to == "log" {
		return "Logged the page"
	}
	return "Logged the page for " + to
}
