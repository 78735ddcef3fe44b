package workflow

import (
	"slices"
	"strings"
	"time"
)

// applyRecord applies facts about what people recorded or promised.
func (i *Incident) applyRecord(e Event, f RecordFact) {
	switch f := f.(type) {
	case DetailsChanged:
		i.applyDetails(f)
	case UpdatePosted:
		i.Paperwork.Updates++
		i.Paperwork.LatestUpdate = Update{At: e.At, By: e.By.Name, Audience: f.Audience, Text: excerpt(f.Text, 2048)}
		i.Promises.UpdateBy, i.Promises.MissedUpdate = f.Next, time.Time{}
	case UpdateOverdue:
		i.Promises.UpdateBy = f.Next
		if i.Promises.MissedUpdate.IsZero() {
			i.Promises.MissedUpdate = f.Due
		}
		i.Paging.add(f.Pages)
		if len(f.Pages) > 0 {
			i.Paging.Manual++
		}
	case RoleAssigned:
		if i.Roles == nil {
			i.Roles = map[string]string{}
		}
		if i.Roles[f.Role] = f.Person; f.Person == "" {
			delete(i.Roles, f.Role)
		}
	case NoteAdded:
		i.Paperwork.Notes++
		if f.Pin {
			i.Paperwork.Pins = append(i.Paperwork.Pins, Pin{Key: f.Key, At: e.At, By: e.By.Name, Text: excerpt(f.Text, 400)})
			i.Paperwork.Pins = i.Paperwork.Pins[max(0, len(i.Paperwork.Pins)-maxPins):]
		}
	case NoteWithdrawn:
		i.Paperwork.Notes = max(0, i.Paperwork.Notes-1)
		i.Paperwork.Pins = slices.DeleteFunc(i.Paperwork.Pins, func(p Pin) bool { return p.Key == f.Key })
	case ActionItemAdded:
		i.Paperwork.ActionItems = append(i.Paperwork.ActionItems, f.ActionItem)
	case ActionItemCompleted:
		if n := i.findActionItem(f.N); n >= 0 {
			i.Paperwork.ActionItems[n].Done = !f.Undo
		}
	case CauseSet:
		i.Paperwork.Cause = excerpt(f.Text, 2048)
	case CheckRecorded:
		if f.N >= 1 && f.N <= len(i.Paperwork.Checklist) {
			i.Paperwork.Checklist[f.N-1].State, i.Paperwork.Checklist[f.N-1].By = f.State, e.By.Name
		}
	case LinkAdded:
		i.Paperwork.Links = append(i.Paperwork.Links, f.Link)
	case PeopleInvited:
		i.addMembers(f.People...)
	case VisibilityChanged:
		i.Visibility = f.To
		i.hideRooms(f.To == Private)
	case EffectGivenUp: // it is only reported
	}
}

func (i *Incident) applyDetails(f DetailsChanged) {
	if f.Title != "" {
		i.Title = f.Title
	}
	if f.Description != "" {
		i.Description = excerpt(f.Description, 4096)
	}
	if f.Category != "" {
		i.Category = f.Category
	}
	i.Services = append(i.Services, f.Services...)
	i.Symptoms = append(i.Symptoms, f.Symptoms...)
}

// findActionItem returns the index of the action item with number n, or -1.
func (i *Incident) findActionItem(n int) int {
	return slices.IndexFunc(i.Paperwork.ActionItems, func(t ActionItem) bool { return t.N == n })
}

// addMembers adds people who may see the incident, up to maxInvited and
// maxInvitedBytes. Recipients that are not people, such as "webhook:noc", are skipped.
func (i *Incident) addMembers(people ...string) {
	size := 0
	for _, p := range i.Invited {
		size += len(p)
	}
	for _, p := range people {
		if size += len(p); size > maxInvitedBytes {
			return
		}
		if p != "" && !strings.Contains(p, ":") && !slices.Contains(i.Invited, p) && len(i.Invited) < maxInvited {
			i.Invited = append(i.Invited, p)
		}
	}
}
