package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/commands"
)

// secret is a house with a public incident, INC-1, and a private one, INC-2,
// whose members are Ana, who was paged, and Ben, who declared it.
func secret(t *testing.T, changes ...func(*bot.Organization)) *house {
	t.Helper()
	h := newHouse(t, changes...)
	h.do("ben: declare Mail is slow --service checkout", `ben: declare Somebody stole the key --service checkout --sev 1 --private`,
		"ben: update INC-2 It was Eve")
	h.as("ben").say("INC-2", "Change the locks").has(200)
	return h
}

// strangers are those who are no members: an administrator is none either.
func (h *house) strangers() map[string]reader {
	h.t.Helper()
	return map[string]reader{
		"a responder": h.as("cy"), "an administrator": h.signIn(operator(), nil), "a token": h.guest("ci", commands.Responder),
		"an administrator as Cy":            h.signIn(operator(), url.Values{"person": {"cy"}}),
		"whoever says the name of a member": h.signIn(operator(), url.Values{"name": {"Ben Okafor"}}),
	}
}

var whispers = []string{"INC-2", "stole the key", "It was Eve", "Change the locks"}

func TestP2APrivateIncidentIsListedForItsMembers(t *testing.T) {
	t.Parallel()
	h := secret(t)
	searches := []string{
		"/", "/?show=all", "/?sev=1", "/?sev=1&show=all", "/?service=checkout", "/?q=key", "/?q=INC-2&show=all", "/?show=investigating",
		"/?before=3", "/?show=all&before=3", "/?q=stole&service=checkout&sev=SEV1&show=investigating&before=99",
	}
	for who, r := range h.strangers() {
		for _, path := range searches {
			p := r.get(path).has(200)
			rows := p.region("rows") + p.region("ring")
			for _, w := range whispers {
				if strings.Contains(rows, w) {
					t.Errorf("%s reads %q on %s: %s", who, w, path, rows)
				}
			}
			if !strings.Contains(rows, "1 open") {
				t.Errorf("%s counts it on %s: %s", who, path, rows)
			}
		}
	}
	for _, member := range []string{"ana", "ben"} {
		r := h.as(member)
		for _, path := range searches {
			r.get(path).has(200, "INC-2", "stole the key", "2 open", "private")
		}
		r.get("/incidents/INC-2").has(200, "stole the key", "It was Eve", "Change the locks", "private")
		r.get("/incidents/INC-2/timeline").has(200, "It was Eve")
	}
	h.do("ben: invite INC-2 @cy")
	h.as("cy").get("/incidents/INC-2").has(200, "stole the key", "Change the locks")
}

// sameAsMissing checks that two answers, of which one is about INC-2 and one
// about INC-99, which is not there, do not differ.
func sameAsMissing(t *testing.T, what string, private, missing page) {
	t.Helper()
	words := func(p page) string {
		return strings.NewReplacer("INC-2", "INC-n", "INC-99", "INC-n").Replace(p.html)
	}
	if private.status != missing.status || words(private) != words(missing) || private.header.Get("X-Said") != missing.header.Get("X-Said") {
		t.Errorf("%s tells that it is there: %d, not %d\n%s\n%s", what, private.status, missing.status, words(private), words(missing))
	}
	for _, w := range whispers[1:] {
		private.lacks(w)
	}
}

func TestP2APrivateIncidentIsNotThereForAnybodyElse(t *testing.T) {
	t.Parallel()
	h := secret(t)
	before := h.peek("INC-2").Seq
	for who, r := range h.strangers() {
		for _, path := range []string{"/incidents/INC-2", "/incidents/inc-2", "/incidents/INC-2/timeline"} {
			p := r.get(path).has(http.StatusNotFound, "INC-2 does not exist")
			sameAsMissing(t, who+" opening "+path, p, r.get(strings.NewReplacer("INC-2", "INC-99", "inc-2", "inc-99").Replace(path)))
		}
		for _, line := range []string{
			"ack", "unack", "status identified", "severity 2", "update How is it?", "escalate", "resolve", "reopen", "cancel", "merge INC-1",
			"lead", "assign scribe @cy", "page @cy", "invite @cy", "private off", "note x", "task x", "task done 1", "followup x", "cause x", "edit --title x",
			"link https://a.example", "verify 1 passed", "close", "show", "timeline", "timers", "who", "web",
		} {
			word, rest, _ := strings.Cut(line, " ")
			text := func(id string) url.Values {
				return url.Values{"text": {strings.TrimSpace(word + " " + id + " " + rest)}}
			}
			sameAsMissing(t, who+" saying "+line, r.post("/incidents/INC-2/do", text("INC-2")), r.post("/incidents/INC-99/do", text("INC-99")))
			for _, path := range []string{"/incidents/INC-2/do", "/incidents/INC-1/do", "/declare"} {
				there := strings.ReplaceAll(path, "INC-2", "INC-99")
				sameAsMissing(t, who+" saying on "+path+" "+line, r.hx(path, text("INC-2")), r.hx(there, text("INC-99")))
			}
		}
		hello := url.Values{"text": {"hello"}, "box": {"1"}}
		sameAsMissing(t, who+" talking", r.hx("/incidents/INC-2/do", hello), r.hx("/incidents/INC-99/do", hello))
		sameAsMissing(t, who+" talking", r.post("/incidents/INC-2/do", hello), r.post("/incidents/INC-99/do", hello))
		for _, line := range []string{"merge INC-1 %", "link INC-1 %", "link INC-1 % the other"} {
			on := func(id string) page {
				return r.hx("/incidents/INC-1/do", url.Values{"text": {strings.ReplaceAll(line, "%", id)}})
			}
			sameAsMissing(t, who+" on "+line, on("INC-2"), on("INC-99"))
		}
	}
	if i := h.peek("INC-2"); i.Seq != before || len(h.said("INC-2")) != 1 || h.peek("INC-1").Status == "merged" {
		t.Errorf("%d events, said %q", i.Seq-before, h.said("INC-2"))
	}
}

