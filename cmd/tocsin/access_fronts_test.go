package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// front is one way in which people give commands and read what they may do.
type front struct {
	name string
	// say gives the line of a cell about an incident, and returns everything that
	// is answered, as it is read.
	say func(c cell, id string) string
	// offers returns what the speaker reads of an incident, and the words that it
	// has buttons and forms for; nil where there are none.
	offers func(c cell, id string) (page string, words []string)
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// plain is a text as it is read, whichever way a front marks commands in it.
func plain(text string) string {
	return blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(strings.ReplaceAll(text, "`", ""), "")), " ")
}

// wordsOf returns the words that a pattern finds in a page for an incident, in
// order, each once. Its groups are the word and perhaps the incident.
func wordsOf(page string, pattern *regexp.Regexp, id string) []string {
	var all []string
	for _, m := range pattern.FindAllStringSubmatch(page, -1) {
		if m[2] == "" || m[2] == id {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// exchange makes a request, and returns its status and what was answered.
func (in *installation) exchange(client *http.Client, method, path, body string, header http.Header) (status, answer string) {
	in.Helper()
	r, err := http.NewRequestWithContext(in.Context(), method, in.url+path, strings.NewReader(body))
	if err != nil {
		in.Fatal(err)
	}
	r.Header = header
	res, err := client.Do(r)
	if err != nil {
		in.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		in.Fatal(err)
	}
	return res.Status + " " + res.Header.Get("X-Command-Result"), string(raw)
}

// newCommandFront is the API's commands: an administrator's token acts as Eve; Zoe has
// a token that acts for no person.
func newCommandFront(in *installation) front {
	return front{name: "API", say: func(c cell, id string) string {
		line, token := map[string]string{"text": strings.ReplaceAll(c.line, "%", id)}, "the-token-of-"+c.speaker
		if c.speaker == "eve" {
			line["as"], token = "eve", "api"
		}
		body, err := json.Marshal(line)
		if err != nil {
			in.Fatal(err)
		}
		status, answer := in.exchange(http.DefaultClient, http.MethodPost, "/api/v1/commands", string(body), http.Header{"Authorization": {"Bearer " + token}})
		var reply struct{ Text, Incident string }
		if err := json.Unmarshal([]byte(answer), &reply); err != nil {
			in.Fatalf("%s: %v in %s", line, err, answer)
		}
		return plain(fmt.Sprint(status, reply.Incident, " ", reply.Text))
	}}
}

// newResourceFront is the API's paths, each of which reads the same as a word. Eve has
// a token of her own.
func newResourceFront(in *installation) front {
	paths := map[string]string{"list": "", "show": "/%", "timeline": "/%/timeline", "who": "/%/deliveries", "timers": "/%/timers"}
	return front{name: "API paths", say: func(c cell, id string) string {
		path, ok := paths[c.word.Name]
		if !ok {
			return ""
		}
		status, answer := in.exchange(http.DefaultClient, http.MethodGet, "/api/v1/incidents"+strings.ReplaceAll(path, "%", id), "", http.Header{"Authorization": {"Bearer the-token-of-" + c.speaker}})
		var refused struct{ Error struct{ Message string } }
		if err := json.Unmarshal([]byte(answer), &refused); err != nil {
			in.Fatalf("%s: %v in %s", path, err, answer)
		}
		return status + refused.Error.Message + answer
	}}
}

// pressable finds the buttons of a page, each of which is a form of its own, and
// the forms that it opens.
var pressable = regexp.MustCompile(`(?:hx-sync="this:drop"><input type="hidden" name="text" value="|id="do-|href="#do-)([a-z]+)(?: (INC-\d+))?`)

// signIn returns the browser of a person, with a session that begins at a link that
// they have asked for by their token.
func (in *installation) signIn(name string) *http.Client {
	in.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		in.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	_, answer := in.exchange(http.DefaultClient, http.MethodPost, "/api/v1/commands", `{"text":"web"}`, http.Header{"Authorization": {"Bearer the-token-of-" + name}})
	link := regexp.MustCompile(`/sign-in/[\w-]+`).FindString(answer)
	if status, page := in.exchange(client, http.MethodPost, link, "", http.Header{}); !strings.HasPrefix(status, "200") {
		in.Fatalf("%s cannot sign in: %s %s %s", name, answer, status, page)
	}
	return client
}

// newBrowserFront is the pages.
func newBrowserFront(in *installation) front {
	in.Helper()
	clients := map[string]*http.Client{}
	for _, name := range []string{"eve", "zoe"} {
		clients[name] = in.signIn(name)
	}
	return front{
		name: "browser",
		say: func(c cell, id string) string {
			path := "/declare"
			if c.isAbout() {
				path = "/incidents/" + id + "/do"
			}
			body := url.Values{"text": {strings.ReplaceAll(c.line, "%", id)}}.Encode()
			status, page := in.exchange(clients[c.speaker], http.MethodPost, path, body, http.Header{
				"Content-Type": {"application/x-www-form-urlencoded"}, "Hx-Request": {"true"},
			})
			return status + plain(page)
		},
		offers: func(c cell, id string) (string, []string) {
			status, page := in.exchange(clients[c.speaker], http.MethodGet, "/incidents/"+id, "", http.Header{})
			return status + plain(page), wordsOf(page, pressable, id)
		},
	}
}

// valued finds the buttons and the options of menus in Slack's blocks.
var valued = regexp.MustCompile(`"value":"([a-z]+) (INC-\d+)`)

// newSlackFront is Slack: in the incident's channel its ID is left out. What a person
// may do is on the card that they alone see, and on their Home tab.
func newSlackFront(in *installation) front {
	slash := func(c cell, channel, line string) (blocks, text string) {
		d := in.slack.Slash(in.accounts[c.speaker], channel, "/incident", line)
		var answer struct{ Text string }
		if d.Err != nil || json.Unmarshal(d.Response, &answer) != nil {
			in.Fatalf("/incident %s: %v %s", line, d.Err, d.Response)
		}
		return string(d.Response), plain(answer.Text)
	}
	place := func(c cell, id string) (channel, line string) {
		if !c.isAbout() || id == missing {
			return in.lobby, strings.ReplaceAll(c.line, "%", id)
		}
		return in.channel(id), strings.ReplaceAll(c.line, " %", "")
	}
	homes := map[string]slacktest.View{} // by speaker and access: it is about all incidents
	return front{
		name: "Slack",
		say: func(c cell, id string) string {
			channel, line := place(c, id)
			_, text := slash(c, channel, line)
			return text
		},
		offers: func(c cell, id string) (string, []string) {
			channel, line := in.lobby, "show "+missing
			if id != missing {
				channel, line = in.channel(id), ""
			}
			blocks, text := slash(c, channel, line)
			user, key := in.accounts[c.speaker], fmt.Sprint(c.speaker, c.level)
			home, ok := homes[key]
			if !ok {
				shown := in.slack.CountDone("views.publish")
				if d := in.slack.OpenHome(user); d.Err != nil || !in.slack.Wait(5*time.Second, func() bool { return in.slack.CountDone("views.publish") > shown }) {
					in.Fatalf("there is no Home tab: %v", d.Err)
				}
				home = in.slack.Home(user)
				homes[key] = home
			}
			blocks += string(home.Blocks)
			for _, page := range in.slack.Posts(in.slack.Direct(user).ID) {
				if !c.isHidden() { // an unknown account is paged for a private incident too, and its press is refused
					blocks += string(page.Blocks)
				}
			}
			return text + home.Plain(), wordsOf(blocks, valued, id)
		},
	}
}
