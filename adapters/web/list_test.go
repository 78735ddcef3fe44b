package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// rows returns the incidents of a list, in order.
func (p page) rows() []string {
	p.t.Helper()
	var ids []string
	for _, e := range p.dom().id("live-rows").named("li") {
		ids = append(ids, strings.TrimPrefix(e.attr["id"], "row-"))
	}
	return ids
}

func TestTheListIsFiltered(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(
		"ben: declare Checkout is down --sev 1 --service checkout", `ben: declare Mail is slow --sev 2 --description "SMTP 451"`, "ben: declare Disk is full --sev 2 --service checkout",
		"ben: declare Old trouble --sev 3", "ben: declare A test --sev 3", "ben: declare Twice --sev 4", "ben: declare Ended --sev 5",
		"ben: status INC-3 identified", "ben: status INC-2 monitoring", "ben: resolve INC-4 Done", "ben: cancel INC-5 A test", "ben: merge INC-6 INC-1",
		"ben: resolve INC-7 Done", "ben: close INC-7 --force --reason x", "ben: ack INC-1", "ben: ack INC-2", "ben: ack INC-3",
	)
	h.settle()
	ana := h.signInAs("ana")
	for query, want := range map[string]string{
		"": "INC-1 INC-2 INC-3", "show=": "INC-1 INC-2 INC-3", "show=all": "INC-1 INC-2 INC-3 INC-4 INC-5 INC-6 INC-7",
		"show=monitoring": "INC-2", "show=identified": "INC-3", "show=resolved": "INC-4", "show=canceled": "INC-5", "show=merged": "INC-6", "show=closed": "INC-7",
		"show=triage": "", "show=nonsense": "INC-1 INC-2 INC-3", "sev=1": "INC-1", "sev=SEV2": "INC-2 INC-3", "sev=2&show=all": "INC-2 INC-3", "sev=5": "", "sev=9": "INC-1 INC-2 INC-3",
		"sev=5&show=all": "INC-7", "service=checkout": "INC-1 INC-3", "service=mail": "", "service=checkout&sev=2": "INC-3",
		"q=checkout": "INC-1 INC-3", "q=CHECKOUT+is": "INC-1", "q=smtp+451": "INC-2", "q=INC-3": "INC-3", "q=+inc-4+": "", "q=inc-4&show=all": "INC-4", "q=nothing": "",
		"q=full&service=checkout&sev=2&show=identified": "INC-3", "after=before-6&show=all": "INC-4 INC-5", "after=after-99-99": "INC-1 INC-2 INC-3", "after=x": "INC-1 INC-2 INC-3", "after=-1": "INC-1 INC-2 INC-3",
		"after=after-9000000000000000-1": "", "after=before--6&show=all": "INC-1 INC-2 INC-3 INC-4 INC-5 INC-6 INC-7",
	} {
		p := ana.get("/?"+query).expect(200, "3 open")
		got := p.rows()
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("?%s lists %q, want %s", query, got, want)
		}
		if want == "" {
			p.expect(200, "No incident matches", `href="/?show=all"`)
		}
		if values, _ := url.ParseQuery(query); len(values) > 0 {
			if at, err := url.Parse(p.livePath()); err != nil || !at.Query().Has("list") {
				t.Errorf("?%s is kept true by %s", query, p.livePath())
			}
		}
	}
	// A filter that is set is seen to be set.
	root := ana.get("/?show=resolved&sev=3&service=checkout&q=%22x%22").expect(200).dom()
	var chosen []string
	for _, o := range root.named("option") {
		if o.hasAttribute("selected") {
			chosen = append(chosen, o.text())
		}
	}
	if got := strings.Join(chosen, ", "); got != "resolved, SEV3, Checkout" || root.id("q").attr["value"] != `"x"` {
		t.Errorf("chosen are %s and %s", got, root.id("q").attr["value"])
	}
}

