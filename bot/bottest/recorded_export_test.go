package bottest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/intake"
	"tocsin/bot/jobs"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

const exportFile = "testdata/export.jsonl"

var recordExport = flag.Bool("record-export", false, "write "+exportFile+" anew; before the first release only")

// at returns an instant of the recorded export.
func at(seconds int) time.Time { return bottest.Epoch.Add(time.Duration(seconds) * time.Second) }

// recordedLine returns a line of workflow/testdata/recorded, from 0.
func recordedLine(t *testing.T, file string, n int) []byte {
	t.Helper()
	text, err := os.ReadFile("../../workflow/testdata/recorded/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))[n]
}

// recordBodies are the bodies of the recorded records, by kind and ID.
func recordBodies() [][3]string {
	return [][3]string{
		{"attempt", "INC-7/3.0", `process-a`},
		{"card", "INC-7/slack/C0EXAMPLE7", `{"ref":"1772420400.000100","hash":"3f1c","at":"2026-03-02T03:00:02Z","by":"process-a"}`},
		{"cursor", "payments/1", `2`},
		{"dead-letter", "20260302T030400.000000-5d41402a", `{"id":"20260302T030400.000000-5d41402a","at":"2026-03-02T03:04:00Z","integration":"alertmanager","reason":"the body is not JSON","truncated":true,"size":5}`},
		{"dead-letter-body", "20260302T030400.000000-5d41402a", "\x00\xffoops"},
		{"job", "deadman", `{"spec":"@every 1m","effective_at":"2026-03-02T02:00:00Z","slot":"2026-03-02T03:00:00Z","at":"2026-03-02T03:00:00Z","started_at":"2026-03-02T03:00:01Z","finished_at":"2026-03-02T03:00:02Z","leased_until":"2026-03-02T03:01:01Z","retry_at":"2026-03-02T03:02:00Z","by":"process-a","attempts":2,"outcome":"done","note":"pinged","sent":["deadman/2026-03-02T03:00:00Z/0"]}`},
		{"plan", "0123456789abcdef", `{"policy":"payments","fallback":"everyone","catch_all":"log","policies":[{"id":"payments","steps":[{"notify":["person:ana"],"wait":300000000000,"round_robin":true}],"repeat":3,"fallback":"everyone"},{"id":"everyone","steps":[{"notify":["team:payments"],"wait":600000000000}]}],"severities":{"SEV1":{"name":"Critical","definition":"Customers cannot pay","urgency":"high","acknowledge":300000000000,"update":1800000000000,"invite":["person:cleo"]}},"checklist":["The graphs are back to normal"],"rules":{"reopen_window":86400000000000,"resolve_after":1800000000000,"restart_after":60000000000,"quiet_after":3600000000000,"stale_after":1800000000000,"remind_every":900000000000}}`},
		{"room", "INC-7/slack/C0EXAMPLE7", ``},
		{"room", "slack/C0EXAMPLE7", `INC-7`},
		{"session", "9f86d081884c7d65", `{"person":"ana","name":"Ana","access":3,"token":"ci","chosen":true,"zone":"Europe/Vienna","browser":"Firefox","from":"192.0.2.7","started_at":"2026-03-02T03:00:00Z","expires_at":"2026-03-02T15:00:00Z"}`},
		{"sign-in", "2c26b46b68ffc68f", `{"person":"ana","name":"Ana","access":3,"token":"ci","to":"/incidents/INC-7","expires_at":"2026-03-02T03:15:00Z","used_at":"2026-03-02T03:01:00Z"}`},
		{"sign-in-mail", "ana", `2026-03-02T03:00:00Z`},
		{"slack-group", "S0EXAMPLE1", `[{"user":"U0EXAMPLE1","person":"ana"},{"user":"U0EXAMPLE2"}]`},
	}
}

// laterRecordBodies are those of kinds that came later: each has version 1, so that the
// lines that were recorded before stay as they are.
func laterRecordBodies() [][3]string {
	return [][3]string{
		{"installation", "mark", `0a1b2c3d`},
		{"slack-account", "U0EXAMPLE1", `ana@example.com`},
		{"slack-account", "email:ana@example.com", `U0EXAMPLE1`},
	}
}

// exportItems builds the items of the recorded export.
func exportItems(t *testing.T) []bot.ArchiveItem {
	t.Helper()
	encode := func(v any) []byte {
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	all := []bot.ArchiveItem{{Key: "counter", Counter: new(12)}}
	for n, r := range recordBodies() {
		all = append(all, bot.ArchiveItem{Key: "record/" + r[0] + "/" + r[1], Record: &bot.Record{Kind: r[0], ID: r[1], Version: n + 1, Body: []byte(r[2])}})
	}
	for _, r := range laterRecordBodies() {
		all = append(all, bot.ArchiveItem{Key: "record/" + r[0] + "/" + r[1], Record: &bot.Record{Kind: r[0], ID: r[1], Version: 1, Body: []byte(r[2])}})
	}
	slices.SortStableFunc(all[1:], func(a, b bot.ArchiveItem) int { return strings.Compare(a.Record.Kind, b.Record.Kind) })
	stub, err := alerts.EncodeStub(workflow.Declare{Title: "Disk full on db-2", Source: workflow.SourceAlert, Severity: workflow.SEV2, Group: "disk"})
	if err != nil {
		t.Fatal(err)
	}
	mail := func(seq int, m workflow.Mail) bot.StoredMail { return bot.StoredMail{Seq: seq, Body: encode(m)} }
	sample := workflow.Alert{Key: "k1", Integration: "alertmanager", Title: "Checkout fails", Severity: workflow.SEV1, Word: "page", Resolved: true, At: at(60), Link: "https://alerts.example.com/k1"}
	message := func(key string, seq int, m bot.Message) bot.StoredMessage {
		return bot.StoredMessage{Key: key, Seq: seq, Body: encode(m)}
	}
	open := bot.ArchivedIncident{
		Number: 7, Version: 4, Open: true, Previous: "INC-3", Changed: at(70), WakeAt: at(300), ReadSeq: 1, ReadAt: at(65), Body: recordedLine(t, "incidents.jsonl", 0),
		Mail: []bot.StoredMail{
			mail(1, workflow.Mail{At: at(60), Started: 2, Worst: workflow.SEV1, Samples: []workflow.Alert{sample}}),
			mail(2, workflow.Mail{At: at(66), Refired: 1, Ended: 3, Worst: workflow.SEV2, Truncated: 4, Unmapped: []string{"odd"}}),
		},
		Messages: []bot.StoredMessage{
			message("slack/C0EXAMPLE7/1772420401.000200", 1, bot.Message{At: at(61), Person: "ana", Name: "Ana", Text: "<hello> & \u2028 goodbye", Via: "slack", Edited: true, Deleted: true}),
			message("INC-7/2.1", 2, bot.Message{At: at(62), Name: "Tocsin", Text: "Ben acknowledged.", Event: 2, Through: 3}),
		},
		Tasks: []bot.Task{
			{ID: "INC-7/3.0", Owner: "INC-7", Lane: workflow.Lane{Class: workflow.ClassPage, Destination: "ana/email"}, Due: at(90), Attempt: 2, Body: recordedLine(t, "actions.jsonl", 1)},
			{ID: "INC-7/4.0", Owner: "INC-7", Lane: workflow.Lane{Class: workflow.ClassUpdate, Destination: "slack"}, Due: at(80), Body: recordedLine(t, "actions.jsonl", 2)},
			{ID: "card", Owner: "INC-7", Lane: workflow.Lane{Class: workflow.ClassCard, Destination: "slack"}, Due: at(81), Rev: 9, Body: recordedLine(t, "actions.jsonl", 3)},
		},
	}
	for n := range 5 {
		open.Events = append(open.Events, bot.StoredEvent{Seq: n + 1, Body: recordedLine(t, "events.jsonl", n)})
	}
	closed := bot.ArchivedIncident{
		Number: 3, Version: 2, Changed: at(50), Body: recordedLine(t, "incidents.jsonl", 2),
		Events:   []bot.StoredEvent{{Seq: 1, Body: recordedLine(t, "events.jsonl", 1)}},
		Messages: []bot.StoredMessage{message("web/1", 1, bot.Message{At: at(40), Person: "ben", Name: "Ben", Text: "It works again."})},
	}
	reserved := bot.ArchivedIncident{Number: 10, Open: true, Body: stub, Mail: []bot.StoredMail{mail(1, workflow.Mail{At: at(100), Started: 1, Worst: workflow.SEV2})}}
	for _, i := range []bot.ArchivedIncident{closed, open, reserved} {
		all = append(all, bot.ArchiveItem{Key: "incident/" + strings.TrimPrefix(workflow.ID(i.Number), "INC-"), Incident: &i})
	}
	for _, g := range []bot.ArchivedGroup{{Key: "checkout", Owner: "INC-7", Always: true}, {Key: "disk", Owner: "INC-10", Always: true}, {Key: "login", Owner: "INC-3", HoldUntil: at(90000)}} {
		all = append(all, bot.ArchiveItem{Key: "group/" + g.Key, Group: &g})
	}
	for _, a := range []bot.ArchivedAlert{
		{Integration: "alertmanager", Key: "k1", Row: alerts.Row{
			Incident: "INC-7", Group: "checkout", Firing: true, Severity: workflow.SEV1, EventAt: at(59), AppliedAt: at(60), SeenAt: at(120),
			Alert: alerts.Alert{
				Key: "k1", State: alerts.Firing, Title: "Checkout fails", Description: "5 % of requests fail", Severity: "page", StartedAt: at(59), EndedAt: at(60),
				Labels: map[string]string{"service": "checkout"}, Annotations: map[string]string{"summary": "Checkout fails"}, Link: "https://alerts.example.com/k1",
				Runbook: "https://wiki.example.com/checkout", Truncated: 4, Note: "the field \"x\" was ignored",
			},
		}},
		{Integration: "alertmanager", Key: "k2", Row: alerts.Row{Incident: "INC-3", Group: "login", EventAt: at(30), AppliedAt: at(31), SeenAt: at(31), Alert: alerts.Alert{Key: "k2", State: alerts.Resolved}}},
		{Integration: "alertmanager", Key: "k3", Row: alerts.Row{
			Incident: "INC-3", Group: "login", EventAt: at(30), AppliedAt: at(31), SeenAt: at(31), Alert: alerts.Alert{Key: "k3", State: alerts.Resolved},
			Memory: alerts.Memory{EarlierStart: at(10), EarlierEnd: at(30), Held: &alerts.HeldNotice{Since: at(32), Arrival: alerts.Arrival{
				Integration: "alertmanager", Group: "login", Severity: workflow.SEV3, Word: "odd",
				Alert: alerts.Alert{Key: "k3", State: alerts.Firing, StartedAt: at(10)},
			}, Stub: stub}},
		}},
	} {
		all = append(all, bot.ArchiveItem{Key: "alert/" + a.Integration + "\x00" + a.Key, Alert: &a})
	}
	for _, o := range []bot.ArchivedOperation{{ID: "slack/trigger-1", At: at(60), Reply: []byte(`{"text":"Acknowledged."}`)}, {ID: "web/2", At: at(61)}} {
		all = append(all, bot.ArchiveItem{Key: "operation/" + o.ID, Operation: &o})
	}
	return all
}

// TestRecordedExport: the recorded export is what this build writes, with the same JSON
// names, and every field of an item has a value in it.
func TestRecordedExport(t *testing.T) {
	items := exportItems(t)
	var text []byte
	for _, item := range items {
		line, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	if *recordExport {
		if err := os.WriteFile(exportFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(exportFile)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(string(recorded), "\n"), strings.Split(string(text), "\n")
	for n := range max(len(want), len(got)) {
		if n >= len(want) || n >= len(got) || want[n] != got[n] {
			t.Fatalf("line %d differs from %s; if its format may still change, run: go test ./bot/bottest -run TestRecordedExport -record-export\nrecorded: %.300s\nnow:      %.300s",
				n+1, exportFile, strings.Join(want[min(n, len(want)):min(n+1, len(want))], ""), strings.Join(got[min(n, len(got)):min(n+1, len(got))], ""))
		}
	}
	set := map[string]bool{}
	for _, item := range items {
		visitFields(reflect.ValueOf(item), set)
	}
	for name, hasValue := range set {
		if !hasValue {
			t.Errorf("the field %s has no value in the recorded export: add one to exportItems", name)
		}
	}
}

// visitFields notes for each JSON field of v, and of the structs in it, whether it has a
// value.
func visitFields(v reflect.Value, set map[string]bool) {
	switch v.Kind() { //nolint:exhaustive // the others have no fields
	case reflect.Pointer:
		if !v.IsNil() {
			visitFields(v.Elem(), set)
		}
	case reflect.Slice:
		for n := range v.Len() {
			visitFields(v.Index(n), set)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for n := range v.NumField() {
			field := v.Type().Field(n)
			if tag := field.Tag.Get("json"); tag == "-" || !field.IsExported() {
				continue
			}
			name := v.Type().Name() + "." + field.Name
			set[name] = set[name] || !v.Field(n).IsZero()
			visitFields(v.Field(n), set)
		}
	}
}

// TestRecordedBodies: this build encodes the bodies of the recorded records, messages and
// mail with the same JSON names.
func TestRecordedBodies(t *testing.T) {
	types := map[string]func() any{
		"dead-letter": func() any { return &intake.DeadLetter{} }, "job": func() any { return &jobs.Run{} }, "plan": func() any { return &workflow.Plan{} },
		"session": func() any { return &signin.Session{} }, "sign-in": func() any { return &signin.Link{} },
		"message": func() any { return &bot.Message{} }, "mail": func() any { return &workflow.Mail{} }, "stub": func() any { return &alerts.Stub{} },
	}
	check := func(kind string, body []byte) {
		t.Helper()
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		value := types[kind]()
		if err := d.Decode(value); err != nil {
			t.Errorf("decode a recorded %s: %v", kind, err)
			return
		}
		if again, err := json.Marshal(value); err != nil || !bytes.Equal(again, body) {
			t.Errorf("a recorded %s is encoded differently, %v:\nrecorded: %s\nnow:      %s", kind, err, body, again)
		}
	}
	seen := map[string]bool{}
	for _, item := range exportItems(t) {
		if r := item.Record; r != nil && types[r.Kind] != nil {
			check(r.Kind, r.Body)
			seen[r.Kind] = true
		}
		if i := item.Incident; i != nil {
			for _, m := range i.Mail {
				check("mail", m.Body)
			}
			for _, m := range i.Messages {
				check("message", m.Body)
			}
			if i.Version == 0 {
				check("stub", i.Body)
				seen["stub"] = true
			}
			seen["mail"], seen["message"] = seen["mail"] || len(i.Mail) > 0, seen["message"] || len(i.Messages) > 0
		}
	}
	for kind := range types {
		if !seen[kind] {
			t.Errorf("no %s is recorded", kind)
		}
	}
	kinds := []string{}
	for _, r := range recordBodies() {
		kinds = append(kinds, r[0])
	}
	for _, kind := range bot.OwnedKinds() {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no record of kind %s is recorded", kind)
		}
	}
}
