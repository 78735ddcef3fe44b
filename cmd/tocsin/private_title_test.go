package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot/signin"
	"tocsin/commands"
)

// The words that only members of the private incidents may read.
const (
	declaredPrivate = "Quetzalcoatl" // never public
	madePrivate     = "Tezcatlipoca" // public at first
)

const titlesConfig = `
url: https://tocsin.example.com
default_access: $DEFAULT
people:
  - { id: ana, name: Ana Silva, access: admin, slack: $ANA, notify: { high: [{ via: slack }], low: [{ via: slack }] } }
  - { id: ben, name: Ben Okafor, access: admin }
  - { id: eve, name: Eve Costa, access: $ACCESS, slack: $EVE, notify: { high: [{ via: slack }], low: [{ via: slack }] } }
teams: [{ id: night, slack: $NIGHT }]
tokens:
  - { name: for-eve, token_env: EVE_TOKEN, access: admin, as: eve }
  - { name: for-zoe, token_env: ZOE_TOKEN, access: $ACCESS }
policies: [{ id: log, steps: [{ notify: [log], wait: 1m }, { notify: ["person:ana"], wait: 60m }] }]
default_policy: log
chat: { slack: { announce: "#general", archive_after: 1s } }
`

// TestP2EveryFront: no front shows a person who is not a member a word of a private
// incident: of one that was declared private from the start, also not in the log, and of
// one that is made private later from then on (P2: private means members only).
func TestP2EveryFront(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	in := startInstallation(t, titlesConfig, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	in.configure(relation{speaker: "eve"}, commands.Admin)
	const key = "5d0f6b6e"
	declare := func() string {
		return in.zoeSays("declare "+madePrivate+" reported --sev 2", key)
	}
	if got := declare(); !strings.Contains(got, "INC-1") {
		t.Fatal(got)
	}
	in.say(
		"declare Checkout is down --sev 2",                        // INC-2
		"declare "+madePrivate+" leaks --sev 2",                   // INC-3
		"declare "+declaredPrivate+" leaks --sev 2 --private",     // INC-4
		"declare "+madePrivate+" is a copy --sev 3",               // INC-5
		"declare Search is slow --sev 3",                          // INC-6
		"declare "+declaredPrivate+" is a copy --sev 2 --private", // INC-7
		"declare "+madePrivate+" has a copy --sev 3",              // INC-8
		"declare A copy --sev 3",                                  // INC-9
		"link INC-2 INC-3", "link INC-6 INC-4", "link INC-3 INC-2", "link INC-4 INC-2",
		"ack INC-8", "task INC-2 Watch", "ack INC-2", "lead INC-2",
	)
	for _, id := range []string{"INC-3", "INC-4"} {
		word := map[string]string{"INC-3": madePrivate, "INC-4": declaredPrivate}[id]
		in.say(
			"update "+id+" "+word+" is contained --next 2m", "note "+id+" "+word+" noted", "task "+id+" Call "+word, "followup "+id+" Ask "+word,
			"cause "+id+" "+word+" was open", "escalate "+id+" "+word+" is needed", "link "+id+" https://wiki.example.com/"+word+" "+word, "edit "+id+" --description "+word,
		)
	}
	in.until("rooms", func() bool {
		return in.channel("INC-3") != "" && in.channel("INC-2") != "" && in.channel("INC-8") != "" && in.channel("INC-5") != ""
	})
	in.run(20)
	for _, id := range []string{"INC-1", "INC-2", "INC-3", "INC-5", "INC-6", "INC-8"} {
		for _, name := range []string{"eve", "zoe", "yan"} {
			in.slack.Join(in.accounts[name], in.channel(id))
		}
	}
	in.say("merge INC-5 INC-2", "merge INC-6 INC-7", "merge INC-9 INC-8")
	in.run(10)
	_, list := in.exchange(in.signIn("eve"), http.MethodGet, "/", "", http.Header{})
	if slack := in.readSlack("eve"); !strings.Contains(slack, madePrivate) || !strings.Contains(list, madePrivate) {
		t.Fatalf("the test does not read what is public: %s\n%s", slack, list)
	}
	in.say("private INC-1", "private INC-3", "private INC-5", "private INC-8")
	in.run(30)
	before, answered := len(log.String()), len(in.slack.Ephemerals())
	in.say("update INC-3 "+madePrivate+" goes on", "update INC-4 "+declaredPrivate+" goes on", "severity INC-3 1", "severity INC-4 1", "page INC-3 @ana "+madePrivate, "update INC-2 We look")
	in.run(90) // an update is overdue
	check := func(when string) {
		t.Helper()
		eve := in.signIn("eve")
		await(t, 10*time.Second, "the list is read again", func() bool { // its browsers share what was read less than a third of a second ago
			_, list := in.exchange(eve, http.MethodGet, "/", "", http.Header{})
			return !strings.Contains(list, madePrivate)
		})
		for _, level := range []commands.Access{commands.Admin, commands.Responder, commands.Guest} {
			in.configure(relation{speaker: "eve"}, level)
			for _, who := range []string{"eve", "zoe"} {
				for where, text := range in.read(who) {
					in.search(when+": "+where+" for "+who+" with access "+level.String(), text, declaredPrivate, madePrivate)
				}
			}
		}
		in.search(when+": the answer that is repeated", declare(), madePrivate)
		in.search(when+": the log", log.String(), declaredPrivate)
		in.search(when+": the log", log.String()[before:], madePrivate)
		for _, e := range in.slack.Ephemerals()[answered:] {
			if e.User != in.accounts["ana"] {
				in.search(when+": an answer in Slack", e.Plain()+string(e.Blocks), declaredPrivate, madePrivate)
			}
		}
	}
	check("open")
	in.say("resolve INC-3 "+madePrivate+" is closed", "resolve INC-4 "+declaredPrivate+" is closed", "resolve INC-8 "+madePrivate+" too")
	in.run(20)
	check("resolved")
	in.say("reopen INC-3 "+madePrivate+" again", "reopen INC-4 "+declaredPrivate+" again")
	in.run(20)
	check("reopened")
}

// zoeSays gives a command by Zoe's token with an Idempotency-Key.
func (in *installation) zoeSays(line, key string) string {
	in.Helper()
	body, err := json.Marshal(map[string]string{"text": line})
	if err != nil {
		in.Fatal(err)
	}
	status, answer := in.exchange(http.DefaultClient, http.MethodPost, "/api/v1/commands", string(body), http.Header{"Authorization": {"Bearer the-token-of-zoe"}, "Idempotency-Key": {key}})
	return status + answer
}

// say gives commands as Ana.
func (in *installation) say(lines ...string) {
	in.Helper()
	for _, line := range lines {
		in.command("ana", line)
	}
}

// run runs the agenda for some seconds.
func (in *installation) run(seconds int) {
	in.Helper()
	runner := in.app.Agenda(0)
	for range seconds {
		if _, err := runner.Tick(in.Context()); err != nil {
			in.Fatal(err)
		}
		in.ahead.Add(int64(time.Second))
	}
}

// until runs the agenda until something is so.
func (in *installation) until(what string, so func() bool) {
	in.Helper()
	for range 60 {
		if so() {
			return
		}
		in.run(1)
	}
	in.Fatalf("it does not come to this: %s", what)
}

// search looks for private words in what an outsider reads.
func (in *installation) search(where, text string, words ...string) {
	in.Helper()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			in.Errorf("%s has a private word: …%s…", where, text[max(0, at-150):min(len(text), at+150)])
		}
	}
}

