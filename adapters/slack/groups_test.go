package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// grouped adds a group to the workspace, and a team that it stands for.
func grouped(group *string) func(*desk, *bot.Organization) {
	return func(d *desk, o *bot.Organization) {
		gone := d.slack.AddUser(slacktest.User{Name: "gone", Email: "ben@example.com", Deleted: true})
		*group = d.slack.AddGroup(slacktest.UserGroup{Handle: "sre", Name: "SRE", Members: []string{d.ana, d.dan, d.zoe, gone}})
		o.Directory.Teams = append(o.Directory.Teams, directory.Team{ID: "sre", Groups: map[string]string{Platform: *group}})
		o.Directory.Platforms = []directory.Platform{{
			Name: Platform, Title: "Slack", FindsByEmail: true, Members: func(group string) []string { return d.Members(group) },
		}}
	}
}

// TestGroups: the members of a user group are a team's, whoever they are here;
// whoever has left the workspace is not among them.
func TestGroups(t *testing.T) {
	var group string
	d := newDesk(t, bySocket, grouped(&group))
	want := []string{"ana", "dan", "guest:slack:" + d.zoe}
	d.eventually("the members are known", func() bool { return slices.Equal(d.Members(group), want) })
	if got := d.bot.Organization().Directory.Resolve("team:sre"); len(got.Recipients) != 3 {
		t.Errorf("%+v", got)
	}
	// In a command the group is the team.
	id, room := d.declare("Checkout is down --sev 2")
	if got := d.slash(d.ana, room, "page <!subteam^"+group+"|@sre>"); !strings.Contains(string(got.Response), "Paged Ana") {
		t.Errorf("%s", got.Response)
	}
	if !slices.ContainsFunc(d.incident(id).Paging.Pages, func(p workflow.PageState) bool { return p.To == "ana" }) {
		t.Errorf("%+v", d.incident(id).Paging.Pages)
	}
}

// TestGroupsKept: after a start while Slack is away, the last known members are
// known; who somebody is here follows the configuration.
func TestGroupsKept(t *testing.T) {
	var group string
	d := newDesk(t, byHTTP, grouped(&group))
	d.eventually("the members are known", func() bool { return len(d.Members(group)) == 3 })
	d.stop()
	d.slack.Fail("*", slacktest.Fault{Status: 503, Times: -1})
	next, err := New(d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	next.Inbound(inboundOf(d.bot))
	if got := next.Members(group); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if err = next.rememberGroups(t.Context()); err != nil || !slices.Equal(next.Members(group), []string{"ana", "dan", "guest:slack:" + d.zoe}) {
		t.Errorf("%q, %v", next.Members(group), err)
	}
	org := *d.bot.Organization()
	org.Directory.People = slices.Clone(org.Directory.People)
	org.Directory.People = append(org.Directory.People, directory.Person{ID: "zoe", Name: "Zoe", Accounts: map[string]string{Platform: d.zoe}})
	org.Directory.People[0].ID = "anna" // was ana
	if err = d.bot.Configure(org, nil); err != nil || !slices.Equal(next.Members(group), []string{"guest:slack:" + d.ana, "dan", "zoe"}) {
		t.Errorf("%q, %v", next.Members(group), err)
	}
}

// TestGroupNew: a group that comes with a new configuration is asked for at
// once, and members change with the group.
func TestGroupNew(t *testing.T) {
	d := newDesk(t, byHTTP)
	group := d.slack.AddGroup(slacktest.UserGroup{Handle: "sre", Name: "SRE", Members: []string{d.ben}})
	org := *d.bot.Organization()
	org.Directory.Teams = append(slices.Clone(org.Directory.Teams), directory.Team{ID: "sre", Groups: map[string]string{Platform: group}})
	if err := d.bot.Configure(org, nil); err != nil {
		t.Fatal(err)
	}
	d.eventually("its members are known", func() bool { return slices.Equal(d.Members(group), []string{"ben"}) })
	d.slack.ChangeUser(slacktest.User{ID: d.ben, Name: "ben", Deleted: true})
	if err := d.askGroup(t.Context(), group); err != nil || len(d.Members(group)) != 0 {
		t.Errorf("%q, %v", d.Members(group), err)
	}
}

// TestRunEnds: what is under way when the process is told to end is answered,
// and what comes afterwards is not taken.
func TestRunEnds(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		d.slash(d.ana, d.lobby, "list")
		come, release := d.store.hold()
		answered := make(chan slacktest.Delivery, 1)
		go func() { answered <- d.slack.Slash(d.ana, d.lobby, "/incident", "declare Checkout is down") }()
		<-come
		ended := make(chan struct{})
		go func() { d.stop(); close(ended) }()
		release()
		if got := <-answered; got.Err != nil || !strings.Contains(string(got.Response), "INC-1") {
			t.Errorf("%v %s", got.Err, got.Response)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("it goes on")
		}
		if status, _ := d.post("POST", "/slack/commands", "command=/incident&text=list&trigger_id=1.2.z", true); status != 503 {
			t.Errorf("a command after the end: %d", status)
		}
	})
}

// TestGroupAnswers: whoever is paged as a member of a user group may acknowledge,
// also when nobody has configured them; others who are not configured may not.
func TestGroupAnswers(t *testing.T) {
	var group string
	d := newDesk(t, byHTTP, grouped(&group))
	d.eventually("the members are known", func() bool { return len(d.Members(group)) == 3 })
	id, room := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, room, "page team:sre")
	stranger := d.slack.AddUser(slacktest.User{Name: "mallory", RealName: "Mallory"})
	d.slack.Join(stranger, room)
	if got := d.slash(stranger, room, "ack"); d.incident(id).IsAcknowledged() {
		t.Fatalf("a stranger has acknowledged: %s", got.Response)
	}
	if got := d.slash(d.zoe, room, "ack"); d.incident(id).Acknowledgement.Person != "guest:slack:"+d.zoe {
		t.Errorf("whoever is paged is told %s", got.Response)
	}
}

// TestGroupsLeaveRoom: asking who is in a large group leaves room to ask who
// presses a button meanwhile, and asks once for each.
func TestGroupsLeaveRoom(t *testing.T) {
	h := newHouse(t, slacktest.Options{})
	var users []string
	for n := range 120 {
		name := fmt.Sprint("p", n)
		users = append(users, h.slack.AddUser(slacktest.User{Name: name, Email: name + "@example.com"}))
	}
	group := h.slack.AddGroup(slacktest.UserGroup{Handle: "all", Name: "All", Members: users})
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	for range 2 { // until as many were asked for as Slack allows
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_ = h.askGroup(ctx, group)
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), askWho)
	defer cancel()
	if a, err := h.Account(ctx, ana); err != nil || a.Email != "ana@example.com" {
		t.Errorf("whoever presses a button is %+v: %v", a, err)
	}
	if asked := h.slack.Count("users.info"); asked > 91 {
		t.Errorf("%d calls", asked)
	}
}
