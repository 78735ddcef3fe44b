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

// reader is a browser that is signed in.
type reader struct {
	h      *house
	cookie string
}

// signInPath makes a link for a speaker, and returns its path.
func (h *house) signInPath(s access.Speaker, to string) string {
	h.t.Helper()
	link, err := h.bot.SignIn.Link(h.t.Context(), s, to)
	if err != nil {
		h.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(u.Path, "/sign-in/") {
		h.t.Fatalf("the link is %q: %v", link, err)
	}
	return u.Path
}

// person is a configured person, as a speaker.
func (h *house) person(id string) access.Speaker {
	h.t.Helper()
	s, ok := access.Person(h.bot.Organization(), id)
	if !ok {
		h.t.Fatalf("who is %s?", id)
	}
	return s
}

// operator is the token of whoever sits at the machine.
func operator() access.Speaker {
	return access.Speaker{Name: "operator", Access: commands.Admin, Token: "operator"}
}

// enter presses the button of a sign-in page.
func (h *house) enter(path string, form url.Values) page {
	h.t.Helper()
	return h.ask("POST", path, form.Encode(), "Sec-Fetch-Site: same-origin")
}

// cookie is the session that an answer begins.
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
func (h *house) signIn(s access.Speaker, form url.Values) reader {
	h.t.Helper()
	p := h.enter(h.signInPath(s, "/"), form)
	if p.status != http.StatusSeeOther {
		h.t.Fatalf("not signed in: %d\n%s", p.status, p.body())
	}
	return reader{h, p.cookie().Value}
}

// as signs a configured person in.
func (h *house) as(person string) reader {
	h.t.Helper()
	return h.signIn(h.person(person), nil)
}

// guest signs somebody in who is nobody in particular.
func (h *house) guest(name string, level commands.Access) reader {
	h.t.Helper()
	return h.signIn(access.Speaker{Name: name, Access: level, Token: "api"}, nil)
}

func (r reader) ask(method, path, form string, header ...string) page {
	r.h.t.Helper()
	return r.h.ask(method, path, form, append([]string{"Cookie: tocsin_session=" + r.cookie}, header...)...)
}

func (r reader) get(path string, header ...string) page {
	r.h.t.Helper()
	return r.ask("GET", path, "", header...)
}

// post sends a form as one of our own pages does, without a script.
func (r reader) post(path string, form url.Values, header ...string) page {
	r.h.t.Helper()
	return r.ask("POST", path, form.Encode(), append([]string{"Sec-Fetch-Site: same-origin"}, header...)...)
}

// hx sends a form as one of our own pages does, with a script.
func (r reader) hx(path string, form url.Values) page {
	r.h.t.Helper()
	return r.post(path, form, "HX-Request: true")
}

// run gives a command in a room, as a button does.
func (r reader) run(id, line string) page {
	r.h.t.Helper()
	return r.post("/incidents/"+id+"/do", url.Values{"text": {line}})
}

// say types into the box of a room.
func (r reader) say(id, text string) page {
	r.h.t.Helper()
	return r.post("/incidents/"+id+"/do", url.Values{"text": {text}, "box": {"1"}})
}

// press sends a form of a page as it is filled in, and what is given more; tap
// does so with a script.
func (r reader) press(s sheet, more url.Values) page {
	r.h.t.Helper()
	return r.post(s.action, s.with(more))
}

func (r reader) tap(s sheet, more url.Values) page {
	r.h.t.Helper()
	return r.hx(s.action, s.with(more))
}

// with is what a form sends once more is filled in.
func (s sheet) with(more url.Values) url.Values {
	form := maps.Clone(s.fields)
	maps.Copy(form, more)
	return form
}

// peek is an incident as it is.
func (h *house) peek(id string) workflow.Incident {
	h.t.Helper()
	i, err := h.bot.LoadUnchecked(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

// said is what people have said in an incident.
func (h *house) said(id string) []string {
	h.t.Helper()
	all, err := h.store.Store.Talk(h.t.Context(), id, 0, 1000)
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

// guests configures a house in which somebody is only a guest: Ana responds,
// Ben commands, Cy is a guest.
func guests(org *bot.Organization) {
	org.DefaultAccess = commands.Guest
	for n, access := range []commands.Access{commands.Responder, commands.Commander, commands.Guest} {
		org.Directory.People[n].Access = access
	}
}

// plain is an address that a browser reaches without encryption.
func plain(org *bot.Organization) { org.URL = "http://tocsin.example.com" }

// alert fires an alert, and carries out what that owes.
func (h *house) alert(a alerts.Alert) {
	h.t.Helper()
	if a.State == "" {
		a.State = "firing"
	}
	if _, err := h.bot.Intake.Receive(h.t.Context(), "alertmanager", []alerts.Alert{a}); err != nil {
		h.t.Fatal(err)
	}
	h.later(0)
}
