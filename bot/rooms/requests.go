package rooms

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// roomRequest returns what a platform is asked for by a [workflow.OpenRoom] action.
func (m *Manager) roomRequest(key, platform string, i workflow.Incident) bot.RoomRequest {
	previous, _ := i.Room(platform)
	return bot.RoomRequest{
		Key: key, Incident: i.ID, Name: roomName(i), Private: i.Visibility == workflow.Private,
		Severity: i.Severity, Since: i.DeclaredAt, Was: previous,
	}
}

// roomView returns the view of a room on a platform. Where the platform manages its
// rooms, times are stamps that each reader sees in their own zone; else they are in the
// organization's zone.
func (m *Manager) roomView(platform string) card.View {
	v := m.engine.View(nil)
	_, v.Stamps = m.manager(platform)
	return v
}

// roomWork returns one work with a room.
func (m *Manager) roomWork(key string, i workflow.Incident, r workflow.Room, step string) bot.RoomWork {
	w := bot.RoomWork{Key: key, Incident: i.ID, Room: r, Severity: i.Severity, Step: step, Title: card.Title(i)}
	if url := m.engine.Organization().URL; url != "" {
		w.Links = append(w.Links, card.Button{Label: i.ID + " in the browser", URL: url + "/incidents/" + i.ID})
	}
	for _, l := range i.Paperwork.Links {
		if l.URL != "" && len(w.Links) < 3 {
			w.Links = append(w.Links, card.Button{Label: cmp.Or(l.Title, "Link"), URL: l.URL})
		}
	}
	return w
}

// Invitation returns the invitation of people into a room. It leaves out people who are
// not configured any more and, while the incident is private, everyone who is not a
// member: the invitation may have been requested before it became private, and guests
// are never members (P2: private means members only).
func (m *Manager) Invitation(key string, i workflow.Incident, r workflow.Room, people []string) bot.Invitation {
	in := bot.Invitation{Key: key, Incident: i.ID, Room: r, Severity: i.Severity}
	org, private := m.engine.Organization(), i.Visibility == workflow.Private
	for _, id := range people {
		if guest, ok := strings.CutPrefix(id, workflow.GuestID(r.Platform+":")); ok && !private {
			in.People = append(in.People, bot.Invitee{ID: id, Handle: guest})
		}
		if p, ok := org.Directory.Person(id); ok && (!private || i.IsMember(id)) {
			in.People = append(in.People, bot.Invitee{ID: p.ID, Name: p.Name, Email: p.Email, Handle: p.Accounts[r.Platform]})
		}
	}
	return in
}

// roomPost returns the message in one room that reports the events of a step.
func (m *Manager) roomPost(ctx context.Context, key string, i workflow.Incident, a workflow.Post) (bot.RoomPost, error) {
	through := max(a.Seq, a.Through)
	raw, err := m.store.History(ctx, i.ID, a.Seq-1, through-a.Seq+1)
	if err != nil {
		return bot.RoomPost{}, err
	}
	if len(raw) == 0 {
		return bot.RoomPost{}, bot.Permanent(fmt.Errorf("event %d of %s is missing", a.Seq, i.ID))
	}
	events := make([]workflow.Event, 0, len(raw))
	for _, body := range raw {
		e, decodeErr := workflow.DecodeEvent(body)
		if decodeErr != nil {
			return bot.RoomPost{}, bot.Permanent(decodeErr)
		}
		events = append(events, e)
	}
	if a.Place == workflow.Announce {
		events = slices.DeleteFunc(events, func(e workflow.Event) bool { return !workflow.IsAnnounced(e.Fact) })
	}
	p := bot.RoomPost{
		Key: key, Incident: i.ID, Severity: i.Severity, Since: firstTime(events), Event: a.Seq, Through: through,
		Content: card.Post(events, m.roomView(a.Platform)),
	}
	p.Failure = !slices.ContainsFunc(events, func(e workflow.Event) bool { _, ok := e.Fact.(workflow.EffectGivenUp); return !ok })
	p.Room, _ = i.Room(a.Platform)
	if a.Place != workflow.Announce {
		return p, nil
	}
	announcement, err := m.loadCard(ctx, i, workflow.ShowCard{Platform: a.Platform, Place: a.Place})
	p.ReplyTo = announcement.Ref
	return p, err
}

// firstTime returns the time of the first of some events.
func firstTime(events []workflow.Event) time.Time {
	if len(events) == 0 {
		return time.Time{}
	}
	return events[0].At
}

// Card returns the card of an incident in a place, and a hash of its content. Of what
// the buttons carry as seen, only the trigger and the fired steps are hashed: a card is
// edited only when it reads differently or a button would do something else.
func (m *Manager) Card(i workflow.Incident, a workflow.ShowCard) (c bot.RoomCard, hash string) {
	r, _ := i.Room(a.Platform)
	c = bot.RoomCard{
		Key: cardKey(i, a), Incident: i.ID, Place: a.Place, Room: r, Severity: i.Severity, Since: i.DeclaredAt,
	}
	view := m.roomView(a.Platform)
	switch {
	case a.Place == workflow.InRoom:
		c.Content = card.Card(i, view)
	case i.Visibility == workflow.Private:
		c.Content, c.Hide = card.HiddenAnnouncement(i.ID), true
	default:
		c.Content = card.Announcement(i, r, view)
	}
	body, err := json.Marshal(c.Content)
	if err != nil { // cannot happen: it holds only texts
		return c, ""
	}
	hashed := fmt.Sprintf("%s %d %d", seenFlag.ReplaceAll(body, nil), i.Paging.Trigger, i.Paging.Fired)
	sum := sha256.Sum256([]byte(hashed))
	return c, hex.EncodeToString(sum[:8])
}

var seenFlag = regexp.MustCompile(` --seen \d+`)

// roomName returns the preferred name of a room: lower case, digits and dashes, such as
// "inc-7-checkout-is-down"; of a private incident only "inc-7".
func roomName(i workflow.Incident) string {
	slug := make([]byte, 0, 40)
	for _, r := range i.Title {
		switch {
		case len(slug) >= 40:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			slug = append(slug, byte(r))
		case r >= 'A' && r <= 'Z':
			slug = append(slug, byte(r-'A'+'a'))
		case len(slug) > 0 && slug[len(slug)-1] != '-':
			slug = append(slug, '-')
		}
	}
	for len(slug) > 0 && slug[len(slug)-1] == '-' {
		slug = slug[:len(slug)-1]
	}
	name := fmt.Sprintf("inc-%d", i.Number)
	if len(slug) > 0 && i.Visibility != workflow.Private {
		name += "-" + string(slug)
	}
	return name
}
