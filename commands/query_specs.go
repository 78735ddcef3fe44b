package commands

import (
	"slices"
	"strings"

	"tocsin/workflow"
)

// querySpecs returns the commands that only read.
func querySpecs() []Spec {
	const section = "Look up"
	incidentQuery := func(kind QueryKind) builder {
		return func(a *args) (workflow.Command, *Query, error) { return nil, &Query{Kind: kind}, a.requireEnd() }
	}
	return []Spec{
		{
			Name: "list", Args: "", Section: section, Access: Guest, scope: noIncident, strict: true,
			Summary: "Show the open incidents.", Example: "list --sev 1 --service checkout",
			Flags: []Flag{
				{Name: "sev", Arg: "1-5", Help: "only this severity"},
				{Name: "service", Arg: "ID", Help: "only this service"},
				{Name: "status", Arg: "STATUS", Help: "only this status"},
				{Name: "all", Help: "ended incidents too"},
				{Name: "limit", Arg: "N", Help: "at most this many"},
			},
			completed: []Field{
				{Name: "sev", Label: "Severity", Kind: Choose, Choices: severities()},
				{Name: "service", Label: "Service", Kind: Service},
				{Name: "status", Label: "Status", Kind: Choose, Choices: choicesOf(statuses(true)...)},
			},
			build: buildList,
		},
		{
			Name: "show", Args: "[INC-n]", Section: section, Access: Guest, scope: oneIncident, strict: true,
			Summary: "Show one incident.", Example: "show INC-7", build: incidentQuery(QueryShow),
		},
		{
			Name: "timeline", Args: "[INC-n]", Section: section, Access: Responder, Members: true, scope: oneIncident, strict: true,
			Summary: "Show what happened, in order.", Example: "timeline INC-7", build: incidentQuery(QueryTimeline),
		},
		{
			Name: "timers", Args: "[INC-n]", Section: section, Access: Responder, Members: true, scope: oneIncident, strict: true,
			Summary: "Show the next deadlines: what happens, when and why.", Example: "timers INC-7", build: incidentQuery(QueryTimers),
		},
		{
			Name: "who", Args: "[INC-n]", Section: section, Access: Responder, Members: true, scope: oneIncident, strict: true,
			Summary: "Show who was paged, how, and whether it was delivered.", Example: "who INC-7", build: incidentQuery(QueryWho),
		},
		{
			Name: "web", Args: "[INC-n]", Section: section, Access: Guest, scope: optionalIncident, strict: true,
			Summary: "Get a link that signs you in to the browser.", Example: "web",
			Variants: []Variant{{"web sessions", "list where you are signed in"}, {"web revoke ID|all", "end one session, or all"}},
			completed: []Field{
				{Name: "topic", Kind: Choose, Choices: []Choice{{"sessions", "Where you are signed in"}, {"revoke", "End a session, or all"}}},
				{Name: "id", Kind: Line},
			},
			build: buildWeb,
		},
		{
			Name: "help", Args: "[COMMAND]", Section: section, Access: Guest, scope: noIncident, strict: true,
			Summary: "List the commands, or explain one.", Example: "help declare",
			completed: []Field{{Name: "topic", Kind: commandName}},
			build: func(a *args) (workflow.Command, *Query, error) {
				q := &Query{Kind: QueryHelp, Topic: Fold(a.take(""))}
				return nil, q, a.requireEnd()
			},
		},
	}
}

func buildList(a *args) (workflow.Command, *Query, error) {
	q := &Query{Kind: QueryList, Service: a.findService(a.get("service")), All: a.has("all")}
	var err error
	if a.has("sev") {
		if q.Severity, err = a.parseSeverity(a.get("sev")); err != nil {
			return nil, nil, err
		}
	}
	if q.Limit, err = a.parseNumber("limit"); err != nil {
		return nil, nil, err
	}
	if a.has("status") {
		names := statuses(true)
		if n := slices.Index(names, Fold(a.get("status"))); n >= 0 {
			q.Status = names[n]
		}
		if q.Status == "" {
			return nil, nil, a.refuse("The status is one of " + strings.Join(names, ", ") + ".")
		}
		q.All = q.All || !workflow.Status(q.Status).IsOpen()
	}
	return nil, q, a.requireEnd()
}

// buildWeb builds the query for a link that signs the speaker in to the browser, for the
// list of their sessions, or for the end of one.
func buildWeb(a *args) (workflow.Command, *Query, error) {
	q := &Query{Kind: QueryWeb, Topic: Fold(a.take(""))}
	switch q.Topic {
	case "", "sessions":
	case "revoke":
		if q.ID = a.take(""); q.ID == "" {
			return nil, nil, a.refuse("Which session? `web sessions` lists them; `web revoke all` ends them all.")
		}
		if Fold(q.ID) == "all" {
			q.ID = "all"
		}
	default:
		return nil, nil, a.refuse("`web` gives a link; `web sessions` lists where you are signed in; `web revoke ID` or `web revoke all` ends it.")
	}
	return nil, q, a.requireEnd()
}
