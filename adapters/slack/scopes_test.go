package slack

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// methodName is how methods of the Web API are called.
var methodName = regexp.MustCompile(`^[a-z]+(\.[A-Za-z]+)+$`)

// literals returns the texts in the code of the adapter, without the table of limits, which
// has more methods than are called.
func literals(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	files, err := filepath.Glob("*.go")
	received, e := filepath.Glob("inbound/*.go")
	if err != nil || e != nil || len(received) == 0 {
		t.Fatal(err, e, len(received))
	}
	files = append(files, received...)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "scopes.go" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "limitOf" {
				return false
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil {
					found[text] = true
				}
			}
			return true
		})
	}
	return found
}

// requiredScopes returns the scopes that each method in the code needs, any of which is enough, as
// a strict Slack says to a token that has none.
func requiredScopes(t *testing.T) map[string][]string {
	t.Helper()
	s := slacktest.New(slacktest.Options{Scopes: []string{"identify"}, Unlimited: true})
	t.Cleanup(s.Close)
	found := map[string][]string{}
	for method := range literals(t) {
		if !methodName.MatchString(method) {
			continue
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+method, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.BotToken)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var response struct{ Error, Needed string }
		err = json.NewDecoder(answer.Body).Decode(&response)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if response.Error == "unknown_method" {
			continue // another text with a dot
		}
		found[method] = nil
		if response.Needed != "" {
			found[method] = strings.Split(response.Needed, ",")
		}
	}
	return found
}

// incoming are the scopes for what people do, with the events that they need.
var incoming = map[string][]string{
	"app_mentions:read": {"app_mention"},
	"channels:history":  {"message.channels"},
	"groups:history":    {"message.groups"},
	"im:history":        {"message.im"},
	"reactions:read":    {"reaction_added", "reaction_removed"},
	"commands":          nil, // and no event: the slash commands and shortcuts
}

// TestScopesAreThoseUsed: every method that the code calls has its scope, and every scope is
// needed.
func TestScopesAreThoseUsed(t *testing.T) {
	all, used := names(Scopes()), requiredScopes(t)
	if len(used) < 15 {
		t.Fatalf("only these methods were found in the code: %v", used)
	}
	justified := map[string]bool{}
	for method, needed := range used {
		got := slices.DeleteFunc(slices.Clone(needed), func(s string) bool { return !slices.Contains(all, s) })
		if len(needed) > 0 && len(got) == 0 {
			t.Errorf("%s is called and needs one of %v; the app asks for none of them", method, needed)
		}
		for _, s := range got {
			justified[s] = true
		}
	}
	for scope := range incoming {
		justified[scope] = true
	}
	for _, s := range Scopes() {
		if !justified[s.Name] {
			t.Errorf("the app asks for %s, and nothing that it calls or hears needs it", s.Name)
		}
		if s.Why == "" || s.Without == "" || strings.HasSuffix(s.Why+s.Without, ".") {
			t.Errorf("%s: a reason and a consequence are needed, as parts of a sentence: %+v", s.Name, s)
		}
	}
	if !slices.IsSorted(all) {
		t.Errorf("not in order: %v", all)
	}
}

// TestScopesSuffice makes all calls with exactly the scopes of the manifest, and again
// without each: then Slack must refuse one.
func TestScopesSuffice(t *testing.T) {
	h := newTestApp(t, slacktest.Options{Unlimited: true, Scopes: names(Scopes())})
	callEveryMethod(h)
	for _, c := range h.slack.Calls("") {
		if c.Error == "missing_scope" {
			t.Errorf("%s %v lacks a scope", c.Method, c.Args)
		}
	}
	for _, s := range Scopes() {
		if _, ok := incoming[s.Name]; ok && !strings.HasSuffix(s.Name, ":history") || s.Name == "usergroups:read" {
			continue // nothing that goes out needs it
		}
		t.Run(s.Name, func(t *testing.T) {
			without := slices.DeleteFunc(names(Scopes()), func(name string) bool { return name == s.Name })
			h := newTestApp(t, slacktest.Options{Unlimited: true, Scopes: without})
			callEveryMethod(h)
			if !slices.ContainsFunc(h.slack.Calls(""), func(c slacktest.Call) bool { return c.Error == "missing_scope" }) {
				t.Errorf("Slack refuses nothing without %s", s.Name)
			}
		})
	}
}

