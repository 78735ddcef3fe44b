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

// newServerWithPrivate returns a server with a public incident, INC-1, and a
// private one, INC-2, whose members are Ana, who was paged, and Ben, who
// declared it.
func newServerWithPrivate(t *testing.T, changes ...func(*bot.Organization)) *testServer {
	t.Helper()
	h := newTestServer(t, changes...)
	h.mustRun("ben: declare Mail is slow --service checkout", `ben: declare A key was stolen --service checkout --sev 1 --private`,
		"ben: update INC-2 It was Eve")
	h.signInAs("ben").sendMessage("INC-2", "Change the locks").expect(200)
	return h
}

// nonMembers are readers who are not members; an administrator is not one either.
func (h *testServer) nonMembers() map[string]reader {
	h.t.Helper()
	return map[string]reader{
		"a responder": h.signInAs("cy"), "an administrator": h.signIn(operator(), nil), "a token": h.signInGuest("ci", commands.Responder),
		"an administrator as Cy":   h.signIn(operator(), url.Values{"person": {"cy"}}),
		"a typed name of a member": h.signIn(operator(), url.Values{"name": {"Ben Okafor"}}),
	}
}

var whispers = []string{"INC-2", "key was stolen", "It was Eve", "Change the locks"}

func TestP2PrivateIncidentIsListedForItsMembers(t *testing.T) {
	t.Parallel()
	h := newServerWithPrivate(t)
	searches := []string{
		"/", "/?show=all", "/?sev=1", "/?sev=1&show=all", "/?service=checkout", "/?q=key", "/?q=INC-2&show=all", "/?show=investigating",
		"/?before=3", "/?show=all&before=3", "/?q=stolen&service=checkout&sev=SEV1&show=investigating&before=99",
	}
	for who, r := range h.nonMembers() {
		for _, path := range searches {
			p := r.get(path).expect(200)
			rows := p.region("rows") + p.region("banner")
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
		r := h.signInAs(member)
		for _, path := range searches {
			r.get(path).expect(200, "INC-2", "key was stolen", "2 open", "private")
		}
		r.get("/incidents/INC-2").expect(200, "key was stolen", "It was Eve", "Change the locks", "private")
		r.get("/incidents/INC-2/timeline").expect(200, "It was Eve")
	}
	h.mustRun("ben: invite INC-2 @cy")
	h.signInAs("cy").get("/incidents/INC-2").expect(200, "key was stolen", "Change the locks")
}

// sameAsMissing checks that the response about INC-2, which is private, does
// not differ from that about INC-99, which does not exist.
func sameAsMissing(t *testing.T, what string, private, missing page) {
	t.Helper()
	words := func(p page) string {
		return strings.NewReplacer("INC-2", "INC-n", "INC-99", "INC-n").Replace(p.html)
	}
	if private.status != missing.status || words(private) != words(missing) || private.header.Get("X-Command-Result") != missing.header.Get("X-Command-Result") {
		t.Errorf("%s tells that it is there: %d, not %d\n%s\n%s", what, private.status, missing.status, words(private), words(missing))
	}
	for _, w := range whispers[1:] {
		private.expectNot(w)
	}
}

func TestP2PrivateIncidentDoesNotExistForOthers(t *testing.T) {
	t.Parallel()
	h := newServerWithPrivate(t)
	before := h.load("INC-2").Seq
	for who, r := range h.nonMembers() {
		for _, path := range []string{"/incidents/INC-2", "/incidents/INC-2/timeline"} {
			p := r.get(path).expect(http.StatusNotFound, "INC-2 does not exist")
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
				sameAsMissing(t, who+" saying on "+path+" "+line, r.postHX(path, text("INC-2")), r.postHX(there, text("INC-99")))
			}
		}
		hello := url.Values{"text": {"hello"}, "box": {"1"}}
		sameAsMissing(t, who+" talking", r.postHX("/incidents/INC-2/do", hello), r.postHX("/incidents/INC-99/do", hello))
		sameAsMissing(t, who+" talking", r.post("/incidents/INC-2/do", hello), r.post("/incidents/INC-99/do", hello))
		for _, line := range []string{"merge INC-1 %", "link INC-1 %", "link INC-1 % the other"} {
			on := func(id string) page {
				return r.postHX("/incidents/INC-1/do", url.Values{"text": {strings.ReplaceAll(line, "%", id)}})
			}
			sameAsMissing(t, who+" on "+line, on("INC-2"), on("INC-99"))
		}
	}
	if i := h.load("INC-2"); i.Seq != before || len(h.messages("INC-2")) != 1 || h.load("INC-1").Status == "merged" {
		t.Errorf("%d events, messages %q", i.Seq-before, h.messages("INC-2"))
	}
}

