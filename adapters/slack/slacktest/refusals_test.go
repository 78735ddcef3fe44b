package slacktest_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/slack/slacktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// compareGolden compares a text with a golden file.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (-want +got); -update rewrites it\n%s", name, diff)
	}
}

// validCalls are calls that succeed in a new workspace, one for each method that takes arguments. A word that begins with $
// stands for an ID or a text of that workspace.
const validCalls = `
auth.test
bookmarks.add channel_id=$room title=Runbook type=link link=https://example.com emoji=:fire:
bookmarks.edit channel_id=$room bookmark_id=$bookmark title=Runbook link=https://example.com emoji=:fire:
bookmarks.list channel_id=$room
bookmarks.remove channel_id=$room bookmark_id=$bookmark
chat.delete channel=$room ts=$card
chat.getPermalink channel=$room message_ts=$card
chat.postEphemeral channel=$room user=$ana text=hello blocks=$blocks thread_ts=$card
chat.postMessage channel=$room text=hello blocks=$blocks metadata=$metadata thread_ts=$card reply_broadcast=true
chat.update channel=$room ts=$card text=hello blocks=$blocks metadata=$metadata
conversations.archive channel=$room
conversations.create name=new-1 is_private=false
conversations.history channel=$room oldest=1.1 latest=2000000000.000001 inclusive=true limit=10 include_all_metadata=true
conversations.info channel=$room include_num_members=true
conversations.invite channel=$room users=$ben force=false
conversations.join channel=$general
conversations.list types=public_channel,private_channel limit=10 exclude_archived=true
conversations.members channel=$room limit=10
conversations.open users=$ana return_im=true
conversations.open channel=$direct
conversations.rename channel=$room name=new-1
conversations.replies channel=$room ts=$card oldest=1.1 latest=2000000000.000001 limit=10
conversations.setPurpose channel=$room purpose=disk
conversations.setTopic channel=$room topic=disk
conversations.unarchive channel=$archived
pins.add channel=$room timestamp=$card
pins.remove channel=$room timestamp=$pinned
reactions.add channel=$room timestamp=$card name=eyes
reactions.get channel=$room timestamp=$card
usergroups.list include_users=true
usergroups.users.list usergroup=$group
usergroups.users.update usergroup=$group users=$ana,$ben
users.conversations types=public_channel user=$ana limit=10
users.info user=$ana
users.lookupByEmail email=ana@example.com
views.open trigger_id=$trigger view=$modal
views.publish user_id=$ana view=$home hash=$homehash
views.push trigger_id=$within view=$modal
views.update view_id=$view view=$modal hash=$viewhash
`

