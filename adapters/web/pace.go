package web

import (
	"context"
	"time"
)

// pacer spaces the renderings of a live list that take long: a filter that few of
// thousands of incidents match reads them all, and a flood of alerts must leave the
// processor to the pages that are sent. It leaves nine tenths of the time to others.
type pacer struct {
	next time.Time        // not before
	late <-chan time.Time // receives when a rendering that was put off is due; nil: none was
}

// maxPause is the longest time between two renderings of a list.
const maxPause = 5 * time.Second

// mayRender reports whether the list may be rendered now. If it may not, late receives
// when it may.
func (p *pacer) mayRender() bool {
	wait := time.Until(p.next)
	if wait <= 0 {
		p.late = nil
		return true
	}
	if p.late == nil {
		p.late = time.After(wait)
	}
	return false
}

// rendered notes a rendering that has just ended.
func (p *pacer) rendered(began time.Time) {
	p.next = time.Now().Add(min(9*time.Since(began), maxPause))
}

// pushList sends the banner and, if it is not too early for that, the list.
func (s *Server) pushList(ctx context.Context, out *stream, l *liveView) error {
	page := l.room == "" && l.pace.mayRender()
	began := time.Now()
	err := s.push(ctx, out, l, page)
	if page {
		l.pace.rendered(began)
	}
	return err
}
