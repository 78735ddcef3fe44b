package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// session is one connection with its statements kept ready, for one goroutine
// at a time. It speaks to the driver directly: database/sql adds to each
// statement more time than the statement takes.
type session struct {
	conn    driver.Conn
	prepare func(text string) (*statement, error)
	ready   map[string]*statement
}

type statement struct {
	exec  func([]driver.NamedValue) (driver.Result, error)
	query func([]driver.NamedValue) (driver.Rows, error)
	close func() error
	args  []driver.NamedValue
	row   []driver.Value
}

// connect opens one more connection to the file.
func connect(ctx context.Context, path string, pragmas ...string) (*session, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the file: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"}}
	// SQLite moves the log into the file at the end of some commits. Doing that
	// beside the writer was tried: the two syncs wait for each other, and the
	// commits that have to wait take 35 ms instead of 10.
	all := []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(memory)"}
	q["_pragma"] = append(all, pragmas...)
	c, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("name the file: %w", err)
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, prepare: preparer(ctx, conn), ready: map[string]*statement{}}, nil
}

func (s *session) close() error {
	var all []error
	for _, st := range s.ready {
		all = append(all, st.close())
	}
	return errors.Join(append(all, s.conn.Close())...)
}

// preparer returns what prepares statements. The driver watches a context that
// can end with one more goroutine a statement, so it gets one that cannot:
// nothing here runs long, and whoever waits, waits elsewhere.
func preparer(ctx context.Context, conn driver.Conn) func(text string) (*statement, error) {
	ctx = context.WithoutCancel(ctx)
	return func(text string) (*statement, error) {
		stmt, err := conn.Prepare(text)
		if err != nil {
			return nil, fmt.Errorf("prepare %q: %w", text, err)
		}
		exec, can := stmt.(driver.StmtExecContext)
		query, also := stmt.(driver.StmtQueryContext)
		if !can || !also {
			return nil, errors.New("prepare a statement: the driver is too old")
		}
		return &statement{
			exec:  func(args []driver.NamedValue) (driver.Result, error) { return exec.ExecContext(ctx, args) },
			query: func(args []driver.NamedValue) (driver.Rows, error) { return query.QueryContext(ctx, args) },
			close: stmt.Close,
		}, nil
	}
}

// statement returns a statement, prepared once and kept, with its arguments.
func (s *session) statement(text string, args []any) (*statement, error) {
	st := s.ready[text]
	if st == nil {
		var err error
		if st, err = s.prepare(text); err != nil {
			return nil, err
		}
		s.ready[text] = st
	}
	st.args = st.args[:0]
	for n, a := range args {
		st.args = append(st.args, driver.NamedValue{Ordinal: n + 1, Value: a})
	}
	return st, nil
}

// exec runs a statement. Arguments are int64, bool, string and []byte.
func (s *session) exec(text string, args ...any) error {
	st, err := s.statement(text, args)
	if err != nil {
		return err
	}
	_, err = st.exec(st.args)
	return err
}

// each hands over row after row until do says no. The row is valid until do
// returns; what is in it stays.
func (s *session) each(text string, do func(row []driver.Value) (bool, error), args ...any) (err error) {
	st, err := s.statement(text, args)
	if err != nil {
		return err
	}
	rows, err := st.query(st.args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if st.row == nil {
		st.row = make([]driver.Value, len(rows.Columns()))
	}
	for more := true; more; {
		switch err = rows.Next(st.row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if more, err = do(st.row); err != nil {
			return err
		}
	}
	return nil
}

// one returns the first row, or nil. It is valid until the statement runs
// again.
func (s *session) one(text string, args ...any) (first []driver.Value, err error) {
	err = s.each(text, func(row []driver.Value) (bool, error) {
		first = row
		return false, nil
	}, args...)
	return first, err
}

// number, text and body read a column; NULL is the zero value.
func number(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func text(v driver.Value) string {
	t, _ := v.(string)
	return t
}

func body(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}

// nanos writes an instant; the zero time is 0. What lies outside the years
// that fit is the first or the last instant that does.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Year() < 1678:
		return -1 << 63
	case t.Year() > 2261:
		return 1<<63 - 1
	}
	return t.UnixNano()
}

// instant reads what nanos wrote.
func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// explain says what to do about an error that a person can do something about.
func explain(err error) error {
	e, is := errors.AsType[*sqlite.Error](err)
	if !is {
		return err
	}
	var advice string
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		advice = "the disk is full, free some space"
	case sqlite3.SQLITE_NOTADB:
		advice = "the file is no tocsin store: move it away, or name another with --data"
	case sqlite3.SQLITE_CORRUPT:
		advice = "the file is damaged: keep a copy of it, and restore a backup"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		advice = "this user cannot write the file or its folder: check who owns them, and their mode"
	case sqlite3.SQLITE_IOERR:
		advice = "the disk does not read or write: look into the system's log"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		advice = "another program has the file open for writing: close it"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", advice, err)
}
