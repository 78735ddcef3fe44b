package web

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPacer: a list that takes long to render is rendered again only after nine times as
// long, at the latest after five seconds, and then without another change.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for took, want := range map[time.Duration]time.Duration{0: 0, time.Millisecond: 9 * time.Millisecond, 200 * time.Millisecond: 1800 * time.Millisecond, time.Second: 5 * time.Second} {
			var p pacer
			if !p.mayRender() || p.late != nil {
				t.Fatal("the first rendering is put off")
			}
			p.rendered(time.Now().Add(-took))
			began := time.Now()
			if may := p.mayRender(); may != (want == 0) || may != (p.late == nil) {
				t.Errorf("%s: rendered at once: %t", took, may)
			}
			p.mayRender()
			if p.late != nil {
				<-p.late
			}
			if waited := time.Since(began); waited != want || !p.mayRender() || p.late != nil {
				t.Errorf("%s: rendered after %s, want %s", took, waited, want)
			}
		}
	})
}
