package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// chatSection is the path of a platform's section.
func chatSection(p platform.Description) string { return "chat." + p.Name }

// chat keeps the sections of the chat platforms aside. A platform is connected when
// its secret is in the environment; its section says that it is meant to be, also
// where the file is only checked.
func (r *reader) chat(root *mapping, sections map[string]*yaml.Node) {
	m := r.open(root.take("chat"), `"chat"`)
	for _, p := range r.options.Platforms {
		if p.Connect == nil {
			m.notYet(p.Name, p.Title+" comes in a later version; remove it")
			continue
		}
		n := m.take(p.Name)
		r.connected[p.Name] = n != nil || p.IsConnected(r.options.Getenv)
		if n != nil {
			sections[chatSection(p)] = n
			r.section(chatSection(p), n, r.options.Sections[chatSection(p)])
		}
	}
	m.notYet("mirror", "carrying messages between platforms comes in a later version; remove it")
	m.done()
}

// platforms are those that are connected, as the directory knows them. Who is in
// their groups is for the caller to add.
func (r *reader) platforms() []directory.Platform {
	var all []directory.Platform
	for _, p := range r.options.Platforms {
		if r.connected[p.Name] {
			all = append(all, directory.Platform{Name: p.Name, Title: p.Title, FindsByEmail: p.FindsByEmail})
		}
	}
	return all
}

// needPlatform refuses what cannot work without a platform. what begins the
// sentence.
func (r *reader) needPlatform(n *yaml.Node, p platform.Description, what string) {
	switch {
	case r.connected[p.Name]:
	case p.Connect == nil:
		r.fault(n, "%s: not yet: %s comes in a later version", what, p.Title)
	default:
		r.fault(n, "%s needs %s: set %s, or %s_FILE to the path of a file that holds the token, or write the section %s",
			what, p.Title, p.Secrets[0], p.Secrets[0], chatSection(p))
	}
}

// room reads a room as a target. at is what stands behind "room:".
func (r *reader) room(n *yaml.Node, text, at string) {
	name, room, _ := strings.Cut(at, ":")
	switch p, ok := r.options.Platforms.Find(name); {
	case !ok:
		r.fault(n, "%s names no platform; write room:PLATFORM:ROOM, such as %s", quote(text), quote(r.exampleRoom()))
	case p.Connect == nil:
		r.fault(n, "%s: not yet: %s comes in a later version; use a target such as %s", quote(text), p.Title, quote(r.exampleRoom()))
	case !p.Room.Is(room):
		r.fault(n, "%s: %s is no channel of %s; write %s", quote(text), quote(room), p.Title, p.Room.Want)
	default:
		r.needPlatform(n, p, quote(text))
	}
}

// exampleRoom is a room target of a platform that there is.
func (r *reader) exampleRoom() string {
	for _, p := range r.options.Platforms {
		if p.Connect != nil {
			return "room:" + p.Name + ":#ops"
		}
	}
	return "room:PLATFORM:#ops"
}

// chatTo checks that a platform, or any for "chat", finds the person.
func (r *reader) chatTo(via, to *yaml.Node, name string, p directory.Person) {
	what, known := quote("via: "+name), p.Email != ""
	var connected, titles []string
	for _, d := range r.options.Platforms {
		if d.Connect == nil || name != directory.ViaChat && name != d.Name {
			continue
		}
		titles = append(titles, d.Name)
		known = known || p.Accounts[d.Name] != ""
		if r.connected[d.Name] {
			connected = append(connected, d.Name)
		}
	}
	if len(connected) == 0 {
		for _, d := range r.options.Platforms {
			if d.Connect != nil && (name == directory.ViaChat || name == d.Name) {
				r.needPlatform(via, d, what)
				break
			}
		}
	}
	if !known {
		r.fault(via, `%s needs somebody to write to: give the person %s, or "email" to be found by`, what, quote(strings.Join(titles, `" or "`)))
	}
	if to != nil {
		r.fault(to, `%s writes to the person's own account; remove "to"`, what)
	}
}

// invited reads who is asked into the rooms of a severity.
func (r *reader) invited(m *mapping) []workflow.Target {
	var all []workflow.Target
	for _, n := range m.list("invite") {
		kind, _, colon := strings.Cut(strings.TrimSpace(n.Value), ":")
		switch kind {
		case string(aPolicy), string(aWebhook), "room", logName:
			if colon || kind == logName {
				r.fault(n, `%s cannot be asked into a room; "invite" holds person: and team: targets`, quote(n.Value))
				continue
			}
		default: // target tells what is wrong with it
		}
		switch target := r.target(n, `an entry of "invite"`); {
		case target == "":
		case slices.Contains(all, target):
			r.fault(n, `%s stands twice in "invite"; keep one`, quote(string(target)))
		default:
			all = append(all, target)
		}
	}
	return all
}