// read returns everything that an outsider reads, by the name of what it is.
func (in *installation) read(who string) map[string]string {
	in.Helper()
	all, browser := map[string]string{}, in.signIn(who)
	token := http.Header{"Authorization": {"Bearer the-token-of-" + who}}
	page := func(client *http.Client, path string, header http.Header) {
		status, answer := in.exchange(client, http.MethodGet, path, "", header)
		all["GET "+path] = status + answer
	}
	for _, path := range []string{"/", "/?show=all", "/?q=leaks", "/?show=all&q=" + madePrivate[:4], "/declare", "/sessions", "/complete?line=merge+INC-2+", "/complete?line=link+INC-2+", "/complete?line=show+", "/sign-in"} {
		page(browser, path, http.Header{})
	}
	for _, path := range []string{"/incidents", "/incidents?all=true", "/incidents?state=all", "/plans", "/jobs", "/deadletters"} {
		page(http.DefaultClient, "/api/v1"+path, token)
	}
	for n, id := range []string{"INC-1", "INC-2", "INC-3", "INC-4", "INC-5", "INC-6", "INC-7", "INC-8", "INC-9"} {
		page(browser, "/incidents/"+id, http.Header{})
		page(browser, "/incidents/"+id+"/timeline", http.Header{})
		for _, path := range []string{"", "/timeline", "/deliveries", "/timers"} {
			page(http.DefaultClient, "/api/v1/incidents/"+id+path, token)
		}
		link := in.app.PageLinks.Token(signin.PageLink{Incident: id, Person: "eve"})
		page(&http.Client{}, "/ack/"+link, http.Header{})
		words := []string{"show", "timeline", "timers", "who", "alerts", "web", "edit", "merge", "link INC-2", "verify", "policy", "task", "ack", "lead"}
		if n == 0 {
			words = append(words, "list", "list --all", "help")
		}
		for _, word := range words {
			line := word + " " + id
			if strings.HasPrefix(word, "list") || word == "help" || word == "web" {
				line = word
			}
			body, err := json.Marshal(map[string]string{"text": line})
			if err != nil {
				in.Fatal(err)
			}
			if !slices.Contains([]string{"ack", "lead", "link INC-2"}, word) || id == "INC-3" || id == "INC-4" { // what is hidden is not changed
				_, all["API: "+line] = in.exchange(http.DefaultClient, http.MethodPost, "/api/v1/commands", string(body), token)
				all["Slack: "+line] = string(in.slack.Slash(in.accounts[who], in.lobby, "/incident", line).Response)
			}
		}
	}
	for _, path := range []string{"/live", "/live?list=1", "/live?list=1&show=all", "/live?room=INC-2", "/live?room=INC-3", "/live?room=INC-4"} {
		all["GET "+path] = in.readLive(browser, path)
	}
	all["Slack"] = in.readSlack(who)
	return all
}