func TestP2APrivateIncidentIsNotCompleted(t *testing.T) {
	t.Parallel()
	h := secret(t)
	for who, r := range h.strangers() {
		for _, line := range []string{"", "a", "/ack ", "ack INC", "merge ", "merge INC-1 ", "link INC", "show INC-", "show 2", "update ", "task done ", "verify "} {
			at := func(room string) page {
				return r.get("/complete?room=" + room + "&line=" + url.QueryEscape(line)).has(200)
			}
			sameAsMissing(t, who+" completing "+line, at("INC-2"), at("INC-99"))
			at("INC-1").lacks(whispers...)
			at("").lacks(whispers...)
		}
		r.get("/incidents/INC-1").has(200).lacks(whispers...)
		r.get("/incidents/INC-1/timeline").has(200).lacks(whispers...)
		r.get("/declare").has(200).lacks(whispers...)
	}
}

func TestP2APrivateIncidentIsNotStreamed(t *testing.T) {
	t.Parallel()
	h := secret(t)
	strangers, streams, sent := h.strangers(), map[string][]*stream{}, map[string]string{}
	for who, r := range strangers {
		if raw, missing := r.live("/live?room=INC-2").gone(), r.live("/live?room=INC-99").gone(); raw != missing {
			t.Errorf("%s is sent %q, not %q", who, raw, missing)
		}
		for _, path := range []string{"/live?list=1", "/live?list=1&show=all&q=INC-2", "/live", "/live?room=INC-1"} {
			streams[who] = append(streams[who], r.live(path))
		}
	}
	for who, all := range streams {
		for _, s := range all {
			sent[who] += s.next().raw
		}
	}
	h.do("ben: update INC-2 It was Eve and Mallory", "ben: severity INC-2 2", "ben: note INC-1 Seen by all", "ben: declare Seen in lists")
	for who, all := range streams {
		sent[who] += all[0].shows("rows", "Seen in lists").raw + all[3].shows("events", "Seen by all").raw
		h.pages.Close()
		for _, s := range all {
			sent[who] += s.ends()
		}
		for _, w := range append(slices.Clone(whispers), "Mallory") {
			if strings.Contains(sent[who], w) {
				t.Errorf("%s is sent %q: %s", who, w, sent[who])
			}
		}
	}
}

func TestP2ATwinThatIsPrivateIsNotNamed(t *testing.T) {
	t.Parallel()
	for _, private := range []bool{false, true} {
		h := newHouse(t)
		h.do("ben: declare Somebody stole the key --service checkout" + map[bool]string{true: " --private"}[private])
		for _, r := range h.strangers() {
			p := r.hx("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.service": {"checkout"}}).has(200)
			if got := strings.Contains(p.html, "is open for the same service"); private && got {
				t.Errorf("the hint names it: %s", p.html)
			}
			p.lacks("stole the key")
			if private {
				p.lacks("INC-1 ", "merge INC-2 INC-1")
			}
			break // whoever is next has that one as a twin
		}
	}
}

// The ring is for members; whoever was paged is one.
func TestP2APrivateIncidentRingsForItsMembers(t *testing.T) {
	t.Parallel()
	h := secret(t)
	h.settle()
	h.as("ana").get("/").has(200, "INC-2 needs you")
	for _, r := range h.strangers() {
		r.get("/").has(200).lacks("INC-2")
		r.live("/live").next()
	}
	nobody := newHouse(t, func(org *bot.Organization) {
		fresh := bot.Default()
		org.Policies, org.DefaultAccess = fresh.Policies, commands.Responder
	})
	nobody.do("ben: declare Somebody stole the key --private")
	nobody.configure(func(org *bot.Organization) { org.Directory = directory.Directory{} }) // nobody is configured any more
	nobody.later(time.Minute)
	p := nobody.signIn(operator(), url.Values{"name": {"Dee"}}).get("/").has(200)
	p.lacks("INC-1", "stole the key")
}

// What a private incident was declared from, and what it says of itself, are no
// more public than it is.
func TestP2OnlyAConfiguredPersonCanHide(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ci := h.guest("ci", commands.Admin)
	ci.get("/declare").has(200).lacks("f.private")
	h.as("ana").get("/declare").has(200, "f.private")
	ci.post("/declare", url.Values{"text": {"declare"}, "f.title": {"x"}, "f.private": {"true"}}).has(200, "Only a configured person")
	h.declared()
	ci.get("/incidents/INC-1").has(200).lacks("do-private")
	ci.run("INC-1", "private INC-1").has(200, "Only a configured person")
}
