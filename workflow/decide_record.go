package workflow

import (
	"fmt"
	"slices"
	"strings"
)

// decideRecord decides the commands that record something. Only a status update that
// names a status moves the incident.
func (t *transition) decideRecord(c RecordCommand) error {
	switch c := c.(type) {
	case SetDetails:
		return t.setDetails(c)
	case PostUpdate:
		return t.postUpdate(c)
	case Assign:
		return t.assign(c)
	case AddNote:
		return t.addNote(c)
	case RemoveNote:
		return t.removeNote(c)
	case AddActionItem:
		return t.addActionItem(c)
	case CompleteActionItem:
		return t.completeActionItem(c)
	case SetCause:
		return t.setCause(c)
	case Verify:
		return t.verify(c)
	case AddLink:
		return t.addLink(c)
	case Invite:
		return t.invite(c)
	case SetVisibility:
		return t.setVisibility(c)
	case GiveUp:
		t.record(EffectGivenUp{What: cleanName(c.What), Why: cleanLabel(c.Why, MaxTitle)})
	}
	return nil
}

func (t *transition) addNote(c AddNote) error {
	text, cut := CleanText(c.Text, MaxText)
	if text == "" {
		return refuse("A note needs a text.", "For example: `note Restarted the database`.")
	}
	key := cleanLabel(c.Key, 120)
	if key != "" && slices.ContainsFunc(t.incident.Paperwork.Pins, func(p Pin) bool { return p.Key == key }) {
		return nil // the message was copied before
	}
	t.record(NoteAdded{Text: text, Pin: c.Pin, Truncated: cut, Key: key})
	return nil
}

func (t *transition) removeNote(c RemoveNote) error {
	n := slices.IndexFunc(t.incident.Paperwork.Pins, func(p Pin) bool { return p.Key == cleanLabel(c.Key, 120) })
	if c.Key == "" || n < 0 {
		return refuse("That is not pinned to the timeline of "+t.incident.ID+".", "")
	}
	t.record(NoteWithdrawn{Key: t.incident.Paperwork.Pins[n].Key, Text: t.incident.Paperwork.Pins[n].Text})
	return nil
}

func (t *transition) setCause(c SetCause) error {
	text, cut := CleanText(c.Text, MaxText)
	if text == "" {
		return refuse("A cause needs a text.", "For example: `cause Expired certificate on the load balancer`.")
	}
	t.record(CauseSet{Text: text, Truncated: cut})
	return nil
}

// setVisibility makes the incident private or public. The person who makes it private
// becomes a member, and so can still see it.
func (t *transition) setVisibility(c SetVisibility) error {
	if c.To == t.incident.Visibility {
		return refuse(fmt.Sprintf("%s is %s already.", t.incident.ID, c.To), "")
	}
	by := t.in.By
	joins := c.To == Private && by.Kind == ByPerson && !t.incident.IsMember(by.ID)
	if joins && len(t.incident.Invited) >= maxInvited {
		return refuse(fmt.Sprintf("%s has %d members, which is the limit, and you are not one of them: you could not see it any more.", t.incident.ID, maxInvited),
			"Ask one of its members to make it private.")
	}
	if c.To == Private {
		t.replacePublicRooms()
	}
	t.record(VisibilityChanged(c))
	if joins {
		t.record(PeopleInvited{People: []string{by.ID}})
	}
	if c.To == Public {
		t.announcePublic()
	}
	return nil
}

func (t *transition) postUpdate(c PostUpdate) error {
	text, cut := CleanText(c.Text, MaxText)
	if text == "" {
		return refuse("An update needs a text.", "For example: `update We found the cause, fix in 20 minutes`.")
	}
	if t.incident.Status == Merged {
		return t.requireOpen("update")
	}
	if c.Status != "" && c.Status != t.incident.Status {
		if err := t.setStatus(c.Status); err != nil {
			return err
		}
	}
	f := UpdatePosted{Text: text, Truncated: cut}
	f.Audience = cleanLabel(c.Audience, 40)
	if t.incident.IsOpen() {
		every := c.Next
		if every <= 0 {
			every = t.in.Known.Plan.Severity(t.incident.Severity).Update
		}
		if every > 0 {
			f.Next = t.in.At.Add(every)
		}
	}
	t.record(f)
	return nil
}

func (t *transition) addActionItem(c AddActionItem) error {
	text := cleanLabel(c.Text, maxLine)
	if text == "" {
		return refuse("An action item needs a text.", "For example: `task Call the vendor`.")
	}
	used := len(text)
	for _, item := range t.incident.Paperwork.ActionItems {
		used += len(item.Text) + len(item.Assignee)
	}
	if used > maxActionItemBytes || len(t.incident.Paperwork.ActionItems) >= 200 {
		return refuse(fmt.Sprintf("%s has %d tasks, which is the limit.", t.incident.ID, len(t.incident.Paperwork.ActionItems)),
			"Keep the rest in your tracker and add it with `link URL`.")
	}
	n := 1
	for _, item := range t.incident.Paperwork.ActionItems {
		n = max(n, item.N+1)
	}
	t.record(ActionItemAdded{ActionItem{N: n, Text: text, FollowUp: c.FollowUp, Assignee: cleanName(c.Assignee)}})
	return nil
}

