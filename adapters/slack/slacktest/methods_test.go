package slacktest

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every method of methods.yaml has a handler, and every handler a method.
func TestMethodsHaveHandlers(t *testing.T) {
	rules, code := slices.Sorted(maps.Keys(readMethods().Methods)), slices.Sorted(maps.Keys(handlers()))
	if !slices.Equal(rules, code) {
		t.Errorf("methods.yaml has %q, the handlers are %q", rules, code)
	}
}

// Every tier, set of scopes, argument, condition and type that methods.yaml and blocks.yaml refer to exists.
func TestReferencesInSchemas(t *testing.T) {
	api, known := readMethods(), conditions()
	for name, m := range api.Methods {
		if api.Tiers[m.Tier] == 0 {
			t.Errorf("%s: there is no tier %q", name, m.Tier)
		}
		if m.Scopes != "" && api.Scopes[m.Scopes] == nil {
			t.Errorf("%s: there are no scopes %q", name, m.Scopes)
		}
		for _, argument := range []string{m.Conversation, m.Destination, m.Message} {
			if _, ok := m.Args[argument]; argument != "" && !ok {
				t.Errorf("%s: there is no argument %q", name, argument)
			}
		}
		for _, refusal := range m.Refuse {
			for condition := range refusal {
				if len(refusal) != 1 || known[condition] == nil {
					t.Errorf("%s: there is no condition %q", name, condition)
				}
			}
		}
		for argument, r := range m.Args {
			checkTypes(t, name+"."+argument, &r)
		}
	}
	for name, s := range readSchemas().named {
		if s.Page == "" {
			t.Errorf("%s cites no page", name)
		}
		for field, r := range s.Fields {
			checkTypes(t, name+"."+field, &r)
		}
	}
}

// checkTypes fails the test unless the types of a rule and of its items exist.
func checkTypes(t *testing.T, name string, r *rule) {
	t.Helper()
	builtIn := []string{"", "string", "text", "boolean", "integer", "list"}
	all := readSchemas()
	if !slices.Contains(builtIn, r.Type) && all.named[r.Type] == nil && all.groups[r.Type] == nil {
		t.Errorf("%s: there is no type %q", name, r.Type)
	}
	switch {
	case r.Type != "list":
	case r.Items == nil:
		t.Errorf("%s: a list needs items", name)
	default:
		checkTypes(t, name, r.Items)
	}
}

// Every error in the golden file of TestRefusals is one that the entry of its method lists.
func TestErrorsAreListed(t *testing.T) {
	raw, err := os.ReadFile("testdata/refusals.golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	common := []string{"ok", "invalid_arguments", "missing_scope", "not_allowed_token_type", "channel_not_found", "message_not_found"}
	var m *method
	var name string
	for line := range strings.Lines(string(raw)) {
		if code := regexp.MustCompile(`^ {2}([a-z_]+)`).FindStringSubmatch(line); code != nil {
			listed := slices.Concat(common, m.codes())
			if !slices.Contains(listed, code[1]) && !strings.HasPrefix(code[1], unknownArgumentPrefix) {
				t.Errorf("%s answers %s, which its entry does not list", name, code[1])
			}
		} else if line != "\n" {
			name = strings.Fields(line)[0]
			m = readMethods().Methods[name]
		}
	}
}

// codes returns the errors of an entry: of its conditions, its arguments, and the others.
func (m *method) codes() []string {
	all := append(slices.Clone(m.Errors), m.Otherwise)
	for _, refusal := range m.Refuse {
		all = slices.AppendSeq(all, maps.Values(refusal))
	}
	for _, r := range m.Args {
		all = append(slices.AppendSeq(all, maps.Values(r.Errors)), r.Error)
	}
	return all
}
