package slack

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
)

// addGroup adds a user group with Ana, Dan and Zoe to the workspace, and a team that it
// stands for to an organization. Zoe is not configured.
func (h *testApp) addGroup() (group string, org bot.Organization, users map[string]string) {
	users = map[string]string{}
	var members []string
	for _, name := range []string{"ana", "dan", "zoe"} {
		users[name] = h.slack.AddUser(slacktest.User{Name: name, Email: name + "@example.com"})
		members = append(members, users[name])
	}
	group = h.slack.AddGroup(slacktest.UserGroup{Handle: "sre", Name: "SRE", Members: members})
	org = bottest.SampleOrganization()
	org.Directory.People = slices.Clone(org.Directory.People)
	org.Directory.People[2].Accounts = map[string]string{Platform: users["dan"]}
	org.Directory.Teams = append(slices.Clone(org.Directory.Teams), directory.Team{ID: "sre", Groups: map[string]string{Platform: group}})
	return group, org, users
}

// runDirectory runs a workspace's directory until the test ends it.
func runDirectory(t *testing.T, w *Workspace) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Directory.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return stop
}

// eventuallyMembers waits until a group has these members.
func (h *testApp) eventuallyMembers(group string, want ...string) {
	h.t.Helper()
	if !h.slack.Wait(10*time.Second, func() bool { return slices.Equal(h.Members(group), want) }) {
		h.t.Fatalf("the members are %q, not %q", h.Members(group), want)
	}
}

// TestGroupsKept: after a start while Slack is away, the last known members are known;
// who they are follows the configuration.
func TestGroupsKept(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	group, org, users := h.addGroup()
	h.Configure(nil, org)
	stop := runDirectory(t, h.Workspace)
	h.eventuallyMembers(group, "ana", "dan", "guest:slack:"+users["zoe"])
	stop()
	h.slack.Fail("*", slacktest.Fault{Status: 503, Times: -1})
	next := h.connect()
	next.Configure(nil, org)
	if got := next.Members(group); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if err := next.Directory.loadGroups(t.Context()); err != nil || !slices.Equal(next.Members(group), []string{"ana", "dan", "guest:slack:" + users["zoe"]}) {
		t.Errorf("%q, %v", next.Members(group), err)
	}
	org.Directory.People = append(slices.Clone(org.Directory.People), directory.Person{ID: "zoe", Name: "Zoe", Accounts: map[string]string{Platform: users["zoe"]}})
	org.Directory.People[0].ID = "anna" // was ana
	next.Configure(nil, org)
	if got := next.Members(group); !slices.Equal(got, []string{"guest:slack:" + users["ana"], "dan", "zoe"}) {
		t.Errorf("%q", got)
	}
}

// TestGroupNew: a group that comes with a new configuration is asked for at
// once, and members change with the group.
func TestGroupNew(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	runDirectory(t, h.Workspace)
	ben := h.slack.AddUser(slacktest.User{Name: "ben", Email: "ben@example.com"})
	group := h.slack.AddGroup(slacktest.UserGroup{Handle: "sre", Name: "SRE", Members: []string{ben}})
	org := bottest.SampleOrganization()
	org.Directory.Teams = append(slices.Clone(org.Directory.Teams), directory.Team{ID: "sre", Groups: map[string]string{Platform: group}})
	h.Configure(nil, org)
	h.eventuallyMembers(group, "ben")
	h.slack.ChangeUser(slacktest.User{ID: ben, Name: "ben", Deleted: true})
	if err := h.Directory.refreshGroup(t.Context(), group); err != nil || len(h.Members(group)) != 0 {
		t.Errorf("%q, %v", h.Members(group), err)
	}
}

// TestGroupsLeaveRoom: reading the members of a large group leaves room in the rate limit
// for the account of a person who presses a button, and asks once for each member.
func TestGroupsLeaveRoom(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	var users []string
	for n := range 120 {
		name := fmt.Sprint("p", n)
		users = append(users, h.slack.AddUser(slacktest.User{Name: name, Email: name + "@example.com"}))
	}
	group := h.slack.AddGroup(slacktest.UserGroup{Handle: "all", Name: "All", Members: users})
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	for range 2 { // until as many were asked for as Slack allows
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_ = h.Directory.refreshGroup(ctx, group)
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if a, err := h.Directory.Account(ctx, ana); err != nil || a.Email != "ana@example.com" {
		t.Errorf("the user who presses a button is %+v: %v", a, err)
	}
	if asked := h.slack.Count("users.info"); asked > 91 {
		t.Errorf("%d calls", asked)
	}
}
