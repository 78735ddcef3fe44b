package workflow

import (
	"fmt"
	"slices"
	"strings"
)

// decideRecord decides what people write down. Only an update that names a
// status moves the incident.
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
		t.record(EffectGivenUp{What: shortName(c.What), Why: label(c.Why, MaxTitle)})
	}
	return nil
}

func (t *transition) addNote(c AddNote) error {
	text, cut := CleanText(c.Text, MaxText)
	if text == "" {
		return refuse("A note needs a text.", "For example: `note Restarted the database`.")
	}
	key := label(c.Key, 120)
	if key != "" && slices.ContainsFunc(t.now.Paperwork.Pins, func(p Pin) bool { return p.Key == key }) {
		return nil // copied already
	}
	t.record(NoteAdded{Text: text, Pin: c.Pin, Cut: cut, Key: key})
	return nil
}

func (t *transition) removeNote(c RemoveNote) error {
	n := slices.IndexFunc(t.now.Paperwork.Pins, func(p Pin) bool { return p.Key == label(c.Key, 120) })
	if c.Key == "" || n < 0 {
		return refuse("That is not pinned to the timeline of "+t.now.ID+".", "")
	}
	t.record(NoteWithdrawn{Key: t.now.Paperwork.Pins[n].Key, Text: t.now.Paperwork.Pins[n].Text})
	return nil
}

func (t *transition) setCause(c SetCause) error {
	text, cut := CleanText(c.Text, MaxText)
	if text == "" {
		return refuse("A cause needs a text.", "For example: `cause Expired certificate on the load balancer`.")
	}
	t.record(CauseSet{Text: text, Cut: cut})
	return nil
}

