package web

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"time"
)

// region is a part of a page that is updated by itself.
type region struct{ name, html string }

// regions are the regions of a page, in their order.
type regions []region

// version returns a hash of the regions: the same version is the same page.
func (p regions) version() string {
	h := fnv.New64a()
	for _, one := range p {
		h.Write([]byte(one.name + "\x00" + one.html + "\x00"))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// renderRoom renders the regions of a room.
func (s *Server) renderRoom(p roomPage) (regions, error) {
	if !p.CanWork {
		return s.renderRegions(p, "card")
	}
	return s.renderRegions(p, "card", "conversation", "next", "deliveries", "alerts", "events")
}

// withBanner adds the region with the paging banner, which every page has.
func (s *Server) withBanner(ctx context.Context, p pageRegions, who reader, since time.Time) (regions, error) {
	banner, err := s.renderBanner(ctx, who, p.room, since)
	return append(p.regions, banner...), err
}

// pageRegions are the regions of one page, with the incident whose room it is.
type pageRegions struct {
	regions
	room string
}

func (s *Server) renderRegions(page any, names ...string) (regions, error) {
	var all regions
	for _, name := range names {
		var b bytes.Buffer
		if err := s.pages.ExecuteTemplate(&b, name, page); err != nil {
			return nil, fmt.Errorf("render %s: %w", name, err)
		}
		all = append(all, region{name, b.String()})
	}
	return all, nil
}
