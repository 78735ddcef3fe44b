package config_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/config"
	"tocsin/bot/alerts"
)

// FuzzParse: no file makes the reader panic, and every fault can be shown.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add("people:\n  - { id: ana, email: a@b, notify: { high: [{ via: email, after: 5m }] } }\n")
	f.Add("policies: [{ id: a, steps: &s [{ notify: [\"policy:a\", \"team:x\"] }] }, { id: b, steps: *s }]\n")
	f.Add("pagers: { email: { host: a, port: b, password_env: C, cc: [x] } }\nrules: &r { hold: 1 }\n<<: *r\n")
	f.Add("? [a]\n: !!binary aGk=\n---\n")
	f.Add("severities: { SEV1: { update: \"cron: x\" } }\npriority: { high: { high: ~ } }\n")
	f.Add("chat: { slack: { announce: #x, archive_after: never } }\ncatch_all: room:slack:#ops\n")
	f.Add("chat:\n  slack: { announce: \"\" }\nteams: [{ id: a, slack: S0123456 }]\nseverities: { SEV1: { invite: [log, team:a, [b]] } }\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, faults := config.Parse("t.yaml", []byte(text), config.Options{
			Platforms:  platformTable(),
			Getenv:     func(name string) string { return strings.Repeat("x", len(name)%2) },
			CheckRoute: func(alerts.Route) error { return nil },
			Sections:   map[string]any{"pagers.email": &mailSection{}, "chat.slack": &chatSection{Announce: "#incidents"}},
		})
		if (file == nil) != (len(faults) > 0) || len(faults) > 50 {
			t.Fatalf("file %v, %d faults", file, len(faults))
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Message == "" || strings.ContainsAny(fault.Message, "\n\r") {
				t.Errorf("cannot be shown: %#v", fault)
			}
		}
		if !slices.IsSortedFunc(faults, func(a, b config.Fault) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		}) {
			t.Errorf("not by position: %v", faults)
		}
		if file != nil {
			o := file.Organization
			if len(o.Policies) == 0 || len(o.Integrations) == 0 || o.Zone == nil {
				t.Errorf("incomplete: %+v", o)
			}
		}
	})
}