// setVisibility hides or shows the incident. A person who hides it goes on
// seeing it.
func (t *transition) setVisibility(c SetVisibility) error {
	if c.To == t.now.Visibility {
		return refuse(fmt.Sprintf("%s is %s already.", t.now.ID, c.To), "")
	}
	by := t.in.By
	joins := c.To == Private && by.Kind == ByPerson && !t.now.IsMember(by.ID)
	if joins && len(t.now.Invited) >= maxInvited {
		return refuse(fmt.Sprintf("%s can hold %d people, and you are none of them: you would not see it any more.", t.now.ID, maxInvited),
			"Let somebody who works on it hide it.")
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
	if t.now.Status == Merged {
		return t.needOpen("update")
	}
	if c.Status != "" && c.Status != t.now.Status {
		if err := t.setStatus(c.Status); err != nil {
			return err
		}
	}
	f := UpdatePosted{Text: text, Cut: cut}
	f.Audience = label(c.Audience, 40)
	if t.now.IsOpen() {
		every := c.Next
		if every <= 0 {
			every = t.in.Known.Plan.Severity(t.now.Severity).Update
		}
		if every > 0 {
			f.Next = t.in.At.Add(every)
		}
	}
	t.record(f)
	return nil
}

func (t *transition) addActionItem(c AddActionItem) error {
	text := label(c.Text, maxLine)
	if text == "" {
		return refuse("A task needs a text.", "For example: `task Call the vendor`.")
	}
	used := len(text)
	for _, task := range t.now.Paperwork.ActionItems {
		used += len(task.Text) + len(task.Assignee)
	}
	if used > budget || len(t.now.Paperwork.ActionItems) >= 200 {
		return refuse(fmt.Sprintf("%s has %d tasks, which is as many as one incident can hold.", t.now.ID, len(t.now.Paperwork.ActionItems)),
			"Keep the rest in your tracker and add it with `link URL`.")
	}
	n := 1
	for _, task := range t.now.Paperwork.ActionItems {
		n = max(n, task.N+1)
	}
	t.record(ActionItemAdded{ActionItem{N: n, Text: text, FollowUp: c.FollowUp, Assignee: shortName(c.Assignee)}})
	return nil
}

func (t *transition) completeActionItem(c CompleteActionItem) error {
	n := t.now.actionItem(c.N)
	if n < 0 {
		return refuse(fmt.Sprintf("%s has no task %d.", t.now.ID, c.N), t.openActionItems())
	}
	if t.now.Paperwork.ActionItems[n].Done != c.Undo {
		return refuse(fmt.Sprintf("Task %d is %s already.", c.N, map[bool]string{false: "done", true: "open"}[c.Undo]), "")
	}
	t.record(ActionItemCompleted{N: c.N, Text: t.now.Paperwork.ActionItems[n].Text, Undo: c.Undo})
	return nil
}

func (t *transition) openActionItems() string {
	var open []string
	for _, task := range t.now.Paperwork.ActionItems {
		if !task.Done {
			open = append(open, fmt.Sprintf("%d (%s)", task.N, task.Text))
		}
	}
	if len(open) == 0 {
		return "It has no open tasks; add one with `task TEXT`."
	}
	return "Open: " + strings.Join(open[:min(len(open), 5)], ", ") + "."
}

func (t *transition) verify(c Verify) error {
	if len(t.now.Paperwork.Checklist) == 0 {
		return refuse(t.now.ID+" has no checklist.", "Set one with `verification:` in the configuration.")
	}
	if c.N < 1 || c.N > len(t.now.Paperwork.Checklist) {
		return refuse(fmt.Sprintf("%s has no check %d.", t.now.ID, c.N),
			fmt.Sprintf("There are %d: `verify 1 passed`.", len(t.now.Paperwork.Checklist)))
	}
	check := t.now.Paperwork.Checklist[c.N-1]
	if check.State != c.State {
		t.record(CheckRecorded{N: c.N, Text: check.Text, State: c.State})
	}
	return nil
}

func (t *transition) assign(c Assign) error {
	role := shortName(strings.ToLower(c.Role))
	c.Name, c.Person = shortName(c.Name), label(c.Person, 80)
	if role == "" {
		return refuse("Which role?", "For example: `assign communications @ana`.")
	}
	holder := t.now.Roles[role]
	switch {
	case holder == c.Person && holder != "":
		return refuse(fmt.Sprintf("%s is %s of %s already.", c.Name, role, t.now.ID), "")
	case holder == c.Person:
		return refuse(fmt.Sprintf("Nobody is %s of %s.", role, t.now.ID), "")
	case holder == "" && len(t.now.Roles) >= 20:
		return refuse(t.now.ID+" has 20 roles, which is as many as it can hold.", "")
	}
	t.record(RoleAssigned{Role: role, Person: c.Person, Name: c.Name})
	return nil
}

func (t *transition) addLink(c AddLink) error {
	l := Link{Incident: c.Incident}
	l.Title = label(c.Title, maxLine)
	if c.Incident == t.now.ID {
		return refuse("An incident cannot be linked to itself.", "")
	}
	if c.Incident != "" {
		other, known := t.in.Known.Others[c.Incident]
		if !known {
			return refuse(c.Incident+" does not exist.", "`list` shows the open incidents.")
		}
		if l.Title == "" && !other.Private {
			l.Title = excerpt(other.Title, maxLine)
		}
	} else {
		url := label(c.URL, maxURL)
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || len(c.URL) > maxURL {
			return refuse(fmt.Sprintf("%q is not an address to link to.", excerpt(url, 60)),
				"Give one that starts with https:// and is at most 400 characters long, or an incident such as INC-3.")
		}
		l.URL = url
	}
	same := func(o Link) bool { return o.URL == l.URL && o.Incident == l.Incident }
	if slices.ContainsFunc(t.now.Paperwork.Links, same) {
		return refuse("That is linked already.", "")
	}
	if len(t.now.Paperwork.Links) >= 20 {
		return refuse(t.now.ID+" has 20 links, which is as many as it can hold.", "Add the rest with `note`.")
	}
	t.record(LinkAdded{l})
	return nil
}

func (t *transition) invite(c Invite) error {
	var fresh []string
	for _, p := range c.People {
		p = label(p, 80)
		if p != "" && !slices.Contains(t.now.Invited, p) && !slices.Contains(fresh, p) {
			fresh = append(fresh, p)
		}
	}
	switch {
	case len(fresh) == 0:
		return refuse("They may all see it already.", "Whoever was paged may, too.")
	case len(t.now.Invited)+len(fresh) > maxInvited:
		return refuse(fmt.Sprintf("%s can hold %d people.", t.now.ID, maxInvited), "")
	}
	t.record(PeopleInvited{People: fresh})
	return nil
}

func (t *transition) setDetails(c SetDetails) error {
	var f DetailsChanged
	f.Title = label(c.Title, MaxTitle)
	f.Description, _ = CleanText(c.Description, MaxText)
	f.Category = label(c.Category, maxLine)
	for _, s := range lines(c.AddServices, 20) {
		if !slices.Contains(t.now.Services, s) && len(t.now.Services)+len(f.Services) < 20 {
			f.Services = append(f.Services, s)
		}
	}
	for _, s := range lines(c.AddSymptoms, 10) {
		if !slices.Contains(t.now.Symptoms, s) && len(t.now.Symptoms)+len(f.Symptoms) < 10 {
			f.Symptoms = append(f.Symptoms, s)
		}
	}
	if f.Title == "" && f.Description == "" && f.Category == "" && len(f.Services)+len(f.Symptoms) == 0 {
		return refuse("Nothing would change.", "")
	}
	t.record(f)
	return nil
}
