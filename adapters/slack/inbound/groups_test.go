package inbound

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// withGroup adds a user group to the workspace, and a team that it stands for.
func withGroup(group *string) func(*testServer, *bot.Organization) {
	return func(d *testServer, o *bot.Organization) {
		gone := d.slack.AddUser(slacktest.User{Name: "gone", Email: "ben@example.com", Deleted: true})
		*group = d.slack.AddGroup(slacktest.UserGroup{Handle: "sre", Name: "SRE", Members: []string{d.ana, d.dan, d.zoe, gone}})
		o.Directory.Teams = append(o.Directory.Teams, directory.Team{ID: "sre", Groups: map[string]string{slack.Platform: *group}})
		o.Directory.Platforms = []directory.Platform{{
			Name: slack.Platform, Title: "Slack", FindsByEmail: true, Members: func(group string) []string { return d.workspace.Members(group) },
		}}
	}
}

// TestGroups: the members of a user group are those of its team, configured or not; users
// who have left the workspace are not among them.
func TestGroups(t *testing.T) {
	var group string
	d := newTestServer(t, bySocket, withGroup(&group))
	want := []string{"ana", "dan", "guest:slack:" + d.zoe}
	d.eventually("the members are known", func() bool { return slices.Equal(d.workspace.Members(group), want) })
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

// TestGroupAnswers: a person who is paged as a member of a user group may acknowledge,
// even when not configured; others who are not configured may not.
func TestGroupAnswers(t *testing.T) {
	var group string
	d := newTestServer(t, byHTTP, withGroup(&group))
	d.eventually("the members are known", func() bool { return len(d.workspace.Members(group)) == 3 })
	id, room := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, room, "page team:sre")
	stranger := d.slack.AddUser(slacktest.User{Name: "mallory", RealName: "Mallory"})
	d.slack.Join(stranger, room)
	if got := d.slash(stranger, room, "ack"); d.incident(id).IsAcknowledged() {
		t.Fatalf("a stranger has acknowledged: %s", got.Response)
	}
	if got := d.slash(d.zoe, room, "ack"); d.incident(id).Acknowledgement.Person != "guest:slack:"+d.zoe {
		t.Errorf("the paged user got %s", got.Response)
	}
}

// TestRunEnds: deliveries under way when the process is asked to end are answered, and
// those that come afterwards are refused.
func TestRunEnds(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
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