func TestP2PrivateIncidentIsNotCompleted(t *testing.T) {
	t.Parallel()
	h := newServerWithPrivate(t)
	for who, r := range h.nonMembers() {
		for _, line := range []string{"", "a", "/ack ", "ack INC", "merge ", "merge INC-1 ", "link INC", "show INC-", "show 2", "update ", "task done ", "verify "} {
			at := func(room string) page {
				return r.get("/complete?room=" + room + "&line=" + url.QueryEscape(line)).expect(200)
			}
			sameAsMissing(t, who+" completing "+line, at("INC-2"), at("INC-99"))
			at("INC-1").expectNot(whispers...)
			at("").expectNot(whispers...)
		}
		r.get("/incidents/INC-1").expect(200).expectNot(whispers...)
		r.get("/incidents/INC-1/timeline").expect(200).expectNot(whispers...)
		r.get("/declare").expect(200).expectNot(whispers...)
	}
}

func TestP2PrivateIncidentIsNotStreamed(t *testing.T) {
	t.Parallel()
	h := newServerWithPrivate(t)
	strangers, streams, sent := h.nonMembers(), map[string][]*stream{}, map[string]string{}
	for who, r := range strangers {
		if raw, missing := r.live("/live?room=INC-2").waitGone(), r.live("/live?room=INC-99").waitGone(); raw != missing {
			t.Errorf("%s is sent %q, not %q", who, raw, missing)
		}
		for _, path := range []string{"/live?list=1", "/live?list=1&show=all&q=INC-2", "/live", "/live?room=INC-1"} {
			streams[who] = append(streams[who], r.live(path))
		}
	}
	for who, all := range streams {
		for _, s := range all {
			sent[who] += s.nextEvent().raw
		}
	}
	h.mustRun("ben: update INC-2 It was Eve and Mallory", "ben: severity INC-2 2", "ben: note INC-1 Seen by all", "ben: declare Seen in lists")
	for who, all := range streams {
		sent[who] += all[0].waitRegion("rows", "Seen in lists").raw + all[3].waitRegion("events", "Seen by all").raw
	}
	h.pages.Close()
	for who, all := range streams {
		for _, s := range all {
			sent[who] += s.waitEnd()
		}
		for _, w := range append(slices.Clone(whispers), "Mallory") {
			if strings.Contains(sent[who], w) {
				t.Errorf("%s is sent %q: %s", who, w, sent[who])
			}
		}
	}
}

func TestP2PrivateDuplicateIsNotNamed(t *testing.T) {
	t.Parallel()
	for _, private := range []bool{false, true} {
		h := newTestServer(t)
		h.mustRun("ben: declare A key was stolen --service checkout" + map[bool]string{true: " --private"}[private])
		for _, r := range h.nonMembers() {
			p := r.postHX("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.service": {"checkout"}}).expect(200)
			if got := strings.Contains(p.html, "is open for the same service"); private && got {
				t.Errorf("the hint names it: %s", p.html)
			}
			p.expectNot("key was stolen")
			if private {
				p.expectNot("INC-1 ", "merge INC-2 INC-1")
			}
			break // the next one has that one as a duplicate
		}
	}
}

// The banner is for members; a paged person is one (P2: private means members
// only).
func TestP2BannerOfPrivateIncident(t *testing.T) {
	t.Parallel()
	h := newServerWithPrivate(t)
	h.settle()
	h.signInAs("ana").get("/").expect(200, "INC-2 needs you")
	for _, r := range h.nonMembers() {
		r.get("/").expect(200).expectNot("INC-2")
		r.live("/live").nextEvent()
	}
	unconfigured := newTestServer(t, func(org *bot.Organization) {
		fresh := bot.Default()
		org.Policies, org.DefaultAccess = fresh.Policies, commands.Responder
	})
	unconfigured.mustRun("ben: declare A key was stolen --private")
	unconfigured.configure(func(org *bot.Organization) { org.Directory = directory.Directory{} }) // no people are configured any more
	unconfigured.advance(time.Minute)
	p := unconfigured.signIn(operator(), url.Values{"name": {"Dee"}}).get("/").expect(200)
	p.expectNot("INC-1", "key was stolen")
}

// The form and the card of a private incident are as private as the incident
// (P2: private means members only).
func TestP2OnlyAConfiguredPersonCanHide(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ci := h.signInGuest("ci", commands.Admin)
	ci.get("/declare").expect(200).expectNot("f.private")
	h.signInAs("ana").get("/declare").expect(200, "f.private")
	ci.post("/declare", url.Values{"text": {"declare"}, "f.title": {"x"}, "f.private": {"true"}}).expect(200, "Only a configured person")
	h.declare()
	ci.get("/incidents/INC-1").expect(200).expectNot("do-private")
	ci.runCommand("INC-1", "private INC-1").expect(200, "Only a configured person")
}
