package bot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// What package agenda asks of the platforms, and what is remembered of it.

// Host returns the chat platform of that name, if its rooms are looked after.
func (b *Bot) Host(platform string) (Host, bool) {
	h, ok := b.cfg.Chats[platform].(Host)
	return h, ok
}

// RoomRequest is what an [workflow.OpenRoom] effect asks of a platform.
func (b *Bot) RoomRequest(key, platform string, i workflow.Incident) RoomRequest {
	was, _ := i.Room(platform)
	return RoomRequest{
		Key: key, Incident: i.ID, Name: roomName(i), Private: i.Visibility == workflow.Private,
		Severity: i.Severity, Since: i.DeclaredAt, Was: was,
	}
}

// roomView is how a room on a platform reads: everybody in it sees each time in
// their own zone, where the platform looks after its rooms; else in the
// organization's.
func (b *Bot) roomView(platform string) card.View {
	v := b.view(Speaker{})
	_, v.Stamps = b.Host(platform)
	return v
}

// RoomWork is one thing to do for a room.
func (b *Bot) RoomWork(key string, i workflow.Incident, r workflow.Room, step string) RoomWork {
	w := RoomWork{Key: key, Incident: i.ID, Room: r, Severity: i.Severity, Step: step, Title: card.Title(i)}
	if url := b.Organization().URL; url != "" {
		w.Links = append(w.Links, card.Action{Label: i.ID + " in the browser", URL: url + "/incidents/" + i.ID})
	}
	for _, l := range i.Paperwork.Links {
		if l.URL != "" && len(w.Links) < 3 {
			w.Links = append(w.Links, card.Action{Label: cmp.Or(l.Title, "Link"), URL: l.URL})
		}
	}
	return w
}

// Invitation asks people into a room. Those who are not configured any more are
// left out; so is, while the incident is private, whoever may not see it: an
// invitation may be older than that, and guests never may (rule P2).
func (b *Bot) Invitation(key string, i workflow.Incident, r workflow.Room, people []string) Invitation {
	in := Invitation{Key: key, Incident: i.ID, Room: r, Severity: i.Severity}
	org, private := b.Organization(), i.Visibility == workflow.Private
	for _, id := range people {
		if guest, is := strings.CutPrefix(id, "guest:"+r.Platform+":"); is && !private {
			in.People = append(in.People, Invitee{ID: id, Handle: guest})
		}
		if p, ok := org.Directory.Person(id); ok && (!private || i.IsMember(id)) {
			in.People = append(in.People, Invitee{ID: p.ID, Name: p.Name, Email: p.Email, Handle: p.Handle(r.Platform)})
		}
	}
	return in
}

// PostOf is the message in one room about what a step made true.
func (b *Bot) PostOf(ctx context.Context, key string, i workflow.Incident, d workflow.Post) (RoomPost, error) {
	through := max(d.Seq, d.Through)
	raw, err := b.cfg.Store.History(ctx, i.ID, d.Seq-1, through-d.Seq+1)
	if err != nil {
		return RoomPost{}, err
	}
	if len(raw) == 0 {
		return RoomPost{}, Permanent(fmt.Errorf("event %d of %s is missing", d.Seq, i.ID))
	}
	events := make([]workflow.Event, 0, len(raw))
	for _, body := range raw {
		e, bad := workflow.DecodeEvent(body)
		if bad != nil {
			return RoomPost{}, Permanent(bad)
		}
		events = append(events, e)
	}
	if d.Place == workflow.Announce {
		events = slices.DeleteFunc(events, func(e workflow.Event) bool { return !workflow.IsAnnounced(e.Fact) })
	}
	p := RoomPost{
		Key: key, Incident: i.ID, Severity: i.Severity, Since: owedAt(events), Event: d.Seq, Through: through,
		Message: card.Post(events, b.roomView(d.Platform)),
	}
	p.Failure = !slices.ContainsFunc(events, func(e workflow.Event) bool { _, failed := e.Fact.(workflow.EffectGivenUp); return !failed })
	p.Room, _ = i.Room(d.Platform)
	if d.Place != workflow.Announce {
		return p, nil
	}
	at, err := b.Shown(ctx, i, workflow.ShowCard{Platform: d.Platform, Place: d.Place})
	p.Under = at.Ref
	return p, err
}