// readLive returns what a live page receives at first: all that it shows.
func (in *installation) readLive(browser *http.Client, path string) string {
	in.Helper()
	ctx, cancel := context.WithTimeout(in.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, in.url+path, http.NoBody)
	if err != nil {
		in.Fatal(err)
	}
	res, err := browser.Do(r)
	if err != nil {
		in.Fatal(err)
	}
	defer res.Body.Close()
	var read strings.Builder
	block := make([]byte, 64<<10)
	for !strings.Contains(read.String(), "event:") {
		n, err := res.Body.Read(block)
		read.Write(block[:n])
		if err != nil {
			break
		}
	}
	return read.String()
}

// readSlack returns what an account sees in Slack: the channels that are public or that it
// is in, with what the app wrote there, and its Home tab.
func (in *installation) readSlack(who string) string {
	in.Helper()
	user := in.accounts[who]
	shown := in.slack.CountDone("views.publish")
	if d := in.slack.OpenHome(user); d.Err != nil || !in.slack.Wait(5*time.Second, func() bool { return in.slack.CountDone("views.publish") > shown }) {
		in.Fatalf("there is no Home tab: %v", d.Err)
	}
	read := []any{in.slack.Home(user)}
	for _, c := range in.slack.Channels() {
		if (c.Private || c.Direct) && !slices.Contains(c.Members, user) {
			continue
		}
		c.PreviousNames = nil // Slack keeps them
		read = append(read, c, in.slack.Posts(c.ID), in.slack.Bookmarks(c.ID))
	}
	raw, err := json.Marshal(read)
	if err != nil {
		in.Fatal(err)
	}
	return string(raw)
}
