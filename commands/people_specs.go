package commands

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tocsin/workflow"
)

// peopleSpecs returns the commands that assign roles and bring in more people.
func peopleSpecs() []Spec {
	const section = "People"
	return []Spec{
		{
			Name: "lead", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Become the commander.", Example: "lead INC-7",
			build: noTextBuilder(func(a *args) (workflow.Command, error) {
				if a.ctx.Speaker.Person == "" {
					return nil, refuse("Only a configured person can lead.", "Add yourself under `people:`, or `assign commander @ana`.")
				}
				return workflow.Assign{Role: workflow.Commander, Person: a.ctx.Speaker.Person, Name: a.ctx.Speaker.Name}, nil
			}),
		},
		{
			Name: "assign", Args: "[INC-n] ROLE @PERSON|nobody", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Assign a role: commander, communications, operations, scribe, or your own.",
			Example: "assign INC-7 communications @ana",
			Form: []Field{
				{
					Name: "role", Label: "Role", Kind: Choose, Required: true,
					Choices: choicesOf(workflow.Commander, "communications", "operations", "scribe"),
				},
				{Name: "person", Label: "Assignee", Kind: Person, Hint: "leave empty to remove the role"},
			},
			build: commandBuilder(buildAssign),
		},
		{
			Name: "page", Args: "[INC-n] @WHO… [WHY]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Page more people, teams or policies, even if it is acknowledged.",
			Example: "page INC-7 @ben we need the database team",
			Form: []Field{
				{Name: "who", Label: "Who to page", Kind: Target, Required: true, Many: true, Hint: "people, teams or policies; at most ten"},
				{Name: "why", Label: "Why", Kind: Text, Hint: "shown in the page"},
			},
			build: commandBuilder(buildPage),
		},
		{
			Name: "invite", Args: "[INC-n] @PERSON…", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Invite people to see and join the incident.", Example: "invite INC-7 @ben",
			Form:  []Field{{Name: "person", Label: "People", Kind: Person, Required: true, Many: true}},
			build: commandBuilder(buildInvite),
		},
		{
			Name: "private", Args: "[INC-n] [off]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Make it visible to its members only, or to everyone again.", Example: "private INC-7",
			Form: []Field{{
				Name: "private", Label: "Visible to", Kind: Choose,
				Choices: []Choice{{"on", "Its members"}, {"off", "Everyone"}}, Hint: "leave empty for its members",
			}},
			build: commandBuilder(func(a *args) (workflow.Command, error) {
				switch Fold(a.take("private")) {
				case "", "on":
					return workflow.SetVisibility{To: workflow.Private}, a.requireEnd()
				case "off":
					return workflow.SetVisibility{To: workflow.Public}, a.requireEnd()
				}
				return nil, a.refuse("`private` is on or off.")
			}),
		},
	}
}

// buildAssign builds [workflow.Assign]. Role and person may be given in either order. A
// form in which the person is empty takes the role away.
func buildAssign(a *args) (workflow.Command, error) {
	role, handle := a.take("role"), a.take("person")
	if strings.HasPrefix(Fold(role), "@") { // assign @ana commander
		role, handle = handle, role
	}
	role = norm.NFKC.String(strings.Trim(role, stops))
	if err := a.requireEnd(); err != nil {
		return nil, err
	}
	if Fold(role) == "lead" {
		role = workflow.Commander
	}
	if len(a.ctx.Fields) > 0 && handle == "" {
		handle = "nobody"
	}
	if role == "" || handle == "" || strings.HasPrefix(role, "@") {
		return nil, a.refuse("Which role, and who gets it?")
	}
	if Fold(handle) == "nobody" {
		return workflow.Assign{Role: role}, nil
	}
	id, name, err := a.findPerson(handle)
	return workflow.Assign{Role: role, Person: id, Name: name}, err
}

// buildPage builds [workflow.Page]. The targets are the values of the form, then the
// words at the start of the line: the first one in any case if the form has none, and
// those after it while they look like targets. The rest is the text.
func buildPage(a *args) (workflow.Command, error) {
	var c workflow.Page
	for {
		n := slices.IndexFunc(a.words, func(t token) bool { return t.field == "who" })
		if n < 0 && len(a.words) > 0 && a.words[0].field == "" && (len(c.Targets) == 0 || isTarget(a.words[0].text)) {
			n = 0
		}
		if n < 0 {
			break
		}
		for _, name := range splitNames(a.words[n]) {
			t, err := a.findTarget(name)
			switch {
			case err != nil:
				return nil, err
			case len(c.Targets) == 10:
				return nil, a.refuse("One command pages at most ten: page the rest with another.")
			}
			c.Targets = append(c.Targets, t)
		}
		a.words = slices.Delete(a.words, n, n+1)
		if len(a.words) > 1 && a.words[0].field == "" && isJoiner(a.words[0].text) && isTarget(a.words[1].text) {
			a.words = a.words[1:]
		}
	}
	if len(c.Targets) == 0 {
		return nil, a.refuse("Name who should be paged.")
	}
	c.Text = a.text()
	return c, nil
}

// splitNames splits a typed word such as "@ana,@ben" at its commas, of any script. A quoted
// text and a value of a form are one name.
func splitNames(t token) []string {
	if t.quoted || t.field != "" {
		return []string{t.text}
	}
	names := strings.FieldsFunc(t.text, func(r rune) bool { return strings.ContainsRune(commas, r) })
	if len(names) == 0 {
		return []string{t.text}
	}
	return names
}

// isJoiner reports whether a word only joins two names: "@ana and @ben", "@ana , @ben".
func isJoiner(word string) bool {
	word = Fold(word)
	return word == "and" || word == "&" || word == "+" || strings.Trim(word, stops) == ""
}

// isTarget reports whether a word looks like a target: "@ana" or "policy:payments", but
// not "urgent:", "12:30" or a web address.
func isTarget(word string) bool {
	word = Fold(strings.TrimLeft(word, commas))
	kind, id, found := strings.Cut(word, ":")
	return strings.HasPrefix(word, "@") || found && kind != "" && id != "" && !strings.HasPrefix(id, "/") &&
		strings.IndexFunc(kind, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

func buildInvite(a *args) (workflow.Command, error) {
	var c workflow.Invite
	for ; len(a.words) > 0; a.words = a.words[1:] {
		if len(c.People) > 0 && a.words[0].field == "" && isJoiner(a.words[0].text) {
			continue
		}
		for _, name := range splitNames(a.words[0]) {
			id, _, err := a.findPerson(name)
			if err != nil {
				return nil, err
			}
			c.People = append(c.People, id)
		}
	}
	if len(c.People) == 0 {
		return nil, a.refuse("Name who should be invited.")
	}
	return c, nil
}
