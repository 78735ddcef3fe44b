package bot

import (
	"errors"
	"fmt"
	"strings"
)

// Section is a part of an export. The place of its pieces is its name, a slash
// and their key; that of a piece which is alone in its section is the name.
type Section struct {
	Name string
	// Read returns the pieces with a key after this one, at most limit, in the
	// order that [Keep.Export] gives. Their places are set by [ReadSections].
	Read func(after string, limit int) ([]ArchiveItem, error)
}

// ReadSections is how a store exports: it goes through its sections, which
// stand in the order of [Keep.Export], from just after a place.
func ReadSections(after string, limit int, sections []Section) ([]ArchiveItem, error) {
	name, key, _ := strings.Cut(after, "/")
	begun := after == ""
	var all []ArchiveItem
	for _, s := range sections {
		from := ""
		if !begun {
			if s.Name != name {
				continue
			}
			begun, from = true, key
			if key == "" {
				continue // it was alone in its section
			}
		}
		if len(all) >= limit {
			break
		}
		pieces, err := s.Read(from, limit-len(all))
		if err != nil {
			return nil, fmt.Errorf("export after %q: %w", after, err)
		}
		for _, p := range pieces {
			p.Key = p.key()
			all = append(all, p)
		}
	}
	if !begun {
		return nil, fmt.Errorf("export after %q: there is no such place", after)
	}
	return all, nil
}

// place is where the content of a piece belongs.
func (p ArchiveItem) key() string {
	switch {
	case p.Counter != nil:
		return "counter"
	case p.Record != nil:
		return "record/" + p.Record.Kind + "/" + p.Record.ID
	case p.Incident != nil:
		return fmt.Sprintf("incident/%d", p.Incident.Number)
	case p.Group != nil:
		return "group/" + p.Group.Key
	case p.Alert != nil:
		return "alert/" + p.Alert.Integration + "\x00" + p.Alert.Key
	case p.Operation != nil:
		return "operation/" + p.Operation.ID
	}
	return ""
}

// Validate reports what is wrong with a piece that comes from outside: not one
// content, or one that belongs elsewhere.
func (p ArchiveItem) Validate() error {
	contents := 0
	for _, is := range []bool{p.Counter != nil, p.Record != nil, p.Incident != nil, p.Group != nil, p.Alert != nil, p.Operation != nil} {
		if is {
			contents++
		}
	}
	switch place := p.key(); {
	case contents != 1:
		return fmt.Errorf("a piece holds one thing, and this one %d", contents)
	case p.Key != place:
		return fmt.Errorf("its place is %q, and what it holds belongs at %q", p.Key, place)
	case p.Record != nil && (p.Record.Kind == "" || strings.Contains(p.Record.Kind, "/")):
		return fmt.Errorf("%q is no kind of a record", p.Record.Kind)
	case p.Record != nil && (p.Record.Body == nil || p.Record.Version < 1):
		return errors.New("a record has a body and a version")
	case p.Incident != nil:
		return p.Incident.validate()
	}
	return nil
}

func (d *Dossier) validate() error {
	if d.Number < 1 || d.Version < 0 {
		return fmt.Errorf("an incident has a number from 1, and a version: %d, %d", d.Number, d.Version)
	}
	id := fmt.Sprintf("INC-%d", d.Number)
	for _, t := range d.Tasks {
		if t.Owner != id {
			return fmt.Errorf("task %s of %s belongs to %q", t.ID, id, t.Owner)
		}
	}
	if !rising(d.Events, func(e StoredEvent) int { return e.Seq }) || !rising(d.Mail, func(m StoredMail) int { return m.Seq }) ||
		!rising(d.Messages, func(m StoredMessage) int { return m.Seq }) {
		return fmt.Errorf("the events, the mail or the messages of %s are not in order", id)
	}
	return nil
}

// rising reports whether numbers grow.
func rising[T any](all []T, number func(T) int) bool {
	for n := 1; n < len(all); n++ {
		if number(all[n-1]) >= number(all[n]) {
			return false
		}
	}
	return true
}