// callEveryMethod makes all calls that the client makes by itself, and continues when one is
// refused.
func callEveryMethod(h *testApp) {
	ctx := h.t.Context()
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	h.slack.AddChannel(slacktest.Channel{Name: "incidents", Members: []string{ana}})
	message := card.Content{Title: "INC-7", Text: "Checkout is down."}
	for _, private := range []bool{false, true} {
		r := request(private)
		if private {
			r.Incident, r.Key, r.Name = "INC-8", "INC-8/2.0", "inc-8-secret"
		}
		room, err := h.anotherProcess().OpenRoom(ctx, r)
		if err != nil {
			room = h.byHand(r)
		}
		_, _ = h.anotherProcess().OpenRoom(ctx, r) // it is there already, and is found
		for _, again := range []bool{false, true} {
			w := h.anotherProcess()
			at, _ := w.ShowCard(ctx, bot.RoomCard{Key: r.Incident + "/card", Incident: r.Incident, Room: room, Again: again, Content: message})
			_ = w.Post(ctx, bot.RoomPost{Key: r.Key + "/post", Incident: r.Incident, Room: room, Again: again, Content: message})
			_ = w.Post(ctx, bot.RoomPost{Key: r.Key + "/reply", Incident: r.Incident, Room: room, ReplyTo: at, Again: again, Content: message})
			for _, step := range []string{workflow.StepTopic, workflow.StepPin, workflow.StepBookmarks} {
				_ = w.SetUpRoom(ctx, bot.RoomWork{
					Key: r.Key + "/" + step, Incident: r.Incident, Room: room, Step: step, Again: again, Card: at, Title: "Checkout is down",
					Links: []card.Button{{Label: "Runbook", URL: "https://example.com/runbook"}},
				})
			}
			_ = w.PageAgain(ctx, bot.Page{Key: r.Key + "/page", Address: ana, Content: message})
		}
		w := h.anotherProcess()
		_, _ = w.ShowCard(ctx, bot.RoomCard{Key: r.Incident + "/announce", Incident: r.Incident, Place: workflow.Announce, Room: room, Content: message})
		_ = w.Page(ctx, bot.Page{Key: r.Key + "/ops", Address: "#ops", Content: message})
		_ = w.Invite(ctx, bot.Invitation{Key: r.Key + "/invite", Incident: r.Incident, Room: room, People: []bot.Invitee{{ID: "ana", Email: "ana@example.com"}}})
		_, _ = w.Directory.Account(ctx, ana)
		_ = w.CloseRoom(ctx, bot.RoomWork{Key: r.Key + "/close", Incident: r.Incident, Room: room})
	}
}

// byHand returns a channel that people have created, because the app may not.
func (h *testApp) byHand(r bot.RoomRequest) workflow.Room {
	id := h.slack.AddChannel(slacktest.Channel{Name: r.Name, Private: r.Private, Members: []string{h.slack.BotUser}})
	return workflow.Room{Platform: Platform, ID: id, Name: r.Name, State: workflow.RoomOpen, Private: r.Private}
}

// TestRoomWithoutItsScopeToFindIt: without the scope to see channels, the app cannot tell
// whether a channel whose name is taken is its own; the room gets another name.
func TestRoomWithoutItsScopeToFindIt(t *testing.T) {
	for scope, unseen := range map[string]bool{"channels:read": false, "groups:read": true} {
		all := slices.DeleteFunc(names(Scopes()), func(s string) bool { return s == scope })
		for _, private := range []bool{false, true} {
			h := newTestApp(t, slacktest.Options{Unlimited: true, Scopes: all})
			first, err := h.anotherProcess().OpenRoom(t.Context(), request(private))
			if err != nil {
				t.Fatal(err)
			}
			again, err := h.anotherProcess().OpenRoom(t.Context(), request(private))
			if err != nil || (again.ID == first.ID) == (private == unseen) {
				t.Errorf("without %s, private=%v: %q and %q, %v", scope, private, first.Name, again.Name, err)
			}
		}
	}
}

