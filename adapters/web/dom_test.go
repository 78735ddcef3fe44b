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

// element is one element of a page, as a browser would see it.
type element struct {
	name   string
	attr   map[string]string
	parent *element
	inner  []*element
	words  strings.Builder // of itself and of everything in it
}

// dom reads a page or a fragment. Pages are written so that a lenient reader of
// XML can read them, which the standard library has.
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

// dom reads the page.
func (p page) dom() *element {
	p.t.Helper()
	return dom(p.t, p.html)
}

func (e *element) text() string { return strings.Join(strings.Fields(e.words.String()), " ") }

// all returns what is within and passes, in the order of the page.
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

// named returns the elements of these names.
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

func (e *element) has(attribute string) bool {
	_, has := e.attr[attribute]
	return has
}

// sheet is a form as a browser would send it.
type sheet struct {
	id, action string
	fields     url.Values // as they are filled in
	names      []string   // of everything that can be filled in
	button     string
}

// line is the command that the form gives, if it gives one.
func (s sheet) line() string { return s.fields.Get("text") }

// sheets returns the forms of a page that are sent with POST.
func (p page) sheets() []sheet {
	p.t.Helper()
	root := p.dom()
	var all []sheet
	for _, f := range root.named("form") {
		if f.attr["method"] == "post" {
			all = append(all, sheetOf(root, f))
		}
	}
	return all
}

func sheetOf(root, f *element) sheet {
	s := sheet{id: f.attr["id"], action: f.attr["action"], fields: url.Values{}}
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
		case (c.attr["type"] == "checkbox" || c.attr["type"] == "radio") && !c.has("checked"):
		default:
			s.fields.Add(name, c.attr["value"])
		}
	}
	for _, b := range f.named("button") {
		s.button = b.text()
	}
	return s
}

// choose adds what a list has selected; a list of one choice always has one.
func (s *sheet) choose(list *element) {
	options := list.named("option")
	value := func(o *element) string {
		if o.has("value") {
			return o.attr["value"]
		}
		return o.text()
	}
	chosen := false
	for _, o := range options {
		if o.has("selected") {
			s.fields.Add(list.attr["name"], value(o))
			chosen = true
		}
	}
	if !chosen && !list.has("multiple") && len(options) > 0 {
		s.fields.Add(list.attr["name"], value(options[0]))
	}
}

// sheet returns the form whose button says this.
func (p page) sheet(button string) sheet {
	p.t.Helper()
	for _, s := range p.sheets() {
		if s.button == button {
			return s
		}
	}
	p.t.Fatalf("no form has a button %q:\n%s", button, p.body())
	return sheet{}
}

// region is the text of a region that changes by itself.
func (p page) region(name string) string {
	p.t.Helper()
	e := p.dom().id("live-" + name)
	if e == nil {
		p.t.Fatalf("there is no region %s:\n%s", name, p.body())
	}
	return e.text()
}

// heading is the text of the only heading of first rank.
func (p page) heading() string {
	p.t.Helper()
	all := p.dom().named("h1")
	if len(all) != 1 {
		p.t.Fatalf("%d headings of first rank:\n%s", len(all), p.body())
	}
	return all[0].text()
}
