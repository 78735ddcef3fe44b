package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// session is one connection to the file with its prepared statements. Only one
// goroutine may use it at a time. It calls the driver directly, because
// database/sql adds more time to each statement than the statement takes.
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

// connect opens another connection to the file.
func connect(ctx context.Context, path string, pragmas ...string) (*session, error) {
	// SQLite checkpoints its write-ahead log at the end of some commits. A
	// checkpoint in another goroutine was tried: the two syncs wait for each other,
	// and the commits that have to wait take 35 ms instead of 10.
	all := []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(memory)"}
	return connectWith(ctx, path, url.Values{"_txlock": {"immediate"}, "_pragma": append(all, pragmas...)})
}

// connectReadOnly opens a connection that cannot change the file. Without a write-ahead
// log, or with an empty one, the file is opened as immutable: otherwise SQLite would
// create a log and its index (-wal, -shm) in order to read.
func connectReadOnly(ctx context.Context, path string) (*session, error) {
	options := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	if log, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) || err == nil && log.Size() == 0 {
		options.Set("immutable", "1")
	}
	return connectWith(ctx, path, options)
}

func connectWith(ctx context.Context, path string, options url.Values) (*session, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the file: %w", err)
	}
	c, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String())
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

// preparer returns a function that prepares statements. For a context that can
// be canceled the driver starts a goroutine per statement, so statements get a
// context that cannot: no statement runs long, and callers wait in the queue.
func preparer(ctx context.Context, conn driver.Conn) func(text string) (*statement, error) {
	ctx = context.WithoutCancel(ctx)
	return func(text string) (*statement, error) {
		stmt, err := conn.Prepare(text)
		if err != nil {
			return nil, fmt.Errorf("prepare %q: %w", text, err)
		}
		exec, canExec := stmt.(driver.StmtExecContext)
		query, canQuery := stmt.(driver.StmtQueryContext)
		if !canExec || !canQuery {
			return nil, errors.New("prepare a statement: the driver does not take a context")
		}
		return &statement{
			exec:  func(args []driver.NamedValue) (driver.Result, error) { return exec.ExecContext(ctx, args) },
			query: func(args []driver.NamedValue) (driver.Rows, error) { return query.QueryContext(ctx, args) },
			close: stmt.Close,
		}, nil
	}
}

// statement returns a statement with its arguments. Each text is prepared once.
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

// exec runs a statement. Its arguments are of type int64, bool, string or []byte.
func (s *session) exec(text string, args ...any) error {
	st, err := s.statement(text, args)
	if err != nil {
		return err
	}
	_, err = st.exec(st.args)
	return err
}

// each calls do with row after row until do returns false. The slice is reused
// for the next row, its values are not.
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

// queryRow returns the first row, or nil. The row is valid until the statement runs
// again.
func (s *session) queryRow(text string, args ...any) (first []driver.Value, err error) {
	err = s.each(text, func(row []driver.Value) (bool, error) {
		first = row
		return false, nil
	}, args...)
	return first, err
}

// number returns the first column of the first row.
func (s *session) number(text string) (int64, error) {
	row, err := s.queryRow(text)
	if err != nil || row == nil {
		return 0, err
	}
	return number(row[0]), nil
}

// number, text and body convert a column; NULL is the zero value.
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

// nanos encodes an instant; the zero time is 0. An instant outside the years that
// fit becomes the first or the last instant that does.
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

// instant decodes what nanos encoded.
func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// explain adds advice to an error that an operator can fix.
func explain(err error) error {
	if text := advice(err); text != "" {
		return fmt.Errorf("%s: %w", text, err)
	}
	return err
}

// advice returns what an operator can do about an error; "" when there is nothing.
func advice(err error) string {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return "the disk is full, free some space"
	case sqlite3.SQLITE_NOTADB:
		return "the file is not a tocsin store: move it away, or name another with --data"
	case sqlite3.SQLITE_CORRUPT:
		return "the file is damaged: keep a copy of it, and restore a backup"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return "this user cannot write the file or its folder: check who owns them, and their mode"
	case sqlite3.SQLITE_IOERR:
		return "the disk cannot be read or written: see the system's log"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program has the file open for writing: close it"
	}
	return ""
}