// TestEventsAreDelivered: with the scopes and events of the manifest Slack sends the app all
// events that it handles, and each event only with its scope.
func TestEventsAreDelivered(t *testing.T) {
	delivered := deliverEvents(t, names(Scopes()))
	for _, event := range BotEvents() {
		if !slices.Contains(delivered, event) {
			t.Errorf("%s is not delivered; delivered are only %v", event, delivered)
		}
	}
	for scope, events := range incoming {
		delivered := deliverEvents(t, slices.DeleteFunc(names(Scopes()), func(s string) bool { return s == scope }))
		for _, event := range events {
			if slices.Contains(delivered, event) {
				t.Errorf("%s is delivered without %s", event, scope)
			}
		}
	}
}

// TestEventsAreHandled: the code has a case for each event of the manifest.
func TestEventsAreHandled(t *testing.T) {
	known := literals(t)
	for _, event := range BotEvents() {
		if kind, _, _ := strings.Cut(event, "."); !known[kind] {
			t.Errorf("the app asks for %s, and nothing in the code is called %q", event, kind)
		}
	}
	for _, event := range slacktest.AllEvents() {
		if known[event] && !slices.Contains(BotEvents(), event) {
			t.Errorf("the code knows the event %s, and the app does not ask for it", event)
		}
	}
}

// deliverEvents has people do what the app is subscribed to, and returns the events that
// reached it.
func deliverEvents(t *testing.T, scopes []string) []string {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(app.Close)
	s := slacktest.New(slacktest.Options{Scopes: scopes, Events: BotEvents(), RequestURL: app.URL + "/slack/", AckTimeout: 30 * time.Second})
	t.Cleanup(s.Close)
	ana := s.AddUser(slacktest.User{Name: "ana"})
	both := []string{ana, s.BotUser}
	public := s.AddChannel(slacktest.Channel{Name: "inc-7", Members: both})
	private := s.AddChannel(slacktest.Channel{Name: "inc-8", Private: true, Members: both})
	var delivered []string
	note := func(event string, d slacktest.Delivery) slacktest.Message {
		if d.Err == nil {
			delivered = append(delivered, event)
		}
		return d.Message
	}
	note("app_home_opened", s.OpenHome(ana))
	message := note("message.channels", s.Say(ana, public, "it is the database", ""))
	note("message.groups", s.Say(ana, private, "it is the database", ""))
	note("message.im", s.Say(ana, s.Direct(ana).ID, "list", ""))
	note("app_mention", s.Mention(ana, public, "list", ""))
	note("reaction_added", s.React(ana, public, message.TS, "pushpin"))
	note("reaction_removed", s.Unreact(ana, public, message.TS, "pushpin"))
	return delivered
}

// TestUserScopesSuffice: with them an archived channel comes back.
func TestUserScopesSuffice(t *testing.T) {
	for _, private := range []bool{false, true} {
		h := newTestApp(t, slacktest.Options{Unlimited: true, Scopes: names(Scopes()), UserScopes: names(UserScopes())})
		w := h.connectWith(func(c *Config) { c.UserToken = h.slack.UserToken })
		r := request(private)
		room, err := w.OpenRoom(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if private { // a user's token reaches only where the user is
			h.slack.Join(h.slack.Installer, room.ID)
		}
		if err = w.CloseRoom(t.Context(), bot.RoomWork{Room: room}); err != nil {
			t.Fatal(err)
		}
		r.Was, r.Since = room, bottest.Epoch
		back, err := w.OpenRoom(t.Context(), r)
		if err != nil || back.ID != room.ID || h.slack.Channel(room.ID).Archived {
			t.Errorf("private=%v: %+v, %v", private, back, err)
		}
	}
}
