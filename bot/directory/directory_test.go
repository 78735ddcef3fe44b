package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/bot/directory"
	"tocsin/workflow"
)

func sampleDirectory() directory.Directory {
	return directory.Directory{
		People: []directory.Person{
			{ID: "ana", Name: "Ana Silva", Email: "ana@example.com", High: []directory.Method{
				{Via: "sms", To: "1"}, {Via: "sms", To: "2", After: time.Minute}, {Via: "email", After: 2 * time.Minute},
			}, Low: []directory.Method{{Via: "email"}}},
			{ID: "ben", Name: "Ben Okafor", Email: "ben@example.com"},
			{ID: "cleo", Name: "Cleo"},
		},
		Teams:    []directory.Team{{ID: "all", Members: []string{"ana", "ben", "gone"}}, {ID: "empty"}},
		Webhooks: []string{"noc"},
		Pagers:   []string{"email", "sms", "log"},
	}
}

func TestAnswer(t *testing.T) {
	r := sampleDirectory()
	email := []workflow.Method{{Key: "email"}}
	for target, want := range map[workflow.Target][]workflow.Recipient{
		"person:ana": {{ID: "ana", Name: "Ana Silva", High: []workflow.Method{
			{Key: "sms"}, {Key: "sms#2", After: time.Minute}, {Key: "email", After: 2 * time.Minute},
		}, Low: email}},
		"person:ben":  {{ID: "ben", Name: "Ben Okafor", High: email, Low: email}},
		"person:cleo": {{ID: "cleo", Name: "Cleo", High: nil, Low: nil}},
		"webhook:noc": {{ID: "webhook:noc", Name: "noc", High: []workflow.Method{{Key: "webhook"}}, Low: []workflow.Method{{Key: "webhook"}}}},
	} {
		if diff := cmp.Diff(want, r.Resolve(target).Recipients); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
	if got := r.Resolve("team:all").Recipients; len(got) != 2 {
		t.Errorf("team: %+v", got)
	}
	for target, why := range map[workflow.Target]string{
		"person:zoe": "no person zoe", "team:nope": "no team nope", "team:empty": "no members", "webhook:x": "no webhook x", "schedule:s": "cannot be paged",
	} {
		if a := r.Resolve(target); len(a.Recipients) > 0 || !strings.Contains(a.Why, why) {
			t.Errorf("%s: %+v", target, a)
		}
	}
}

// TestContact: addresses are read when the page is sent.
func TestContact(t *testing.T) {
	r := sampleDirectory()
	for _, c := range []struct {
		to, key string
		urgency workflow.Level
		want    directory.Contact
	}{
		{"ana", "sms#2", workflow.High, directory.Contact{Person: "ana", Name: "Ana Silva", Via: "sms", Address: "2"}},
		{"ana", "email", workflow.Low, directory.Contact{Person: "ana", Name: "Ana Silva", Via: "email", Address: "ana@example.com"}},
		{"ana", "sms", workflow.Low, directory.Contact{Person: "ana", Name: "Ana Silva", Via: "sms", Address: "1"}}, // planned before the severity fell
		{"webhook:noc", "webhook", workflow.High, directory.Contact{Person: "webhook:noc", Name: "noc", Via: "webhook", Address: "noc"}},
		{"log", "log", workflow.High, directory.Contact{Person: "log", Name: "the log", Via: "log"}},
	} {
		got, err := r.Contact(c.to, c.key, c.urgency)
		if err != nil || got != c.want {
			t.Errorf("%s %s: %+v %v", c.to, c.key, got, err)
		}
	}
	for _, bad := range [][2]string{{"zoe", "email"}, {"ben", "sms"}, {"ben", "slack"}, {"room:discord:ops", "discord"}} {
		if _, err := r.Contact(bad[0], bad[1], workflow.High); err == nil {
			t.Errorf("%v has a contact", bad)
		}
	}
}

func TestFind(t *testing.T) {
	r := sampleDirectory()
	for handle, want := range map[string]string{"@ana": "ana", "Ana Silva": "ana", "BEN@example.com": "ben", "ben": "ben", "zoe": "", "": ""} {
		if p, _ := r.Find(handle); p.ID != want {
			t.Errorf("%q finds %q, want %q", handle, p.ID, want)
		}
	}
}

// TestC3Names: a person and a team are found by their name in any form, and a name that means
// several finds no one (C3: a name in another form is the same name).
func TestC3Names(t *testing.T) {
	r := directory.Directory{
		People: []directory.Person{
			{ID: "jose", Name: "José Núñez"},
			{ID: "gross", Name: "Gabi Groß"},
			{ID: "isik", Name: "Işık İnce"},
			{ID: "brien", Name: "Pat O'Brien"},
			{ID: "luc", Name: "Jean-Luc"},
			{ID: "mueller", Name: "Müller"},
			{ID: "muller", Name: "Muller"},
			{ID: "lee1", Name: "Kim Lee"},
			{ID: "lee2", Name: "KIM  LEE"},
			{ID: "haruka", Name: "ガク"},
			{ID: "kaku", Name: "カク"},
		},
		Teams: []directory.Team{{ID: "db", Name: "Datenbänke"}, {ID: "web"}},
	}
	for typed, want := range map[string]string{
		"Jose\u0301 Nu\u0301n\u0303ez": "jose", "JOSÉ NÚÑEZ": "jose", "jose nunez": "jose", "＠ｊｏｓｅ": "jose", "@José\u00a0Núñez": "jose", "Jo\u200bsé Núñez": "jose", "JOSE": "jose",
		"gabi GROSS": "gross", "Gabi Gro\u00df": "gross", "GABI GROẞ": "gross",
		"IŞIK İNCE": "isik", "ışık ince": "isik", "Is\u0327ik I\u0307nce": "isik", "isik ince": "isik",
		"Pat O’Brien": "brien", "pat oʼbrien": "brien", "Jean‑Luc": "luc", "jean–luc": "luc", "ℒuc": "luc",
		"Mu\u0308ller": "mueller", "MULLER": "muller", "müller": "mueller",
		"ｶﾞｸ": "haruka", "カク": "kaku", "kim lee": "", "@kim lee": "", "lee1": "lee1", "": "", "@": "", "\u200b": "",
	} {
		if p, _ := r.Find(typed); p.ID != want {
			t.Errorf("%q finds %q, want %q", typed, p.ID, want)
		}
	}
	if all := r.Matches("Kim Lee"); len(all) != 2 {
		t.Errorf("%d people are called Kim Lee", len(all))
	}
	for _, typed := range []string{"db", "DB", "ＤＢ", "Datenba\u0308nke", "DATENBÄNKE", "datenbanke"} {
		if all := r.MatchTeams(typed); len(all) != 1 || all[0].ID != "db" {
			t.Errorf("%q finds %v", typed, all)
		}
	}
}
