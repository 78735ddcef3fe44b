package workflow

import (
	"slices"
	"strings"
	"time"
)

// evolveRecord folds what people write down and promise.
func (i *Incident) evolveRecord(e Event, f RecordFact) {
	switch f := f.(type) {
	case DetailsChanged:
		i.detailed(f)
	case UpdatePosted:
		i.Updates++
		i.Latest = Update{At: e.At, By: e.By.Name, Audience: f.Audience, Text: excerpt(f.Text, 2048)}
		i.UpdateDue, i.Unkept = f.Next, time.Time{}
	case UpdateOverdue:
		i.UpdateDue = f.Next
		if i.Unkept.IsZero() {
			i.Unkept = f.Due
		}
	case RoleAssigned:
		if i.Roles == nil {
			i.Roles = map[string]string{}
		}
		if i.Roles[f.Role] = f.Person; f.Person == "" {
			delete(i.Roles, f.Role)
		}
	case NoteAdded:
		i.Notes++
		if f.Pin {
			i.Pins = append(i.Pins, Pin{Key: f.Key, At: e.At, By: e.By.Name, Text: excerpt(f.Text, 400)})
			i.Pins = i.Pins[max(0, len(i.Pins)-maxPins):]
		}
	case NoteWithdrawn:
		i.Notes = max(0, i.Notes-1)
		i.Pins = slices.DeleteFunc(i.Pins, func(p Pin) bool { return p.Key == f.Key })
	case TaskAdded:
		i.Tasks = append(i.Tasks, f.Task)
	case TaskFinished:
		if n := i.task(f.N); n >= 0 {
			i.Tasks[n].Done = !f.Undo
		}
	case CauseSet:
		i.Cause = excerpt(f.Text, 2048)
	case CheckRecorded:
		if f.N >= 1 && f.N <= len(i.Checklist) {
			i.Checklist[f.N-1].State, i.Checklist[f.N-1].By = f.State, e.By.Name
		}
	case LinkAdded:
		i.Links = append(i.Links, f.Link)
	case PeopleInvited:
		i.invite(f.People...)
	case VisibilityChanged:
		i.Visibility = f.To
		i.hideRooms(f.To == Private)
	case EffectGivenUp: // a line in the room
	}
}

func (i *Incident) detailed(f DetailsChanged) {
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

func (i *Incident) task(n int) int {
	return slices.IndexFunc(i.Tasks, func(t Task) bool { return t.N == n })
}

// invite adds people who may see the incident, as far as it can remember them.
func (i *Incident) invite(people ...string) {
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
