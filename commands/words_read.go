package commands

import (
	"fmt"
	"strings"

	"tocsin/workflow"
)

// readWords answer questions and change nothing.
func readWords() []Word {
	const section = "Look"
	about := func(kind string) func(*args) (workflow.Command, *Query, error) {
		return func(a *args) (workflow.Command, *Query, error) { return nil, &Query{Kind: kind}, a.nothing() }
	}
	return []Word{
		{
			Name: "list", Args: "", Section: section, Access: Guest, takes: noIncident, noText: true,
			Summary: "Show the open incidents.", Example: "list --sev 1 --service checkout",
			Flags: []Flag{
				{Name: "sev", Arg: "1-5", Help: "only of this severity"},
				{Name: "service", Arg: "ID", Help: "only of this service"},
				{Name: "status", Arg: "STATUS", Help: "only in this status"},
				{Name: "all", Help: "ended ones too"},
				{Name: "limit", Arg: "N", Help: "at most so many"},
			},
			build: buildList,
		},
		{
			Name: "show", Args: "[INC-n]", Section: section, Access: Guest, takes: anIncident, noText: true,
			Summary: "Show one incident.", Example: "show INC-7", build: about("show"),
		},
		{
			Name: "timeline", Args: "[INC-n]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Show what happened, in order.", Example: "timeline INC-7", build: about("timeline"),
		},
		{
			Name: "timers", Args: "[INC-n]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Show what will happen by itself, when and why.", Example: "timers INC-7", build: about("timers"),
		},
		{
			Name: "who", Args: "[INC-n]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Show who was told, through what, and whether it arrived.", Example: "who INC-7", build: about("who"),
		},
		{
			Name: "help", Args: "[WORD]", Section: section, Access: Guest, takes: noIncident, noText: true,
			Summary: "Show the words, or one of them.", Example: "help declare",
			build: func(a *args) (workflow.Command, *Query, error) {
				q := &Query{Kind: "help", Topic: strings.ToLower(a.next())}
				return nil, q, a.nothing()
			},
		},
	}
}

func buildList(a *args) (workflow.Command, *Query, error) {
	q := &Query{Kind: "list", Service: a.get("service"), All: a.has("all")}
	var err error
	if a.has("sev") {
		if q.Severity, err = a.severity(a.get("sev")); err != nil {
			return nil, nil, err
		}
	}
	if q.Limit, err = a.number("limit"); err != nil {
		return nil, nil, err
	}
	if a.has("status") {
		var names []string
		for _, s := range workflow.Statuses() {
			names = append(names, string(s))
			if string(s) == strings.ToLower(a.get("status")) {
				q.Status = string(s)
			}
		}
		if q.Status == "" {
			return nil, nil, a.mistake("The status is one of " + strings.Join(names, ", ") + ".")
		}
		q.All = q.All || !workflow.Status(q.Status).Open()
	}
	return nil, q, a.nothing()
}

// Help writes what all words, or one, are for. An unknown topic is a refusal
// with the nearest word.
func (c Catalog) Help(topic string, access Access) (string, error) {
	var b strings.Builder
	if topic == "" {
		section := ""
		for _, w := range c {
			if w.Access > access {
				continue
			}
			if w.Section != section {
				section = w.Section
				fmt.Fprintf(&b, "\n%s\n", section)
			}
			fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(w.Name+" "+w.Args), w.Summary)
		}
		b.WriteString("\nIn an incident's room the ID can be left out. `help WORD` says more.\n")
		return strings.TrimPrefix(b.String(), "\n"), nil
	}
	w, ok := c.Find(topic)
	if !ok {
		return "", c.unknown(topic)
	}
	fmt.Fprintf(&b, "%s\n%s\n", strings.TrimSpace(w.Name+" "+w.Args), w.Summary)
	for _, f := range w.Flags {
		fmt.Fprintf(&b, "  %-28s %s\n", strings.TrimSpace("--"+f.Name+" "+f.Arg), f.Help)
	}
	fmt.Fprintf(&b, "For example: %s\nWho may: %s and above.\n", w.Example, w.Access)
	return b.String(), nil
}
