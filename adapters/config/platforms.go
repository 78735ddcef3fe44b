package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// chatSection returns the path of a platform's section.
func chatSection(p platform.Description) string { return "chat." + p.Name }

// readChat stores the sections of the chat platforms. A platform is connected
// when its secret is in the environment. For faults a section counts too,
// because the file may be checked on a machine without the secrets.
func (r *reader) readChat(root *mapping, sections map[string]*yaml.Node) {
	m := r.openMapping(root.take("chat"), `"chat"`)
	for _, p := range r.options.Platforms {
		if p.Connect == nil {
			m.rejectFuture(p.Name, p.Title+" comes in a later version; remove it")
			continue
		}
		n := m.take(p.Name)
		r.connected[p.Name] = n != nil || r.hasSecret(p)
		if n != nil {
			sections[chatSection(p)] = n
			r.readSection(chatSection(p), n, r.options.Sections[chatSection(p)])
		}
	}
	m.rejectFuture("mirror", "mirroring messages between platforms comes in a later version; remove it")
	m.rejectUnknown()
}

// hasSecret reports whether the secret that connects a platform is in the environment,
// right or not: what is wrong with it is reported where the platform is connected.
func (r *reader) hasSecret(p platform.Description) bool {
	if len(p.Secrets) == 0 {
		return false
	}
	value, err := ReadVariable(r.options.Getenv, p.Secrets[0])
	return value != "" || err != nil
}

// connectedPlatforms returns the connected platforms for the directory. The
// caller adds how the members of groups are looked up.
func (r *reader) connectedPlatforms() []directory.Platform {
	var all []directory.Platform
	for _, p := range r.options.Platforms {
		if r.connected[p.Name] {
			all = append(all, directory.Platform{Name: p.Name, Title: p.Title, FindsByEmail: p.FindsByEmail})
		}
	}
	return all
}

// requirePlatform reports a platform that is not connected. what needs it and
// is the subject of the message.
func (r *reader) requirePlatform(n *yaml.Node, p platform.Description, what string) {
	switch {
	case r.connected[p.Name]:
	case p.Connect == nil:
		r.addFault(n, "%s is not supported yet: %s comes in a later version", what, p.Title)
	default:
		r.addFault(n, "%s needs %s: set %s, or %s_FILE to the path of a file that holds the token, or add the section %s",
			what, p.Title, p.Secrets[0], p.Secrets[0], chatSection(p))
	}
}

// checkRoomTarget checks a room as a target. at is the part after "room:".
func (r *reader) checkRoomTarget(n *yaml.Node, text, at string) {
	name, room, _ := strings.Cut(at, ":")
	switch p, ok := r.options.Platforms.Find(name); {
	case !ok:
		r.addFault(n, "%s does not name a platform; write room:PLATFORM:ROOM, such as %s", quote(text), quote(r.exampleRoom()))
	case p.Connect == nil:
		r.addFault(n, "%s is not supported yet: %s comes in a later version; use a target such as %s", quote(text), p.Title, quote(r.exampleRoom()))
	case !p.Room.IsValid(room):
		r.addFault(n, "%s: %s is not a %s of %s; write %s", quote(text), quote(room), p.Room.Noun, p.Title, p.Room.Want)
	default:
		r.requirePlatform(n, p, quote(text))
	}
}

// exampleRoom returns an example of a room target on a supported platform.
func (r *reader) exampleRoom() string {
	for _, p := range r.options.Platforms {
		if p.Connect != nil {
			return "room:" + p.Name + ":" + p.Room.Example
		}
	}
	return "room:PLATFORM:ROOM"
}

// checkChatMethod checks that the platform name, or for "chat" any platform,
// can find the person.
func (r *reader) checkChatMethod(via, to *yaml.Node, name string, p directory.Person) {
	what, canFind := quote("via: "+name), p.Email != ""
	var connected, titles []string
	for _, d := range r.options.Platforms {
		if d.Connect == nil || name != directory.ViaChat && name != d.Name {
			continue
		}
		titles = append(titles, d.Name)
		canFind = canFind || p.Accounts[d.Name] != ""
		if r.connected[d.Name] {
			connected = append(connected, d.Name)
		}
	}
	if len(connected) == 0 {
		for _, d := range r.options.Platforms {
			if d.Connect != nil && (name == directory.ViaChat || name == d.Name) {
				r.requirePlatform(via, d, what)
				break
			}
		}
	}
	if !canFind {
		r.addFault(via, `%s needs an account: give the person %s, or an "email" by which the account is found`, what, quote(strings.Join(titles, `" or "`)))
	}
	if to != nil {
		r.addFault(to, `%s sends to the person's own account; remove "to"`, what)
	}
}

// readInvited reads the targets that are invited into the rooms of a severity.
func (r *reader) readInvited(m *mapping) []workflow.Target {
	var all []workflow.Target
	for _, n := range m.readList("invite") {
		kind, _, colon := strings.Cut(strings.TrimSpace(n.Value), ":")
		switch kind {
		case string(kindPolicy), string(kindWebhook), "room", logName:
			if colon || kind == logName {
				r.addFault(n, `%s cannot be invited into a room; "invite" can have person: and team: targets`, quote(n.Value))
				continue
			}
		default: // readTarget reports an unknown kind
		}
		switch target := r.readTarget(n, `an entry of "invite"`); {
		case target == "":
		case slices.Contains(all, target):
			r.addFault(n, `%s is in "invite" twice; keep one`, quote(string(target)))
		default:
			all = append(all, target)
		}
	}
	return all
}
