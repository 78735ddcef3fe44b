package commands_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/commands"
	"tocsin/workflow"
)

// dashes are what telephones, word processors and keyboards of other scripts make of "--".
func dashes() []string {
	return []string{
		"--", "-", "—", "–", "——", "––", "−", "−−", "‐‐", "‑‑", "‒‒", "―", "⁃⁃", "﹣﹣", "－－", "﹘", "ーー", "ｰｰ", "━━", "➖➖", "-–", "—-", "---",
		"-\u200b-", "\u200b--", "--\u200b", "\u00ad--", "\ufeff—", "—\u2060", "\u200e--", "-\x00-", "--\xff",
	}
}

// TestC1Dashes: at the place of a flag, any dashes before a known word make a flag, whatever
// a telephone has made of them (C1: what looks like a flag is one or is refused).
func TestC1Dashes(t *testing.T) {
	for _, dash := range dashes() {
		for _, line := range []string{
			"declare Data leak %private %sev 1", "declare %private %sev 1 Data leak", "declare Data %PRIVATE leak %Sev=1", "declare Data leak %private, %sev: 1",
			"declare\u00a0Data\u3000leak %ｐｒｉｖａｔｅ\u202f%sev\u00a0１", "declare “Data leak”%private %sev＝1", "`declare Data leak %private %sev 1`",
			"```\ndeclare Data leak %private %sev 1\n```", "/incident `declare Data leak %private %sev 1`", "*declare* Data leak `%private` `%sev 1`", "declare Data leak `%private` `%sev`=1",
			"Ｄｅｃｌａｒｅ Data leak %pri\u200bvate %sev 1", "declare Data leak %prıvate %sev SEV１", "declare Data leak %PRİVATE %sev “1”", "declare Data leak\u200b%private %sev '1'",
			"\u200b/incident declare Data leak %private %sev ‘1’", "\ufeff`declare Data leak %private %sev 1`\u00a0",
		} {
			if line = strings.ReplaceAll(line, "%", dash); strings.Contains(line, "`=1") {
				continue
			}
			call, err := commands.New().Parse(line, testContext(""))
			if d, _ := call.Command.(workflow.Declare); err != nil || d.Title != "Data leak" || !d.Private || d.Severity != workflow.SEV1 {
				t.Errorf("%q: %+v %v", line, call.Command, err)
			}
		}
		call, err := commands.New().Parse("update INC‑7 "+dash+"to support "+dash+"next 30m Better "+dash+"status “monitoring”", testContext(""))
		want := workflow.PostUpdate{Text: "Better", Audience: "support", Next: 30 * time.Minute, Status: workflow.Monitoring}
		if err != nil || call.Incident != "INC-7" || cmp.Diff(want, call.Command) != "" {
			t.Errorf("update with %q: %+v %v", dash, call, err)
		}
	}
}

// TestC1Refused: what may have meant a flag, and above all --private, is refused with what
// would be right, and not made part of a title.
func TestC1Refused(t *testing.T) {
	for line, want := range map[string]string{
		"declare Leak —privat":                                  "Did you mean --private?",
		"declare Leak —privaté":                                 "Did you mean --private?",
		"declare Leak –рrivate":                                 "Did you mean --private?", // its first letter is Cyrillic
		"declare Leak --public":                                 "has no option --public. If it is part of the title, put the title in quotes",
		"declare Leak —slow":                                    "put the title in quotes: `declare \"…\"`",
		"declare Leak — private":                                `"— private" may mean --private`,
		"declare Leak -- private":                               "may mean --private",
		"declare -- private Leak":                               "may mean --private",
		"declare — Private: Leak":                               "may mean --private",
		"declare Leak —\u200b private":                          "may mean --private",
		"declare Leak (--private)":                              "may mean --private: write that by itself",
		"declare Leak *—private*":                               "may mean --private",
		"declare Leak “--private":                               "may mean --private",
		"declare Leak —“private”":                               "may mean --private",
		"declare Leak '--private'":                              "may mean --private",
		"declare Leak, \"of —private data\" too":                "outside the quotes",
		"declare Leak,--private":                                "write a space before it",
		"declare 🔥—private":                                     "write a space before it",
		"declare Leak.—sev 1":                                   "may mean --sev",
		"declare Leak——private data":                            "may mean --private",
		"declare Leak--sev 1":                                   "may mean --sev",
		"declare Leak—private":                                  "may mean --private",
		"declare Leak—private.":                                 "may mean --private",
		"declare Leak --private=no":                             "--private takes no value",
		"close INC-7 —force=false":                              "--force takes no value",
		"declare Leak --description --private":                  "--description needs a value",
		"declare Leak --description=—private":                   "looks like an option",
		"declare Leak --symptom -x":                             "looks like an option",
		"declare Leak --description “it is":                     "begins with a quote that is not closed",
		"declare Leak --description='it is":                     "begins with a quote that is not closed",
		"declare Leak --description=\"a":                        "begins with a quote that is not closed",
		"declare X --symptom 'tis --private of users' data":     "may mean --private",
		"ack INC-7 —force":                                      "`ack` has no option --force",
		"private INC-7 —off":                                    "`private` has no option --off",
		"update INC-7 —nexts 30m Better":                        "Did you mean --next?",
		"update INC-7 --stats are fine":                         "write -- before the text: `update -- …`",
		"update INC-7 Better --next":                            "--next needs a value",
		"update INC-7 \"Better\" --next 1h —to support":         "--to counts only before the text",
		"edit INC-7 --title “Payments":                          "not closed",
		"declare " + strings.Repeat("x", 70<<10) + " --private": "too long",
	} {
		_, err := commands.New().Parse(line, testContext(""))
		if refusal, ok := errors.AsType[*workflow.Refusal](err); !ok || !strings.Contains(refusal.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", line, err, want)
		}
	}
}

