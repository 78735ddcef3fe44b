package web_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/commands"
	"tocsin/workflow"
)

// reader is a signed-in browser.
type reader struct {
	h      *testServer
	cookie string
}

// signInPath returns the path of a new sign-in link for a speaker.
func (h *testServer) signInPath(s access.Speaker, to string) string {
	h.t.Helper()
	if t, ok := h.bot.Organization().Token(s.Token); ok && s.Key == (access.Key{}) {
		s.Key = access.KeyOf(t)
	}
	link, err := h.bot.SignIn.CreateLink(h.t.Context(), s, to)
	if err != nil {
		h.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(u.Path, "/sign-in/") {
		h.t.Fatalf("the link is %q: %v", link, err)
	}
	return u.Path
}

// person returns the speaker of a configured person.
func (h *testServer) person(id string) access.Speaker {
	h.t.Helper()
	s, ok := access.Person(h.bot.Organization(), id)
	if !ok {
		h.t.Fatalf("who is %s?", id)
	}
	return s
}

// operator is the speaker with shell access to the server.
func operator() access.Speaker {
	return access.Speaker{Name: "operator", Access: commands.Admin, Token: "operator"}
}

// submitSignIn submits the form of a sign-in page.
func (h *testServer) submitSignIn(path string, form url.Values) page {
	h.t.Helper()
	return h.send("POST", path, form.Encode(), "Sec-Fetch-Site: same-origin")
}

// cookie returns the session cookie of a response.
func (p page) cookie() *http.Cookie {
	p.t.Helper()
	for _, line := range p.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			p.t.Fatal(err)
		}
		if c.Name == "tocsin_session" {
			return c
		}
	}
	p.t.Fatalf("answer %d sets no cookie: %v\n%s", p.status, p.header, p.html)
	return nil
}

// signIn signs a speaker in by a link.
func (h *testServer) signIn(s access.Speaker, form url.Values) reader {
	h.t.Helper()
	p := h.submitSignIn(h.signInPath(s, "/"), form)
	if p.status != http.StatusSeeOther {
		h.t.Fatalf("not signed in: %d\n%s", p.status, p.body())
	}
	return reader{h, p.cookie().Value}
}

// signInAs signs a configured person in.
func (h *testServer) signInAs(person string) reader {
	h.t.Helper()
	return h.signIn(h.person(person), nil)
}

// signInGuest signs in a reader who is not a configured person, by the token of that
// name, if there is one.
func (h *testServer) signInGuest(name string, level commands.Access) reader {
	h.t.Helper()
	s := access.Speaker{Name: name, Access: level, Token: name}
	if _, ok := h.bot.Organization().Token(name); !ok {
		s.Token = "api"
	}
	return h.signIn(s, nil)
}

func (r reader) send(method, path, form string, header ...string) page {
	r.h.t.Helper()
	return r.h.send(method, path, form, append([]string{"Cookie: tocsin_session=" + r.cookie}, header...)...)
}

func (r reader) get(path string, header ...string) page {
	r.h.t.Helper()
	return r.send("GET", path, "", header...)
}

// post submits a form as one of our own pages does without JavaScript.
func (r reader) post(path string, form url.Values, header ...string) page {
	r.h.t.Helper()
	return r.send("POST", path, form.Encode(), append([]string{"Sec-Fetch-Site: same-origin"}, header...)...)
}

// postHX submits a form as one of our own pages does with JavaScript.
func (r reader) postHX(path string, form url.Values) page {
	r.h.t.Helper()
	return r.post(path, form, "HX-Request: true")
}

// runCommand runs a command in a room, as a button does.
func (r reader) runCommand(id, line string) page {
	r.h.t.Helper()
	return r.post("/incidents/"+id+"/do", url.Values{"text": {line}})
}

// sendMessage sends a text from the message box of a room.
func (r reader) sendMessage(id, text string) page {
	r.h.t.Helper()
	return r.post("/incidents/"+id+"/do", url.Values{"text": {text}, "box": {"1"}})
}

// submit submits a form of a page with more values; submitHX does so with
// JavaScript.
func (r reader) submit(s pageForm, more url.Values) page {
	r.h.t.Helper()
	return r.post(s.action, s.values(more))
}

func (r reader) submitHX(s pageForm, more url.Values) page {
	r.h.t.Helper()
	return r.postHX(s.action, s.values(more))
}

// values returns the form's values together with more.
func (s pageForm) values(more url.Values) url.Values {
	form := maps.Clone(s.fields)
	maps.Copy(form, more)
	return form
}

// load returns an incident without an access check.
func (h *testServer) load(id string) workflow.Incident {
	h.t.Helper()
	i, err := h.bot.LoadUnchecked(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

// messages returns the messages of people in an incident.
func (h *testServer) messages(id string) []string {
	h.t.Helper()
	all, err := h.store.Store.Messages(h.t.Context(), id, 0, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	var texts []string
	for _, one := range all {
		var r bot.Message
		if err := json.Unmarshal(one.Body, &r); err != nil {
			h.t.Fatal(err)
		}
		if r.Event == 0 {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

// guests configures a server where Ana is a responder, Ben a commander and Cy a
// guest.
func guests(org *bot.Organization) {
	org.DefaultAccess = commands.Guest
	for n, access := range []commands.Access{commands.Responder, commands.Commander, commands.Guest} {
		org.Directory.People[n].Access = access
	}
}

// plain configures an address without encryption.
func plain(org *bot.Organization) { org.URL = "http://tocsin.example.com" }

// fireAlert receives an alert, and runs the tasks that it owes.
func (h *testServer) fireAlert(a alerts.Alert) {
	h.t.Helper()
	if a.State == "" {
		a.State = "firing"
	}
	if _, err := h.bot.Intake.Receive(h.t.Context(), "alertmanager", []alerts.Alert{a}); err != nil {
		h.t.Fatal(err)
	}
	h.advance(0)
}