// otherValues returns the values that replace an argument, one after the other, by its name. "a*251" is 251 times the
// letter.
func otherValues() map[string]string {
	channel := "C404 #room room $private $archived $private-archived $general $elsewhere $hidden $direct $ana $robot"
	timestamp := "x 1.000001 $card $reply $foreign $joined $deleted $pinned $old-card"
	user := "U404 $ana $ben $guest $stranger $robot $gone $self"
	text := "%20 a*4000 a*4001 ä*4001 a*40000 a*40001 ä*40001 &amp; %ff"
	return map[string]string{
		"channel": channel, "channel_id": channel, "ts": timestamp, "timestamp": timestamp, "message_ts": timestamp, "thread_ts": timestamp,
		"user": user, "user_id": user, "users": user + " , $ana,$ben $ana,U404 U404,$gone $ben,$ben $ana,*101", "usergroup": "S404 sre",
		"text": text, "topic": "a*250 a*251 ä*251", "purpose": "a*250 a*251 ä*251", "title": "%20 %ff a*300",
		"blocks":   `[] {} { x [{}] [1] $blocks-bad $blocks-51 $blocks-long`,
		"metadata": `{} [ [] null {"event_type":"a"} {"event_payload":{}} {"event_type":1,"event_payload":{}} {"event_type":"a%20b","event_payload":{}} {"event_type":"","event_payload":{}} {"event_type":"a","event_payload":[]} {"event_type":"a","event_payload":null} {"event_type":"a","event_payload":{"":1}} {"event_type":"a","event_payload":{"k":null}} {"event_type":"a","event_payload":{"k":[1,"x",true]}} {"event_type":"a","event_payload":{"k":["x"]}} {"event_type":"a","event_payload":{"k":[["x"]]}} {"event_type":"a","event_payload":{"k":[{"x":"y"},{"n":1}]}} {"event_type":"a","event_payload":{"k":{"x":true}}} {"event_type":"a","event_payload":{"k":{"x":{}}}} {"event_type":"a","event_payload":{"k":[{"x":["y"]}]}} {"event_type":"a","event_payload":{},"more":1} $metadata-long`,
		"name":     "Inc-1 inc%201 inc.1 störung -- _ a_b-1 a*80 a*81 room archived :x: eyes eyes::skin-tone-2 eyes::skin-tone-7 thumbsup +1",
		"oldest":   "now 1 1.1 1.1234567 1234567890123 -1", "latest": "now 1 1.1 1.1234567 1234567890123 -1", "limit": "0 1 999 1000 1001 -1 x 1.5",
		"types": "im mpim secret public_channel,secret , private_channel,im", "cursor": "next",
		"type": "file link", "link": "ftp://x http://example.com example.com", "emoji": "fire :Fire: :fire :+1: ::",
		"bookmark_id": "Bk404", "email": "nobody@example.com ANA@example.com gone@example.com stranger@example.com",
		"trigger_id": "1.2.abc $within $used", "view": `{ [] {} {"type":"modal"} $modal $home $modal-input $modal-external $modal-large`,
		"view_id": "V404 $homeview", "hash": "1.abc", "external_id": "taken nobody", "attachments": "[] [{}]", "markdown_text": "x", "nonsense": "x",
	}
}

// Calls every method with each argument missing and with other values, and with every kind of token. Each row of the golden
// file has an answer and the calls that got it. Compare it with the method's page below docs.slack.dev/reference/methods.
func TestRefusals(t *testing.T) {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(validCalls), "\n") {
		words := strings.Fields(line)
		fmt.Fprintf(&b, "\n%s\n", line)
		valid := map[string]string{}
		for _, pair := range words[1:] {
			name, value, _ := strings.Cut(pair, "=")
			valid[name] = value
		}
		w := &workspace{t: t, method: words[0], answers: map[string][]string{}}
		w.recordRow("bot", valid, "")
		w.recordRow("user", valid, "with a user token")
		w.recordRow("app", valid, "with an app token")
		w.recordRow("none", valid, "without scopes")
		names := []string{"nonsense"}
		for prefix, more := range map[string][]string{
			"chat.p": {"attachments", "markdown_text"}, "chat.update": {"attachments", "markdown_text", "thread_ts"},
			"conversations.list": {"cursor"}, "conversations.members": {"cursor"}, "views.update": {"external_id"},
		} {
			if strings.HasPrefix(words[0], prefix) {
				names = append(names, more...)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(valid)) {
			without := maps.Clone(valid)
			delete(without, name)
			w.recordRow("bot", without, "without "+name)
			names = append(names, name)
		}
		if valid["text"] != "" {
			w.recordRow("bot", map[string]string{"channel": valid["channel"], "ts": valid["ts"], "user": valid["user"]}, "without text and blocks")
		}
		slices.Sort(names)
		for _, name := range names {
			w.recordRow("bot", replaceArgument(valid, name, ""), name+"=")
			for value := range strings.FieldsSeq(otherValues()[name]) {
				w.recordRow("bot", replaceArgument(valid, name, value), name+"="+value)
			}
		}
		w.close()
		w.write(&b)
	}
	compareGolden(t, "refusals.golden.txt", strings.TrimSpace(b.String())+"\n")
}