// TestC1Title: dashes of prose, and what is said to be text, stay in a title.
func TestC1Title(t *testing.T) {
	for line, want := range map[string]string{
		"declare Checkout — slow in EU":                 "Checkout — slow in EU",
		"declare Checkout - slow -- in EU":              "Checkout - slow -- in EU",
		"declare EU—private cloud is slow":              "EU—private cloud is slow",
		"declare Self-service and e‑mail fail":          "Self-service and e‑mail fail",
		"declare -5 °C in the cold store –3%":           "-5 °C in the cold store –3%",
		"declare Load -> 100%":                          "Load -> 100%",
		"declare \"Docs miss --private\"":               "Docs miss --private",
		"declare “Docs miss —sev” --sev 2":              "Docs miss —sev",
		"declare «Docs miss --sev» --sev 2":             "Docs miss --sev",
		"declare -- --sev is not in the docs":           "--sev is not in the docs",
		"declare --sev 2 -- -rf was run":                "-rf was run",
		"declare Users' data and the '90s site":         "Users' data and the '90s site",
		"declare コーヒー is down":                          "コーヒー is down",
		"declare Сервис —недоступен":                    "Сервис —недоступен",
		"declare “He said " + `"hi"` + " and left” too": `“He said "hi" and left” too`,
		"declare The `api` is down":                     "The `api` is down",
		"declare Job *-prod failed":                     "Job *-prod failed",
	} {
		call, err := commands.New().Parse(line, testContext(""))
		if d, _ := call.Command.(workflow.Declare); err != nil || d.Title != want || d.Private {
			t.Errorf("%q: %q %v, want %q", line, d.Title, err, want)
		}
	}
}

// TestC1Quotes: the value of a flag may be in quotes of any kind, and nothing of it spills into
// the title.
func TestC1Quotes(t *testing.T) {
	for _, quotes := range []string{`""`, "“”", "””", "„“", "„”", "«»", "''", "‘’", "‚‘", "’’", "``", "＂＂", "′′"} {
		q := []rune(quotes)
		for _, flag := range []string{"--description=", "--description ", "—description＝", "–description "} {
			value := "it's slow — 'very' since noon"
			line := "declare Checkout " + flag + string(q[0]) + value + string(q[1]) + " —private is down"
			if quotes == "′′" { // no quotes
				line, value = "declare Checkout "+flag+"′tis —private is down", "′tis"
			}
			if strings.ContainsRune(quotes, '\'') || strings.ContainsAny(quotes, "‘’") {
				value = strings.ReplaceAll(value, "'very'", "very")
				line = strings.ReplaceAll(line, "'very'", "very")
			}
			call, err := commands.New().Parse(line, testContext(""))
			if d, _ := call.Command.(workflow.Declare); err != nil || d.Title != "Checkout is down" || d.Description != value || !d.Private {
				t.Errorf("%q: %+v %v", line, call.Command, err)
			}
		}
	}
}

// pasted is output of other programs, as people paste it into notes and updates.
func pasted() []string {
	return []string{
		"--force was used", "We ran kubectl get pods --all --to public -o wide", "x --to public", "x\n--to public", "x —to public", "curl --next x --pin --status",
		"NAME   READY\n  api  1/1   --pin\n\tdb   0/1 ", "   NAME   READY\n   api    1/1", "| a | b |\n|---|---|\n| “1” | 'two' |", "--- a/file\n+++ b/file\n@@ -1 +1 @@",
		"-rw-r--r-- 1 root", "- first\n- second", "-- SELECT 1;\n-- done", "He said “hi”  and 'left'", "ran `tool --pin`", "```\n$ tool --status resolved\n```",
		"`tool --next 30m`", "a  b\r\nc\t\td", "see INC-9 --to", "\"a\" and \"b\"", "日本語　ーーｔｏ public", "—slow since noon", "(--status resolved)",
	}
}

