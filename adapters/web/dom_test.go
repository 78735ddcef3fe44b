package web_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// element is one element of a parsed page.
type element struct {
	name   string
	attr   map[string]string
	parent *element
	inner  []*element
	words  strings.Builder // the text of the element and of everything in it
}

// dom parses a page or a fragment. Pages are written so that the lenient mode
// of encoding/xml can parse them.
func dom(t testing.TB, html string) *element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	root := &element{}
	at := root
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatalf("the page cannot be read: %v\n%s", err, html)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}, parent: at}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			at.inner = append(at.inner, e)
			at = e
		case xml.EndElement:
			at = at.parent
		case xml.CharData:
			for e := at; e != nil; e = e.parent {
				e.words.Write(token)
			}
		}
	}
}

// dom parses the page.
func (p page) dom() *element {
	p.t.Helper()
	return dom(p.t, p.html)
}

func (e *element) text() string { return strings.Join(strings.Fields(e.words.String()), " ") }

// all returns the elements within for which passes is true, in the order of the page.
func (e *element) all(passes func(*element) bool) []*element {
	var found []*element
	for _, one := range e.inner {
		if passes(one) {
			found = append(found, one)
		}
		found = append(found, one.all(passes)...)
	}
	return found
}

// named returns the elements with these names.
func (e *element) named(names ...string) []*element {
	return e.all(func(one *element) bool { return slices.Contains(names, one.name) })
}

// id returns the element with an id, or nil.
func (e *element) id(id string) *element {
	found := e.all(func(one *element) bool { return one.attr["id"] == id })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func (e *element) hasAttribute(attribute string) bool {
	_, ok := e.attr[attribute]
	return ok
}

// pageForm is a form of a page, as a browser would submit it.
type pageForm struct {
	id, action string
	fields     url.Values // the current values
	names      []string   // the names of all controls
	button     string
}

// line returns the form's command, if it has one.
func (s pageForm) line() string { return s.fields.Get("text") }

// forms returns the forms of a page that are submitted with POST.
func (p page) forms() []pageForm {
	p.t.Helper()
	root := p.dom()
	var all []pageForm
	for _, f := range root.named("form") {
		if f.attr["method"] == "post" {
			all = append(all, newPageForm(root, f))
		}
	}
	return all
}

func newPageForm(root, f *element) pageForm {
	s := pageForm{id: f.attr["id"], action: f.attr["action"], fields: url.Values{}}
	controls := f.named("input", "textarea", "select")
	if s.id != "" {
		controls = append(controls, root.all(func(e *element) bool { return e.attr["form"] == s.id })...)
	}
	for _, c := range controls {
		name := c.attr["name"]
		if name == "" {
			continue
		}
		s.names = append(s.names, name)
		switch {
		case c.name == "textarea":
			s.fields.Add(name, strings.TrimPrefix(c.words.String(), "\n"))
		case c.name == "select":
			s.choose(c)
		case (c.attr["type"] == "checkbox" || c.attr["type"] == "radio") && !c.hasAttribute("checked"):
		default:
			s.fields.Add(name, c.attr["value"])
		}
	}
	for _, b := range f.named("button") {
		s.button = b.text()
	}
	return s
}

// choose adds the selected options of a list; a list with a single choice always has one.
func (s *pageForm) choose(list *element) {
	options := list.named("option")
	value := func(o *element) string {
		if o.hasAttribute("value") {
			return o.attr["value"]
		}
		return o.text()
	}
	chosen := false
	for _, o := range options {
		if o.hasAttribute("selected") {
			s.fields.Add(list.attr["name"], value(o))
			chosen = true
		}
	}
	if !chosen && !list.hasAttribute("multiple") && len(options) > 0 {
		s.fields.Add(list.attr["name"], value(options[0]))
	}
}

// form returns the form with this button.
func (p page) form(button string) pageForm {
	p.t.Helper()
	for _, s := range p.forms() {
		if s.button == button {
			return s
		}
	}
	p.t.Fatalf("no form has a button %q:\n%s", button, p.body())
	return pageForm{}
}

// region returns the text of a live region.
func (p page) region(name string) string {
	p.t.Helper()
	e := p.dom().id("live-" + name)
	if e == nil {
		p.t.Fatalf("there is no region %s:\n%s", name, p.body())
	}
	return e.text()
}

// heading returns the text of the page's only h1.
func (p page) heading() string {
	p.t.Helper()
	all := p.dom().named("h1")
	if len(all) != 1 {
		p.t.Fatalf("%d h1 elements:\n%s", len(all), p.body())
	}
	return all[0].text()
}
