package dispatch_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// namesakes returns an application with people, teams and services whose names have several forms.
func namesakes(t *testing.T) *bottest.App {
	t.Helper()
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.Directory.People = append(org.Directory.People,
		directory.Person{ID: "jose", Name: "José", High: []directory.Method{{Via: "email", To: "jose@example.com"}}},
		directory.Person{ID: "kim1", Name: "Kim"}, directory.Person{ID: "kim2", Name: "KIM"})
	org.Directory.Teams = append(org.Directory.Teams, directory.Team{ID: "kim", Name: "Kernel", Members: []string{"ana"}}, directory.Team{ID: "db", Name: "Dan", Members: []string{"ana"}})
	org.Services = append(org.Services, bot.Service{ID: "cafe", Name: "Café"}, bot.Service{ID: "web-eu", Name: "Web"}, bot.Service{ID: "web-us", Name: "WEB"})
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	return w
}

// incident returns INC-1 as Ben sees it.
func incident(t *testing.T, w *bottest.App) workflow.Incident {
	t.Helper()
	i, err := w.Incidents.Get(t.Context(), "INC-1", w.Person("ben"))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestC3Targets: people, teams and services are found in any form; what may mean several is
// refused with all of them (C3: a name in another form is the same name).
func TestC3Targets(t *testing.T) {
	w := namesakes(t)
	w.Expect(w.Say("ben", "declare Slow --service Cafe\u0301"), true, "INC-1")
	i := incident(t, w)
	if !slices.Equal(i.Services, []string{"cafe"}) {
		t.Errorf("the services are %v", i.Services)
	}
	for line, want := range map[string]string{
		"page INC-1 @jose\u0301": "Paged José", "page INC-1 ＠ＪＯＳＥ": "José", "page INC-1 team：ＤＢ": "", "page INC-1 Policy:TWO": "", "page INC-1 webhook:NOC": "", "page INC-1 @kim": "",
		"assign INC-1 scribe JOSE\u0301": "José", "page INC-1 person:José": "",
	} {
		if reply := w.Say("ben", line); !reply.OK || !strings.Contains(reply.Text, want) {
			t.Errorf("%q: %+v, want %q", line, reply, want)
		}
	}
	for line, want := range map[string]string{
		"assign INC-1 scribe Ｋｉｍ": `"Ｋｉｍ" may mean @kim1 or @kim2`, "page INC-1 @KIM\u200b": "@kim1 or @kim2", "page INC-1 @dán": "@dan or team:db",
		"invite INC-1 Kım,": "may mean @kim1 or @kim2: name one of them",
	} {
		if reply := w.Say("ben", line); reply.OK || !strings.Contains(reply.Text, want) {
			t.Errorf("%q: %+v, want %q", line, reply, want)
		}
	}
	w.Expect(w.Say("ben", "declare Slow too --service ｗｅｂ"), true, "may be web-eu or web-us")
	w.Expect(w.Say("ben", "list --service CAFE\u0301"), true, "INC-1")
}

// TestC1Private: an incident that a telephone declares as private is private, and none is declared
// when the line only may mean it (C1: what looks like a flag is one or is refused).
func TestC1Private(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Expect(w.Say("ben", "declare Data leak —private —sev 1"), true, "INC-1")
	if i := incident(t, w); i.Visibility != workflow.Private || i.Title != "Data leak" || i.Severity != workflow.SEV1 {
		t.Errorf("%+v", i)
	}
	for _, line := range []string{"declare Data leak — private", "declare Data leak —privat", "declare Data leak (–private)", "declare Data leak —privately"} {
		w.Expect(w.Say("ben", line), false, "--private")
	}
	w.Expect(w.Say("ben", "update INC-1 Output:\n  a   b\n--to public"), true, "")
	if u := incident(t, w).Paperwork.LatestUpdate; u.Audience != "" || u.Text != "Output:\n  a   b\n--to public" {
		t.Errorf("%+v", u)
	}
}
