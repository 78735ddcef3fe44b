package agenda

import (
	"errors"
	"sync"
	"time"
)

// A medium that let so many sends in a row run out of time is left alone for a
// while. Then one send at a time tries whether it is heard of again.
const (
	silentAfter = 8
	silentFor   = 10 * time.Second
)

var errSilent = errors.New("it has not answered lately")

// silent remembers which media do not answer.
type silent struct {
	mu    sync.Mutex
	media map[string]silence
}

type silence struct {
	inARow int
	until  time.Time
}

func newSilent() *silent { return &silent{media: map[string]silence{}} }

// now reports whether a medium is left alone at an instant. Whoever is the
// first after that tries for all.
func (s *silent) now(medium string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, known := s.media[medium]
	if !known || m.until.IsZero() {
		return false
	}
	if m.until.After(at) {
		return true
	}
	m.until = at.Add(silentFor)
	s.media[medium] = m
	return false
}

// rest is how long a medium is still left alone; 0: it may be tried.
func (s *silent) rest(medium string, at time.Time) time.Duration {
	if !s.now(medium, at) {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.media[medium].until.Sub(at), time.Millisecond)
}

// heard notes how a send ended.
func (s *silent) heard(medium string, ranOut bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ranOut {
		delete(s.media, medium)
		return
	}
	m := s.media[medium]
	m.inARow++
	if m.inARow >= silentAfter {
		m.until = at.Add(silentFor)
	}
	s.media[medium] = m
}
