package inbound

import (
	"cmp"
	"context"
	"strings"

	"tocsin/adapters/slack"
	"tocsin/commands"
)

// references says how the references in Slack's markup are written out.
type references struct {
	person func(id, label string) string
	group  func(id, label string) string
	link   func(address, label string) string
}

// resolveMarkup writes the references in a text out, and escaped characters as
// themselves (docs.slack.dev/messaging/formatting-message-text, "Retrieving
// messages"). Slack escapes what people type, so none of their text is taken for
// markup here.
func resolveMarkup(text string, r references) string {
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
		b.WriteString(resolveReference(unescape(what), unescape(label), r))
		text = after
	}
}

// resolveReference writes one reference out.
func resolveReference(what, label string, r references) string {
	id := what[min(1, len(what)):]
	switch {
	case strings.HasPrefix(what, "@"):
		return r.person(id, strings.TrimPrefix(label, "@"))
	case strings.HasPrefix(what, "#"):
		return "#" + cmp.Or(strings.TrimPrefix(label, "#"), id)
	case strings.HasPrefix(what, "!"):
		kind, rest, _ := strings.Cut(id, "^")
		switch kind {
		case "subteam":
			return r.group(rest, label)
		case "here", "channel", "everyone":
			return "@" + kind
		}
		return cmp.Or(label, kind)
	}
	return r.link(what, label)
}

// unescape undoes Slack's escaping.
func unescape(text string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
}

// commandText is a text as the command language reads it: people by their
// configured IDs, groups by their teams, links by their addresses.
func (s *Server) commandText(ctx context.Context, text string) string {
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	org := s.app.Organization()
	return resolveMarkup(text, references{
		person: func(id, label string) string {
			a := s.account(ctx, id, cmp.Or(label, id))
			if speaker := s.identify(a); speaker.Person != "" {
				return "@" + speaker.Person
			}
			name := commands.PlainName(cmp.Or(label, a.Name)) // people choose their names on Slack themselves
			if name == "" || s.isConfiguredName(name) {
				name = id
			}
			return "@" + name
		},
		group: func(id, label string) string {
			for _, t := range org.Directory.Teams {
				if t.Groups[slack.Platform] == id {
					return "team:" + t.ID
				}
			}
			return cmp.Or(label, id)
		},
		link: func(address, label string) string {
			if mail, ok := strings.CutPrefix(address, "mailto:"); ok {
				return mail
			}
			return address
		},
	})
}

// isConfiguredName reports whether a person's name on Slack is the name of a
// configured person, who may be another, or of a team
// (P1: access is checked first).
func (s *Server) isConfiguredName(name string) bool {
	d := s.app.Organization().Directory
	return len(d.Matches(name)) > 0 || len(d.MatchTeams(name)) > 0 || strings.ContainsAny(name, ":：")
}

// displayText is a text as people see it on Slack.
func (s *Server) displayText(ctx context.Context, text string) string {
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	return resolveMarkup(text, references{
		person: func(id, label string) string {
			if label == "" {
				label = s.identifyUser(ctx, id, id).Name
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