// owedAt is when a post about events was first owed.
func owedAt(events []workflow.Event) time.Time {
	if len(events) == 0 {
		return time.Time{}
	}
	return events[0].At
}

// shownKind is the kind of records that say where cards are.
const shownKind = "card"

// Shown is where a card is, and what it says.
type Shown struct {
	Ref  string    `json:"ref,omitempty"` // "": it may have been written, and nobody knows
	Hash string    `json:"hash,omitempty"`
	At   time.Time `json:"at,omitzero"`
	By   string    `json:"by,omitempty"` // the process that tried to write it

	record Record
}

// Change is the record of what has become of a card.
func (s Shown) Change(next Shown) (RecordChange, error) {
	body, err := json.Marshal(next)
	if err != nil {
		return RecordChange{}, fmt.Errorf("remember a card: %w", err)
	}
	return RecordChange{Kind: shownKind, ID: s.record.ID, Version: s.record.Version, Body: body}, nil
}

// Known reports whether somebody has tried to write the card.
func (s Shown) Known() bool { return s.record.Version > 0 }

// Shown returns where the card of an incident is in a place.
func (b *Bot) Shown(ctx context.Context, i workflow.Incident, d workflow.ShowCard) (Shown, error) {
	id := cardKey(i, d)
	s := Shown{record: Record{Kind: shownKind, ID: id}}
	rec, err := b.cfg.Store.Get(ctx, shownKind, id)
	if errors.Is(err, ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return s, fmt.Errorf("read where a card is: %w", err)
	}
	s.record = rec
	return s, nil
}

// cardKey names a card for ever. Each room has its own.
func cardKey(i workflow.Incident, d workflow.ShowCard) string {
	if d.Place != workflow.InRoom {
		return i.ID + "/" + d.Platform + "/" + string(d.Place)
	}
	r, _ := i.Room(d.Platform)
	return i.ID + "/" + d.Platform + "/" + r.ID
}

// CardOf is the card of an incident in a place, and a hash of all that it says
// and does: the same hash, the same card. What a button has seen is no part of
// it, as long as pressing it does the same.
func (b *Bot) CardOf(i workflow.Incident, d workflow.ShowCard) (c ShownCard, hash string) {
	r, _ := i.Room(d.Platform)
	c = ShownCard{
		Key: cardKey(i, d), Incident: i.ID, Place: d.Place, Room: r, Severity: i.Severity, Since: i.DeclaredAt,
	}
	view := b.roomView(d.Platform)
	switch {
	case d.Place == workflow.InRoom:
		c.Message = card.Card(i, view)
	case i.Visibility == workflow.Private:
		c.Message = card.Hidden(i.ID)
	default:
		c.Message = card.Announcement(i, r, view)
	}
	body, err := json.Marshal(c.Message)
	if err != nil { // texts are all it holds
		return c, ""
	}
	said := fmt.Sprintf("%s %d %d", seen.ReplaceAll(body, nil), i.Paging.Trigger, i.Paging.Fired)
	sum := sha256.Sum256([]byte(said))
	return c, hex.EncodeToString(sum[:8])
}

var seen = regexp.MustCompile(` --seen \d+`)

// RoomOwner returns the incident whose room it is, or ErrNotFound.
func (b *Bot) RoomOwner(ctx context.Context, platform, room string) (string, error) {
	rec, err := b.cfg.Store.Get(ctx, kindRoom, platform+"/"+room)
	return string(rec.Body), err
}

// roomName is "inc-7-checkout-is-down": lower case, digits and dashes.
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