// replaceArgument returns the arguments with another value for one of them.
func replaceArgument(valid map[string]string, name, value string) map[string]string {
	args := maps.Clone(valid)
	args[name] = value
	return args
}

// workspace is a workspace with one thing of each kind. It is replaced after every call that succeeds, so that each call
// finds the same state.
type workspace struct {
	t      *testing.T
	method string
	a      app
	ids    map[string]string
	// answers are the calls, by their answer.
	answers map[string][]string
}

func (w *workspace) close() {
	if w.a.s != nil {
		w.a.s.Close()
		w.a.s = nil
	}
}

// recordRow makes one call and records its answer.
func (w *workspace) recordRow(token string, given map[string]string, what string) {
	if w.a.s == nil {
		w.fill()
	}
	a := w.a
	switch token {
	case "user":
		a = a.as(a.s.UserToken)
	case "app":
		a = a.as(a.s.AppToken)
	case "none":
		a.s.SetScopes([]string{"commands"})
		defer w.close()
	}
	var pairs []string
	for name, value := range given {
		if value != "" || strings.HasSuffix(what, "=") {
			pairs = append(pairs, name, w.expand(value))
		}
	}
	got := a.call(w.method, pairs...)
	result := text(got, "error")
	if needed := text(got, "needed"); needed != "" {
		result += ", needed: " + needed
	}
	if result == "" {
		result = "ok"
		w.close()
	}
	if what == "" {
		what = "as it is"
	}
	w.answers[result] = append(w.answers[result], what)
}

// write lists the calls by their answer.
func (w *workspace) write(b *strings.Builder) {
	for _, result := range slices.Sorted(maps.Keys(w.answers)) {
		fmt.Fprintf(b, "  %s: %s\n", result, strings.Join(w.answers[result], ", "))
	}
}

// expand replaces $ names, repetitions and escapes in a value.
func (w *workspace) expand(value string) string {
	if letter, times, ok := strings.Cut(value, "*"); ok && times != "" {
		n := 0
		if _, err := fmt.Sscan(times, &n); err != nil {
			w.t.Fatal(err)
		}
		return strings.Repeat(w.expand(letter), n)
	}
	replaced := []string{"%20", " ", "%ff", "\xff"}
	for _, name := range slices.SortedFunc(maps.Keys(w.ids), func(a, b string) int { return len(b) - len(a) }) {
		replaced = append(replaced, "$"+name, w.ids[name])
	}
	return strings.NewReplacer(replaced...).Replace(value)
}