func (t *transition) completeActionItem(c CompleteActionItem) error {
	n := t.incident.findActionItem(c.N)
	if n < 0 {
		return refuse(fmt.Sprintf("%s has no task %d.", t.incident.ID, c.N), t.listOpenActionItems())
	}
	if t.incident.Paperwork.ActionItems[n].Done != c.Undo {
		return refuse(fmt.Sprintf("Task %d is %s already.", c.N, map[bool]string{false: "done", true: "open"}[c.Undo]), "")
	}
	t.record(ActionItemCompleted{N: c.N, Text: t.incident.Paperwork.ActionItems[n].Text, Undo: c.Undo})
	return nil
}

// listOpenActionItems names up to five open action items, for a refusal.
func (t *transition) listOpenActionItems() string {
	var open []string
	for _, item := range t.incident.Paperwork.ActionItems {
		if !item.Done {
			open = append(open, fmt.Sprintf("%d (%s)", item.N, item.Text))
		}
	}
	if len(open) == 0 {
		return "It has no open tasks; add one with `task TEXT`."
	}
	return "Open: " + strings.Join(open[:min(len(open), 5)], ", ") + "."
}

func (t *transition) verify(c Verify) error {
	if len(t.incident.Paperwork.Checklist) == 0 {
		return refuse(t.incident.ID+" has no checklist.", "Set one with `verification:` in the configuration.")
	}
	if c.N < 1 || c.N > len(t.incident.Paperwork.Checklist) {
		return refuse(fmt.Sprintf("%s has no check %d.", t.incident.ID, c.N),
			fmt.Sprintf("There are %d: `verify 1 passed`.", len(t.incident.Paperwork.Checklist)))
	}
	check := t.incident.Paperwork.Checklist[c.N-1]
	if check.State != c.State {
		t.record(CheckRecorded{N: c.N, Text: check.Text, State: c.State})
	}
	return nil
}

func (t *transition) assign(c Assign) error {
	role := cleanName(strings.ToLower(c.Role))
	c.Name, c.Person = cleanName(c.Name), cleanLabel(c.Person, 80)
	if role == "" {
		return refuse("Which role?", "For example: `assign communications @ana`.")
	}
	holder := t.incident.Roles[role]
	switch {
	case holder == c.Person && holder != "":
		return refuse(fmt.Sprintf("%s is %s of %s already.", c.Name, role, t.incident.ID), "")
	case holder == c.Person:
		return refuse(fmt.Sprintf("No one is %s of %s.", role, t.incident.ID), "")
	case holder == "" && len(t.incident.Roles) >= 20:
		return refuse(t.incident.ID+" has 20 roles, which is the limit.", "")
	}
	t.record(RoleAssigned{Role: role, Person: c.Person, Name: c.Name})
	return nil
}

func (t *transition) addLink(c AddLink) error {
	l := Link{Incident: c.Incident}
	l.Title = cleanLabel(c.Title, maxLine)
	if c.Incident == t.incident.ID {
		return refuse("An incident cannot be linked to itself.", "")
	}
	if c.Incident != "" {
		// The title of the other is not copied: it may become private (P2: private means members only).
		if _, ok := t.in.Known.Others[c.Incident]; !ok {
			return refuse(c.Incident+" does not exist.", "`list` shows the open incidents.")
		}
	} else {
		url := cleanLabel(c.URL, maxURL)
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || len(c.URL) > maxURL {
			return refuse(fmt.Sprintf("%q is not an address to link to.", excerpt(url, 60)),
				"Give one that starts with https:// and is at most 400 characters long, or an incident such as INC-3.")
		}
		l.URL = url
	}
	isSame := func(o Link) bool { return o.URL == l.URL && o.Incident == l.Incident }
	if slices.ContainsFunc(t.incident.Paperwork.Links, isSame) {
		return refuse("That is linked already.", "")
	}
	if len(t.incident.Paperwork.Links) >= 20 {
		return refuse(t.incident.ID+" has 20 links, which is the limit.", "Add the rest with `note`.")
	}
	t.record(LinkAdded{l})
	return nil
}

func (t *transition) invite(c Invite) error {
	var fresh []string
	for _, p := range c.People {
		p = cleanLabel(p, 80)
		if p != "" && !slices.Contains(t.incident.Invited, p) && !slices.Contains(fresh, p) {
			fresh = append(fresh, p)
		}
	}
	switch {
	case len(fresh) == 0:
		return refuse("They can all see it already.", "People who were paged can, too.")
	case len(t.incident.Invited)+len(fresh) > maxInvited:
		return refuse(fmt.Sprintf("%s can have at most %d members.", t.incident.ID, maxInvited), "")
	}
	t.record(PeopleInvited{People: fresh})
	return nil
}

func (t *transition) setDetails(c SetDetails) error {
	var f DetailsChanged
	f.Title = cleanLabel(c.Title, MaxTitle)
	f.Description, _ = CleanText(c.Description, MaxText)
	f.Category = cleanLabel(c.Category, maxLine)
	for _, s := range cleanLines(c.AddServices, 20) {
		if !slices.Contains(t.incident.Services, s) && len(t.incident.Services)+len(f.Services) < 20 {
			f.Services = append(f.Services, s)
		}
	}
	for _, s := range cleanLines(c.AddSymptoms, 10) {
		if !slices.Contains(t.incident.Symptoms, s) && len(t.incident.Symptoms)+len(f.Symptoms) < 10 {
			f.Symptoms = append(f.Symptoms, s)
		}
	}
	if f.Title == "" && f.Description == "" && f.Category == "" && len(f.Services)+len(f.Symptoms) == 0 {
		return refuse("Nothing would change.", "")
	}
	t.record(f)
	return nil
}
