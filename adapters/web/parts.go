package web

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"time"
)

// A part is one region of a page that changes by itself.
type part struct{ name, html string }

// parts are the regions of a page, in the order they stand in it.
type parts []part

// position names what the reader has seen: the same position, the same page.
func (p parts) position() string {
	h := fnv.New64a()
	for _, one := range p {
		h.Write([]byte(one.name + "\x00" + one.html + "\x00"))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// roomParts draws the regions of a room that change.
func (s *server) roomParts(p roomPage) (parts, error) {
	if !p.Works {
		return s.draws(p, "card")
	}
	return s.draws(p, "card", "talk", "next", "told", "alerts", "events")
}

// withRing adds the region that stands on every page.
func (s *server) withRing(ctx context.Context, p pageParts, who reader, since time.Time) (parts, error) {
	ring, err := s.ring(ctx, who, p.room, since)
	return append(p.parts, ring...), err
}

// pageParts are the regions of one page, which may be an incident's room.
type pageParts struct {
	parts
	room string
}

func (s *server) draws(page any, names ...string) (parts, error) {
	var all parts
	for _, name := range names {
		var b bytes.Buffer
		if err := s.pages.ExecuteTemplate(&b, name, page); err != nil {
			return nil, fmt.Errorf("draw %s: %w", name, err)
		}
		all = append(all, part{name, b.String()})
	}
	return all, nil
}
