package bot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tocsin/workflow"
)

// Section is one part of an export, for example all records. The key of an item
// is the name of its section, a slash and the item's key within the section; the
// only item of a section without keys has the section's name as its key.
type Section struct {
	Name string
	// Read returns at most limit items with a key within the section greater than
	// after, in the order that [Archive.Export] defines. [ReadSections] sets the
	// Key of each item.
	Read func(after string, limit int) ([]ArchiveItem, error)
}

// ReadSections implements [Archive.Export] for a store: it reads at most limit
// items from the sections, which are in the order of an export, starting just
// after the item with the key after.
func ReadSections(after string, limit int, sections []Section) ([]ArchiveItem, error) {
	name, key, _ := strings.Cut(after, "/")
	started := after == ""
	var all []ArchiveItem
	for _, s := range sections {
		from := ""
		if !started {
			if s.Name != name {
				continue
			}
			started, from = true, key
			if key == "" {
				continue // the section has one item, which has been read
			}
		}
		if len(all) >= limit {
			break
		}
		items, err := s.Read(from, limit-len(all))
		if err != nil {
			return nil, fmt.Errorf("export after %q: %w", after, err)
		}
		for _, item := range items {
			item.Key = item.keyOfContent()
			all = append(all, item)
		}
	}
	if !started {
		return nil, fmt.Errorf("export after %q: no section has this name", after)
	}
	return all, nil
}

// keyOfContent returns the key that an item with this content must have.
func (i ArchiveItem) keyOfContent() string {
	switch {
	case i.Counter != nil:
		return "counter"
	case i.Record != nil:
		return "record/" + i.Record.Kind + "/" + i.Record.ID
	case i.Incident != nil:
		return "incident/" + strconv.Itoa(i.Incident.Number)
	case i.Group != nil:
		return "group/" + i.Group.Key
	case i.Alert != nil:
		return "alert/" + i.Alert.Integration + "\x00" + i.Alert.Key
	case i.Operation != nil:
		return "operation/" + i.Operation.ID
	}
	return ""
}

// Validate checks an item that was read from a file: it has exactly one content,
// the key of that content, and no value that a store could not hold.
func (i ArchiveItem) Validate() error {
	contents := 0
	for _, present := range []bool{i.Counter != nil, i.Record != nil, i.Incident != nil, i.Group != nil, i.Alert != nil, i.Operation != nil} {
		if present {
			contents++
		}
	}
	switch key := i.keyOfContent(); {
	case contents != 1:
		return fmt.Errorf("an item has exactly one content, this one has %d", contents)
	case i.Key != key:
		return fmt.Errorf("its key is %q, and the key of its content is %q", i.Key, key)
	case i.Record != nil && (i.Record.Kind == "" || strings.Contains(i.Record.Kind, "/")):
		return fmt.Errorf("the kind of a record is not empty and has no slash, this one is %q", i.Record.Kind)
	case i.Record != nil && (i.Record.Body == nil || i.Record.Version < 1):
		return errors.New("a record has a body and a version from 1")
	case i.Incident != nil:
		return i.Incident.validate()
	}
	return nil
}

func (a *ArchivedIncident) validate() error {
	if a.Number < 1 || a.Version < 0 {
		return fmt.Errorf("an incident has a number from 1 and a version from 0, this one has %d and %d", a.Number, a.Version)
	}
	id := workflow.ID(a.Number)
	for _, t := range a.Tasks {
		if t.Owner != id {
			return fmt.Errorf("task %s of %s belongs to %q", t.ID, id, t.Owner)
		}
	}
	if !isAscending(a.Events, func(e StoredEvent) int { return e.Seq }) || !isAscending(a.Mail, func(m StoredMail) int { return m.Seq }) ||
		!isAscending(a.Messages, func(m StoredMessage) int { return m.Seq }) {
		return fmt.Errorf("the events, the mail or the messages of %s are not in ascending order", id)
	}
	return nil
}

// isAscending reports whether the numbers of a list grow strictly.
func isAscending[T any](all []T, number func(T) int) bool {
	for n := 1; n < len(all); n++ {
		if number(all[n-1]) >= number(all[n]) {
			return false
		}
	}
	return true
}
