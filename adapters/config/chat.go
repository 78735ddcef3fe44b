package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
	"tocsin/workflow"
)

// chat keeps the sections of the chat platforms aside. Slack is connected when
// its token is in the environment; its section says that it is meant to be,
// also where the file is only checked.
func (r *reader) chat(root *mapping, sections map[string]*yaml.Node) {
	m := r.open(root.take("chat"), `"chat"`)
	if n := m.take("slack"); n != nil {
		r.slack = true
		sections[slackSection] = n
		r.section(slackSection, n, r.options.Sections[slackSection])
	}
	m.notYet("discord", "Discord comes in a later version; remove it")
	m.notYet("mirror", "carrying messages between platforms comes in a later version; remove it")
	m.done()
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_BOT_TOKEN_FILE"} {
		r.slack = r.slack || r.options.Getenv(name) != ""
	}
}

// needSlack refuses what cannot work without Slack. what begins the sentence.
func (r *reader) needSlack(n *yaml.Node, what string) {
	if !r.slack {
		r.fault(n, "%s needs Slack: set SLACK_BOT_TOKEN, or SLACK_BOT_TOKEN_FILE to the path of a file that holds the token, or write the section chat.slack", what)
	}
}

// room reads a channel as a target. at is what stands behind "room:".
func (r *reader) room(n *yaml.Node, text, at string) {
	platform, channel, _ := strings.Cut(at, ":")
	switch {
	case platform == "discord":
		r.fault(n, "%s: not yet: Discord comes in a later version; use a room:slack: target", quote(text))
	case platform != "slack":
		r.fault(n, "%s names no platform; write room:slack: and the channel, such as \"room:slack:#ops\"", quote(text))
	case !directory.IsSlackChannel(channel):
		r.fault(n, "%s: %s is no channel of Slack; write # and its name in small letters, such as \"room:slack:#ops\", or its ID, such as \"room:slack:C024BE7LR\"", quote(text), quote(channel))
	default:
		r.needSlack(n, quote(text))
	}
}

// chatTo checks that a chat finds the person.
func (r *reader) chatTo(via, to *yaml.Node, p directory.Person) {
	r.needSlack(via, `"via: chat"`)
	if p.Slack == "" && p.Email == "" {
		r.fault(via, `"via: chat" needs somebody to write to: give the person "slack", or "email" to be found by`)
	}
	if to != nil {
		r.fault(to, `"via: chat" writes to the person's own account; remove "to"`)
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