// Incidents that need someone come first (E7: never silent until a person answers).
func TestE7UnattendedComesFirst(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Nobody comes")
	for range 10 {
		h.advance(10 * time.Minute)
	}
	h.mustRun("ben: declare Mine --sev 1", "ben: ack INC-2", "ben: declare Whose is it", "ben: declare Yours --sev 1", "ben: ack INC-4")
	h.settle()
	p := h.signInAs("cy").get("/").expect(200, "4 open", "2 not acknowledged", "UNATTENDED")
	if got := strings.Join(p.rows(), " "); !strings.HasPrefix(got, "INC-1 INC-3 ") {
		t.Errorf("the order is %s", got)
	}
	root := p.dom()
	for id, want := range map[string]string{"INC-1": "UNATTENDED", "INC-3": "not acknowledged", "INC-2": "Ben Okafor", "INC-4": "Ben Okafor"} {
		row := root.id("row-" + id)
		if !strings.Contains(row.text(), want) {
			t.Errorf("%s says %q", id, row.text())
		}
		if marked := strings.Contains(row.attr["class"], "unattended"); marked != (id == "INC-1") {
			t.Errorf("%s is %q", id, row.attr["class"])
		}
	}
	if text := root.id("row-INC-3").text(); strings.Contains(text, "UNATTENDED") {
		t.Errorf("INC-3 says %s", text)
	}
}

func TestAnEmptyList(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana := h.signInAs("ana")
	ana.get("/").expect(200, "No open incidents", "There have been no incidents", `href="/declare"`)
	ana.get("/?show=all").expect(200, "No incident matches")
	h.mustRun("ben: declare Checkout is down", "ben: resolve INC-1 Done")
	h.settle()
	ana.get("/").expect(200, "No open incidents", "Quiet is good").expectNot("There have been no incidents", "Checkout is down")
	// Where only others have secrets, it is as quiet as ever.
	private := newTestServer(t)
	private.mustRun("ben: declare A key was stolen --private")
	private.settle()
	private.signInAs("cy").get("/").expect(200, "No open incidents", "There have been no incidents")
}

