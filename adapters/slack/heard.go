package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
)

// askWho is how long Slack may take to say who somebody is.
const askWho = time.Second

// account is who a user is. When Slack does not say in time, nobody is guessed
// at (rule P1): this once, they are whoever the payload names, and are not
// remembered as that.
func (w *Workspace) account(ctx context.Context, id, name string) access.Account {
	asking, cancel := context.WithTimeout(ctx, askWho)
	defer cancel()
	a, err := w.Account(asking, id)
	if err != nil {
		w.cfg.Log.WarnContext(ctx, "Slack does not say who somebody is", "user", id, "error", err.Error())
		return access.Account{Platform: Platform, ID: id, Name: name, Unidentified: !bot.IsPermanent(err)}
	}
	return a
}

// identify is the speaker behind an account.
func (w *Workspace) identify(a access.Account) access.Speaker {
	s, _ := access.Identify(w.app.Organization(), access.Claim{Account: a})
	return s
}

// speaker is who has typed or pressed something.
func (w *Workspace) speaker(ctx context.Context, id, name string) access.Speaker {
	return w.identify(w.account(ctx, id, name))
}

// rooms remembers whose rooms channels are. That never changes; a channel that
// is none may yet become one, so that is not remembered.
type rooms struct {
	mu     sync.Mutex
	owners map[string]string // channel → incident
}

// mostRooms bounds what is remembered.
const mostRooms = 10_000

// known returns the incident of a channel, if it is remembered.
func (r *rooms) known(channel string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.owners[channel]
}

// room returns the incident whose room a channel is, or "".
func (w *Workspace) room(ctx context.Context, channel string) (string, error) {
	if channel == "" || strings.HasPrefix(channel, "D") {
		return "", nil
	}
	if incident := w.inbox.rooms.known(channel); incident != "" {
		return incident, nil
	}
	incident, err := w.app.Rooms.RoomOwner(ctx, Platform, channel)
	if errors.Is(err, bot.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up whose room it is: %w", err)
	}
	r := &w.inbox.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.owners) >= mostRooms {
		clear(r.owners)
	}
	r.owners[channel] = incident
	return incident, nil
}

// words says how what stands for something in Slack's markup reads.
type words struct {
	person func(id, label string) string
	group  func(id, label string) string
	link   func(address, label string) string
}

// unmarked writes markup as what it stands for, and escaped characters as
// themselves (docs.slack.dev/messaging/formatting-message-text, "Retrieving
// messages"). What people type is escaped, so that no text of theirs is taken
// for markup here.
func unmarked(text string, s words) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(unescape(before))
		if !found {
			return b.String()
		}
		inside, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString("<" + unescape(rest))
			return b.String()
		}
		what, label, _ := strings.Cut(inside, "|")
		b.WriteString(stands(unescape(what), unescape(label), s))
		text = after
	}
}

// stands is what one piece of markup stands for.
func stands(what, label string, s words) string {
	id := what[min(1, len(what)):]
	switch {
	case strings.HasPrefix(what, "@"):
		return s.person(id, strings.TrimPrefix(label, "@"))
	case strings.HasPrefix(what, "#"):
		return "#" + cmp.Or(strings.TrimPrefix(label, "#"), id)
	case strings.HasPrefix(what, "!"):
		kind, rest, _ := strings.Cut(id, "^")
		switch kind {
		case "subteam":
			return s.group(rest, label)
		case "here", "channel", "everyone":
			return "@" + kind
		}
		return cmp.Or(label, kind)
	}
	return s.link(what, label)
}

// unescape undoes what Slack escapes.
func unescape(text string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
}

// typed is a command as the language reads it: people by who they are here,
// groups by their team, links by where they lead.
func (w *Workspace) typed(ctx context.Context, text string) string {
	ctx, cancel := context.WithTimeout(ctx, askWho)
	defer cancel()
	org := w.app.Organization()
	return unmarked(text, words{
		person: func(id, label string) string {
			a := w.account(ctx, id, cmp.Or(label, id))
			if s := w.identify(a); s.Person != "" {
				return "@" + s.Person
			}
			name := asText(cmp.Or(label, a.Name))
			if name == "" || w.meansOther(name) {
				name = id
			}
			return "@" + name
		},
		group: func(id, label string) string {
			for _, t := range org.Directory.Teams {
				if t.Groups[Platform] == id {
					return "team:" + t.ID
				}
			}
			return cmp.Or(label, id)
		},
		link: func(address, label string) string {
			if mail, is := strings.CutPrefix(address, "mailto:"); is {
				return mail
			}
			return address
		},
	})
}

// asText leaves out of a name what the language would read as an option, or as
// the beginning or end of a quote: people call themselves what they like (rule
// P1).
func asText(name string) string {
	words := strings.Fields(strings.NewReplacer(`"`, "", "“", "", "”", "").Replace(name))
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return strings.HasPrefix(word, "--") }), " ")
}

// meansOther reports whether somebody's name on Slack means somebody else here,
// or a team (rule P1).
func (w *Workspace) meansOther(name string) bool {
	r := w.app.Organization().Directory
	_, person := r.Find(name)
	_, team := r.Team(strings.TrimPrefix(name, "@"))
	return person || team || strings.Contains(name, ":")
}

// read is a message as people see it.
func (w *Workspace) read(ctx context.Context, text string) string {
	ctx, cancel := context.WithTimeout(ctx, askWho)
	defer cancel()
	return unmarked(text, words{
		person: func(id, label string) string {
			if label == "" {
				label = w.identify(w.account(ctx, id, id)).Name
			}
			return "@" + label
		},
		group: func(id, label string) string {
			return "@" + strings.TrimPrefix(cmp.Or(label, id), "@")
		},
		link: func(address, label string) string {
			bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(address, "mailto:"), "https://"), "http://")
			switch strings.TrimSuffix(label, "/") {
			case "", strings.TrimSuffix(bare, "/"), strings.TrimSuffix(address, "/"):
				return strings.TrimPrefix(address, "mailto:")
			}
			return label + " (" + address + ")"
		},
	})
}