// fill starts the server and creates everything that calls refer to.
func (w *workspace) fill() {
	s := slacktest.New(slacktest.Options{Unlimited: true, Events: []string{}, Now: newClock().now})
	w.t.Cleanup(s.Close)
	w.a = app{w.t, s, s.BotToken}
	ana := s.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	id := map[string]string{
		"ana": ana, "ben": s.AddUser(slacktest.User{Name: "ben"}), "self": s.BotUser,
		"guest":    s.AddUser(slacktest.User{Name: "cleo", Restricted: true}),
		"stranger": s.AddUser(slacktest.User{Name: "eve", Stranger: true, Email: "stranger@example.com"}),
		"robot":    s.AddUser(slacktest.User{Name: "robot", Bot: true}),
		"gone":     s.AddUser(slacktest.User{Name: "dan", Deleted: true, Email: "gone@example.com"}),
	}
	both := []string{ana, s.BotUser}
	id["group"] = s.AddGroup(slacktest.UserGroup{Handle: "sre", Members: []string{ana}})
	id["general"] = s.AddChannel(slacktest.Channel{Name: "general", General: true, Members: both})
	id["elsewhere"] = s.AddChannel(slacktest.Channel{Name: "elsewhere", Members: []string{ana}})
	id["hidden"] = s.AddChannel(slacktest.Channel{Name: "hidden", Private: true, Members: []string{ana}})
	id["private"] = s.AddChannel(slacktest.Channel{Name: "private", Private: true, Members: both, Creator: s.BotUser})
	for _, name := range []string{"room", "archived"} {
		id[name] = s.AddChannel(slacktest.Channel{Name: name, Members: []string{s.BotUser}, Creator: s.BotUser})
	}
	id["private-archived"] = s.AddChannel(slacktest.Channel{Name: "private-archived", Private: true, Archived: true, Members: both})
	id["direct"] = text(w.a.do("conversations.open", "users", ana), "channel", "id")
	s.Join(ana, id["room"])
	id["joined"] = s.Messages(id["room"])[0].TS
	for _, name := range []string{"card", "pinned", "deleted"} {
		id[name] = w.a.post(id["room"], name)
	}
	id["reply"] = w.a.post(id["room"], "reply", "thread_ts", id["card"])
	id["foreign"] = s.Say(ana, id["room"], "hello", "").Message.TS
	id["old-card"] = w.a.post(id["archived"], "card")
	w.a.do("chat.delete", "channel", id["room"], "ts", id["deleted"])
	s.Archive(ana, id["archived"])
	w.ids = id
	w.addTexts()
	switch family, _, _ := strings.Cut(w.method, "."); family {
	case "pins":
		w.a.do("pins.add", "channel", id["room"], "timestamp", id["pinned"])
	case "bookmarks":
		id["bookmark"] = text(w.a.do("bookmarks.add", "channel_id", id["room"], "title", "x", "type", "link", "link", "https://a.example"), "bookmark", "id")
	case "views":
		w.addViews(ana)
	}
}

// addTexts adds the texts that calls refer to.
func (w *workspace) addTexts() {
	w.ids["blocks"] = `[{"type":"section","text":{"type":"mrkdwn","text":"hello"}}]`
	w.ids["blocks-bad"] = `[{"type":"section"}]`
	w.ids["blocks-51"] = "[" + times(51, divider) + "]"
	w.ids["blocks-long"] = "[" + times(5, `{"type":"section","text":`+mrkdwn(3000)+`}`) + "]"
	w.ids["metadata"] = `{"event_type":"tocsin","event_payload":{"id":"1"}}`
	w.ids["metadata-long"] = `{"event_type":"tocsin","event_payload":{"id":"` + strings.Repeat("x", 8000) + `"}}`
	modal := func(more, blocks string) string {
		return `{"type":"modal","title":` + plain(1) + more + `,"blocks":[` + blocks + `]}`
	}
	w.ids["modal"], w.ids["modal-input"] = modal("", divider), modal("", input(`{"type":"plain_text_input"}`))
	w.ids["modal-external"] = modal(`,"external_id":"taken"`, divider)
	w.ids["modal-large"] = modal("", divider+strings.Repeat(" ", 250_000))
	w.ids["home"] = `{"type":"home","blocks":[` + divider + `]}`
}

// addViews opens the views that calls refer to.
func (w *workspace) addViews(user string) {
	s, id := w.a.s, w.ids
	id["used"] = s.NewTrigger(user)
	opened := w.a.do("views.open", "trigger_id", id["used"], "view", strings.Replace(id["modal-external"], divider, actions(`{"type":"button","action_id":"go","text":`+plain(1)+`}`), 1))
	id["view"], id["viewhash"] = text(opened, "view", "id"), text(opened, "view", "hash")
	home := w.a.do("views.publish", "user_id", user, "view", id["home"])
	id["homeview"], id["homehash"] = text(home, "view", "id"), text(home, "view", "hash")
	if id["within"] = ""; w.method == "views.push" || w.method == "views.open" {
		connection := w.a.connect(acknowledge)
		id["within"] = s.ClickInView(user, id["view"], "go").TriggerID
		connection.conn.Close()
	}
	id["trigger"] = s.NewTrigger(user)
}
