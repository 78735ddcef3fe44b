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

// store is a store whose reads and writes can fail.
type store struct {
	bot.Store
	readsFail, writesFail atomic.Bool
	hangs                 atomic.Bool                   // reads do not return
	losesReplies          atomic.Bool                   // writes succeed, and then their reply is lost
	failingPart           atomic.Pointer[string]        // the part whose reads fail
	failed                chan struct{}                 // receives when failingPart was read
	meeting               atomic.Pointer[chan struct{}] // where two readers of records wait for each other
}

// readError returns the error of a read of a part, nil while it can be read.
func (s *store) readError(ctx context.Context, part string) error {
	if s.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	one := s.failingPart.Load()
	if one != nil && *one == part {
		select {
		case s.failed <- struct{}{}:
		default:
		}
	}
	if s.readsFail.Load() || one != nil && *one == part {
		return errDown
	}
	return nil
}

// meetReader waits for another reader of records, so that both have read the
// same state, but no longer than 100 ms.
func (s *store) meetReader() {
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

// pairReaders sets whether readers of records wait for each other.
func (s *store) pairReaders(on bool) {
	if !on {
		s.meeting.Store(nil)
		return
	}
	c := make(chan struct{})
	s.meeting.Store(&c)
}

var errDown = errors.New("dial store: refused by db-7.internal")

func (s *store) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if err := s.readError(ctx, "load"); err != nil {
		return bot.Loaded{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *store) Reply(ctx context.Context, operation string) ([]byte, error) {
	if err := s.readError(ctx, "reply"); err != nil {
		return nil, err
	}
	return s.Store.Reply(ctx, operation)
}

func (s *store) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	if err := s.readError(ctx, "get"); err != nil {
		return bot.Record{}, err
	}
	rec, err := s.Store.Get(ctx, kind, id)
	s.meetReader()
	return rec, err
}

func (s *store) Records(ctx context.Context, kind, after string, limit int) ([]bot.Record, error) {
	if err := s.readError(ctx, "records"); err != nil {
		return nil, err
	}
	all, err := s.Store.Records(ctx, kind, after, limit)
	s.meetReader()
	return all, err
}

func (s *store) List(ctx context.Context, q bot.Query) ([]bot.Loaded, error) {
	if err := s.readError(ctx, "list"); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, q)
}

func (s *store) ListOpen(ctx context.Context, q bot.OpenQuery) ([]bot.Loaded, error) {
	if err := s.readError(ctx, "list"); err != nil {
		return nil, err
	}
	return s.Store.ListOpen(ctx, q)
}

func (s *store) CountOpen(ctx context.Context, tag string) (bot.OpenCounts, error) {
	if err := s.readError(ctx, "list"); err != nil {
		return bot.OpenCounts{}, err
	}
	return s.Store.CountOpen(ctx, tag)
}

func (s *store) Messages(ctx context.Context, incident string, before, limit int) ([]bot.StoredMessage, error) {
	if err := s.readError(ctx, "talk"); err != nil {
		return nil, err
	}
	return s.Store.Messages(ctx, incident, before, limit)
}

func (s *store) History(ctx context.Context, id string, after, limit int) ([][]byte, error) {
	if err := s.readError(ctx, "history"); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, id, after, limit)
}

func (s *store) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if s.writesFail.Load() {
		return bot.Receipt{}, errDown
	}
	receipt, err := s.Store.Commit(ctx, c)
	if s.losesReplies.Load() {
		return bot.Receipt{}, errDown
	}
	return receipt, err
}

// mailbox is a pager that keeps the link of the last page to each person, and
// every mail with a sign-in link.
type mailbox struct {
	mu    sync.Mutex
	links map[string]string
	mails []bot.Page
	shut  bool // it accepts no mail
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

// signIns returns the mails with sign-in links.
func (m *mailbox) signIns() []bot.Page {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

type logBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}
