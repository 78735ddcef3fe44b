package web_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot"
)

// store can be unplugged, for reading and for writing.
type store struct {
	bot.Store
	unread, unwritten atomic.Bool
	hangs             atomic.Bool                   // it does not answer when it is read
	lossy             atomic.Bool                   // it writes, and then its answer is lost
	fails             atomic.Pointer[string]        // the part that cannot be read
	failed            chan struct{}                 // that was tried
	meeting           atomic.Pointer[chan struct{}] // where two that read records wait for each other
}

// reading is nil while the store can be read, as far as a part of it goes.
func (s *store) reading(ctx context.Context, part string) error {
	if s.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	one := s.fails.Load()
	if one != nil && *one == part {
		select {
		case s.failed <- struct{}{}:
		default:
		}
	}
	if s.unread.Load() || one != nil && *one == part {
		return errGone
	}
	return nil
}

// meet lets two that read records go on together, as of the same moment; one
// whom nobody meets goes on after a while.
func (s *store) meet() {
	c := s.meeting.Load()
	if c == nil {
		return
	}
	alone := time.NewTimer(100 * time.Millisecond)
	defer alone.Stop()
	select {
	case *c <- struct{}{}:
	case <-*c:
	case <-alone.C:
	}
}

// meetings begins, or ends, that those who read records wait for each other.
func (s *store) meetings(on bool) {
	if !on {
		s.meeting.Store(nil)
		return
	}
	c := make(chan struct{})
	s.meeting.Store(&c)
}

var errGone = errors.New("dial store: refused by db-7.internal")

func (s *store) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if err := s.reading(ctx, "load"); err != nil {
		return bot.Loaded{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *store) Reply(ctx context.Context, operation string) ([]byte, error) {
	if err := s.reading(ctx, "reply"); err != nil {
		return nil, err
	}
	return s.Store.Reply(ctx, operation)
}

func (s *store) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	if err := s.reading(ctx, "get"); err != nil {
		return bot.Record{}, err
	}
	rec, err := s.Store.Get(ctx, kind, id)
	s.meet()
	return rec, err
}

func (s *store) Records(ctx context.Context, kind, after string, limit int) ([]bot.Record, error) {
	if err := s.reading(ctx, "records"); err != nil {
		return nil, err
	}
	all, err := s.Store.Records(ctx, kind, after, limit)
	s.meet()
	return all, err
}

func (s *store) List(ctx context.Context, q bot.Query) ([]bot.Loaded, error) {
	if err := s.reading(ctx, "list"); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, q)
}

func (s *store) Talk(ctx context.Context, incident string, before, limit int) ([]bot.StoredMessage, error) {
	if err := s.reading(ctx, "talk"); err != nil {
		return nil, err
	}
	return s.Store.Talk(ctx, incident, before, limit)
}

func (s *store) History(ctx context.Context, id string, after, limit int) ([][]byte, error) {
	if err := s.reading(ctx, "history"); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, id, after, limit)
}

func (s *store) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if s.unwritten.Load() {
		return bot.Receipt{}, errGone
	}
	receipt, err := s.Store.Commit(ctx, c)
	if s.lossy.Load() {
		return bot.Receipt{}, errGone
	}
	return receipt, err
}

// mailbox keeps the link of the last page to each person, and every mail that
// carries a link to sign in with.
type mailbox struct {
	mu    sync.Mutex
	links map[string]string
	mails []bot.Page
	shut  bool // it takes no mail
}

func (m *mailbox) Page(_ context.Context, p bot.Page) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shut {
		return errors.New("dial mail.internal: refused")
	}
	if len(p.Incidents) == 0 {
		m.mails = append(m.mails, p)
		return nil
	}
	m.links[p.Person] = p.Incidents[0].AcknowledgeURL
	return nil
}

// signIns are the mails with links to sign in with.
func (m *mailbox) signIns() []bot.Page {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}