// TestC2PastedText: the text of a note and an update is kept as it is, byte for byte, whatever
// it contains, and sets nothing (C2: pasted text is kept as it is).
func TestC2PastedText(t *testing.T) {
	for _, text := range pasted() {
		want := strings.TrimSpace(text)
		if text[0] == ' ' {
			want = strings.TrimRight(text, " ")
		}
		for _, sep := range []string{" ", "\n", "\u00a0\n"} {
			if text[0] == ' ' && sep == " " {
				continue
			}
			call, err := commands.New().Parse("update INC-7"+sep+text, testContext(""))
			if diff := cmp.Diff(workflow.Command(workflow.PostUpdate{Text: want}), call.Command); (err != nil || diff != "") && !strings.Contains(text, "--status") {
				t.Errorf("update %q: %v %s", text, err, diff)
			}
			call, err = commands.New().Parse("note INC-7"+sep+text, testContext(""))
			if diff := cmp.Diff(workflow.Command(workflow.AddNote{Text: want}), call.Command); (err != nil || diff != "") && !strings.HasSuffix(strings.TrimSpace(text), "--pin") {
				t.Errorf("note %q: %v %s", text, err, diff)
			}
		}
	}
	if call, err := commands.New().Parse("note (INC-9) and INC-8, too", testContext("INC-7")); err != nil || call.Incident != "INC-7" {
		t.Errorf("a note that begins with an incident in brackets is for %s: %v", call.Incident, err)
	}
	for line, want := range map[string]workflow.Command{
		"update INC-7 --next 1h a --next b --status monitoring": workflow.PostUpdate{Text: "a --next b", Next: time.Hour, Status: workflow.Monitoring},
		"update --to ops INC-7 a --to b --next 1h":              workflow.PostUpdate{Text: "a --to b", Audience: "ops", Next: time.Hour},
		"update INC-7 -- --to b --next 1h":                      workflow.PostUpdate{Text: "--to b --next 1h"},
		"update INC-7 -- a --next 1h":                           workflow.PostUpdate{Text: "a --next 1h"},
		"update INC-7 \"--to b\"":                               workflow.PostUpdate{Text: "--to b"},
		"note `INC-7`: (INC-9) caused it":                       workflow.AddNote{Text: "(INC-9) caused it"},
		"note INC-7 a\n  b\n—pin":                               workflow.AddNote{Text: "a\n  b", Pin: true},
		"note INC-7 --pin -- --pin":                             workflow.AddNote{Text: "--pin", Pin: true},
		"resolve INC-7 git push --force\n\tdone":                workflow.Resolve{Text: "git push --force\n\tdone"},
		"task INC-7 Drop the --for loop --for @ana":             workflow.AddActionItem{Text: "Drop the --for loop", Assignee: "ana"},
		"cause INC-7 rm  -rf --no-preserve-root":                workflow.SetCause{Text: "rm  -rf --no-preserve-root"},
		"page INC-7 @ben run  --all\n now":                      workflow.Page{Targets: []workflow.Target{"person:ben"}, Text: "run  --all\n now"},
	} {
		call, err := commands.New().Parse(line, testContext(""))
		if diff := cmp.Diff(want, call.Command); err != nil || diff != "" || call.Incident != "INC-7" {
			t.Errorf("%q: %v %s", line, err, diff)
		}
	}
}

// TestC3Lists: commas of any script, and "and", stand between people.
func TestC3Lists(t *testing.T) {
	both := []workflow.Target{"person:ana", "person:ben"}
	for _, people := range []string{"@ana, @ben", "@ana,@ben", "@ana ,@ben", "@ana , @ben", "@ana،@ben", "@ana，@ben", "@ana、 @ben,", "@ana; @ben", "@ana and @ben", "@ana & @ben:"} {
		call, err := commands.New().Parse("page INC-7 "+people+" please, come", testContext(""))
		if diff := cmp.Diff(workflow.Command(workflow.Page{Targets: both, Text: "please, come"}), call.Command); err != nil || diff != "" {
			t.Errorf("page %s: %v %s", people, err, diff)
		}
		call, err = commands.New().Parse("invite INC-7 "+people, testContext(""))
		if diff := cmp.Diff(workflow.Command(workflow.Invite{People: []string{"ana", "ben"}}), call.Command); err != nil || diff != "" {
			t.Errorf("invite %s: %v %s", people, err, diff)
		}
	}
}
