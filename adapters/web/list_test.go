package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot/dispatch"
	"tocsin/commands"
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
		"q=full&service=checkout&sev=2&show=identified": "INC-3", "before=3&show=all": "INC-1 INC-2", "before=3": "INC-1 INC-2", "before=x": "INC-1 INC-2 INC-3", "before=-1": "INC-1 INC-2 INC-3",
		"from=-1": "INC-1 INC-2 INC-3", "from=x": "INC-1 INC-2 INC-3", "from=99": "", "from=-99&show=all": "INC-1 INC-2 INC-3 INC-4 INC-5 INC-6 INC-7",
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
	private.mustRun("ben: declare Somebody stole the key --private")
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