func TestTheListIsPaged(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for n := range 230 {
		lines := []string{fmt.Sprintf("declare Trouble %d --sev %d", n+1, 2+n%2)}
		if n%2 == 0 {
			lines = append(lines, fmt.Sprintf("resolve INC-%d Done", n+1))
		}
		for _, line := range lines {
			h.runOnly("ben", line)
		}
	}
	h.settle()
	ana := h.signInAs("ana")
	for path, want := range map[string]int{"/?show=all": 230, "/?show=resolved": 115, "/?show=all&sev=2": 115, "/?show=all&q=trouble+1": 111, "/": 115, "/?sev=3": 115, "/?q=trouble": 115} {
		seen, pages := map[string]bool{}, 0
		for next := path; next != ""; pages++ {
			p := ana.get(next).expect(200)
			if len(p.rows()) > 100 || pages > 5 {
				t.Fatalf("%s: page %d has %d rows", path, pages, len(p.rows()))
			}
			for _, id := range p.rows() {
				if seen[id] {
					t.Errorf("%s: %s is listed twice", path, id)
				}
				seen[id] = true
			}
			next = ""
			for _, a := range p.dom().id("live-rows").named("a") {
				if strings.Contains(a.text(), "lder") || strings.Contains(a.text(), "ore") {
					next = a.attr["href"]
				}
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d of %d can be reached", path, len(seen), want)
		}
	}
}

// runOnly runs a command without the tasks that it owes.
func (h *testServer) runOnly(person, line string) {
	h.t.Helper()
	speaker := h.person(person)
	speaker.Access = commands.Admin
	if reply, err := h.bot.Dispatcher.Run(h.t.Context(), dispatch.Request{Text: line, Speaker: speaker}); err != nil || !reply.OK {
		h.t.Fatalf("%s: %+v, %v", line, reply, err)
	}
}

// TestE14FrontPage: an incident that pages the reader is the first on the front page, and in
// the banner, however many newer or worse ones are open; further pages have all of them, and
// the counts are of all (E14: lists are by need).
func TestE14FrontPage(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare The worst --sev 1")
	bottest.Flood(t, h.store.Store, 2, 620, func(i *workflow.Incident) {
		i.DeclaredAt = h.load("INC-1").DeclaredAt.Add(time.Duration(i.Number) * time.Second)
		if i.Number%2 == 0 {
			i.Visibility, i.Reporter.Person = workflow.Private, "cy"
		}
	})
	h.settle()
	ana := h.signInAs("ana")
	p := ana.get("/").expect(200, "311 open", "311 not acknowledged", "INC-1 needs you").expectNot("unattended")
	if rows := p.rows(); len(rows) != 100 || rows[0] != "INC-1" || rows[1] != "INC-3" {
		t.Errorf("the first of %d rows is %s", len(rows), rows[0])
	}
	if got := h.openIDs(ana, "/"); len(got) != 311 || got[310] != "INC-621" {
		t.Errorf("%d of 311 can be reached", len(got))
	}
	if got := h.openIDs(ana, "/?q=host"); len(got) != 310 {
		t.Errorf("%d of 310 are found", len(got))
	}
	h.signInAs("cy").get("/").expect(200, "621 open")
	ana.get("/?q=host+621+").expect(200, "INC-621", "311 open")
	h.mustRun("ana: ack INC-1", "cy: ack INC-3")
	h.settle()
	ana.get("/").expect(200, "311 open", "309 not acknowledged")
	if got := h.openIDs(ana, "/"); len(got) != 311 || got[0] != "INC-5" || got[309] != "INC-1" || got[310] != "INC-3" {
		t.Errorf("%d can be reached, the last are %v", len(got), got[max(0, len(got)-2):])
	}
}

// openIDs returns the incidents of a list on all its pages, in order.
func (h *testServer) openIDs(r reader, path string) []string {
	h.t.Helper()
	var all []string
	for next := path; next != "" && len(all) < 5000; {
		p := r.get(next).expect(200)
		all, next = append(all, p.rows()...), ""
		for _, a := range p.dom().id("live-rows").named("a") {
			if a.text() == "More incidents" {
				next = a.attr["href"]
			}
		}
	}
	return all
}

// TestE14BannerBehindWorse: what pages the reader is in the banner, whatever others need
// people more (E14: lists are by need).
func TestE14BannerBehindWorse(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	bottest.Flood(t, h.store.Store, 1, 600, func(i *workflow.Incident) { i.Severity, i.Paging.Unreachable = workflow.SEV1, true })
	h.mustRun("ben: declare A small thing --sev 5", "ben: page INC-601 @ana please look")
	h.settle()
	h.signInAs("ana").get("/").expect(200, "INC-601 needs you", "601 open", "600 unattended", "601 not acknowledged")
	h.signInAs("cy").get("/").expect(200).expectNot("needs you")
	live := h.signInAs("ana").follow("/sessions")
	live.waitBanner("INC-601", true)
	h.mustRun("ana: ack INC-601")
	live.waitBanner("INC-601", false)
}

// TestE14BannerSaysMore: a banner that cannot hold all incidents says that there are more
// (E14: lists are by need).
func TestE14BannerSaysMore(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for n := range 5 {
		h.mustRun(fmt.Sprintf("ben: declare Trouble %d", n+1))
	}
	h.settle()
	ana := h.signInAs("ana")
	ana.get("/").expect(200, "INC-1 needs you", "INC-5 needs you").expectNot("More incidents need you")
	h.mustRun("ben: declare Much trouble --sev 1")
	h.settle()
	ana.get("/").expect(200, "INC-6 needs you", "INC-4 needs you", "More incidents need you").expectNot("INC-5 needs you")
	ana.get("/incidents/INC-6").expect(200, "More incidents need you")
}
