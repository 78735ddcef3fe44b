package card

import (
	"fmt"
	"strings"

	"tocsin/workflow"
)

// paging says what escalation did, and who answered.
func (w words) paging(f workflow.PagingFact) string {
	switch f := f.(type) {
	case workflow.EscalationStarted:
		return fmt.Sprintf("Paging starts with policy %s%s", f.Policy, because(f.Why))
	case workflow.StepFired:
		return w.step(f)
	case workflow.CycleBegan:
		if f.Moved {
			return "Nobody answered: going on with policy " + f.Policy
		}
		return fmt.Sprintf("Nobody answered: policy %s again, repeat %d", f.Policy, f.Repeat)
	case workflow.NobodyReached:
		return "NOBODY COULD BE REACHED" + rescued(f.Pages) + "; trying again at " + w.clock(f.Again)
	case workflow.EscalationExhausted:
		line := "NOBODY HAS ANSWERED, everybody was asked"
		if f.Reminder > 0 {
			line = fmt.Sprintf("STILL UNATTENDED, reminder %d", f.Reminder)
		}
		return line + rescued(f.Pages) + "; next reminder at " + w.clock(f.Next)
	case workflow.PagesQueued:
		return "Next method due" + because(f.Why)
	case workflow.PeoplePaged:
		return w.asked(f)
	case workflow.NoticePostponed:
		return fmt.Sprintf("%s: the next notice goes out at %s", count(f.Alerts, "more alert", "more alerts"), w.clock(f.Due))
	case workflow.PageDelivered:
		if f.Via == "log" {
			return fmt.Sprintf("Page to %s written to the log", f.To)
		}
		return fmt.Sprintf("Page to %s by %s arrived", f.To, f.Via)
	case workflow.PageFailed:
		if f.Retrying {
			return fmt.Sprintf("Page to %s by %s failed, trying again beside the next one%s", f.To, f.Via, because(f.Why))
		}
		return fmt.Sprintf("Page to %s by %s failed%s", f.To, f.Via, because(f.Why))
	case workflow.PagesCanceled:
		return fmt.Sprintf("%s canceled%s", count(len(f.IDs), "page", "pages"), because(f.Why))
	case workflow.Acknowledged:
		return "Acknowledged by " + or(f.Name, f.Person)
	case workflow.PageAnswered:
		return or(f.Name, f.Person) + " answered the page"
	case workflow.Unacknowledged:
		return "Acknowledgement taken back" + because(f.Why)
	case workflow.AcknowledgeOverdue:
		return "Not acknowledged by " + w.clock(f.Due) + ", as promised" + late(f.Late)
	}
	return ""
}

func (w words) step(f workflow.StepFired) string {
	line := fmt.Sprintf("Step %d of %s", f.At.Step+1, f.Policy)
	if f.Why != "" {
		line += " (" + f.Why + ")"
	}
	if len(f.Pages) == 0 {
		line += ": nobody to page, going on at once"
	} else {
		line += " pages " + whom(f.Pages)
	}
	line += skipped(f.Skipped)
	if !f.Next.IsZero() {
		line += "; next step at " + w.clock(f.Next)
	}
	return line + late(f.Late)
}

// skipped names the targets that nobody stood behind, and why.
func skipped(all []workflow.Skipped) string {
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

// whom lists the people of pages with their methods.
func whom(pages []workflow.PageState) string {
	var order []string
	via := map[string][]string{}
	for _, p := range pages {
		name := or(p.Name, p.To)
		if via[name] == nil {
			order = append(order, name)
		}
		how := p.Via
		if p.State == workflow.DeliveryPlanned {
			how += " after " + p.Due.Sub(pages[0].Due).String()
		}
		if p.State != workflow.DeliveryStandby {
			via[name] = append(via[name], how)
		}
	}
	for n, name := range order {
		order[n] = name + " (" + strings.Join(via[name], ", ") + ")"
	}
	if len(order) == 0 {
		return "nobody"
	}
	if len(order) > 6 {
		order = append(order[:6], fmt.Sprintf("and %d more", len(order)-6))
	}
	return strings.Join(order, ", ")
}

func rescued(pages []workflow.PageState) string {
	if len(pages) == 0 {
		return ""
	}
	return ", telling " + whom(pages)
}

func (w words) asked(f workflow.PeoplePaged) string {
	line := "Paged "
	if f.Purpose == workflow.PurposeNotice {
		line = "Told "
	}
	line += whom(f.Pages)
	if f.Alerts > 0 {
		line += " of " + count(f.Alerts, "new alert", "new alerts")
	}
	return line + skipped(f.Skipped) + because(f.Text)
}
