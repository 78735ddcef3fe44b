package sqlite

import (
	"bytes"
	"context"
	_ "embed" // for schema.sql
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

//go:embed schema.sql
var schema string

// additions are what later builds have added to the layout without changing what was
// there: a file without them gets them when it is opened, and an earlier build can still
// use a file that has them.
//
//go:embed additions.sql
var additions string

// layout is the version of schema.sql, stored as SQLite's user_version.
// Unreleased builds wrote layouts 1 to 3 with other names; their files are
// refused. From the first release on, a new layout needs a migration.
const layout = 4

// application is SQLite's application_id of our files.
const application = 0x746f6373

// ErrEmpty is returned by Open for a file that was there before, and is missing or holds
// nothing now.
var ErrEmpty = errors.New("the file was written before, and now it is missing or empty")

// checkLayout refuses a file that this build cannot use, and one that has lost what it
// held; a missing or empty file is fine, unless it is an existing one. No
// file in the folder is created or changed, with one exception: if the write-ahead log
// has content, as after a crash, SQLite rebuilds the log's index (-shm) in order to
// read it. The file and the log stay as they are in that case too.
func checkLayout(ctx context.Context, path string, existing bool) error {
	if err := checkComplete(path); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if existing {
			return fmt.Errorf("open %s: %w", path, ErrEmpty)
		}
		return nil
	}
	s, err := connectReadOnly(ctx, path)
	if err == nil {
		err = errors.Join(checkVersion(s, existing), s.close())
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, explain(err))
	}
	return nil
}

// checkComplete (X1b: a lost store is not a first start) refuses a file that has been cut off, and a write-ahead log whose file is
// lost: SQLite would delete that log, with the changes in it.
func checkComplete(path string) error {
	const advice = ": keep a copy of the folder, and restore a backup"
	hasLog := false
	if log, err := os.Stat(path + "-wal"); err == nil {
		hasLog = log.Size() > 0
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && hasLog {
		return errors.New("the file is missing, and its log " + path + "-wal is there" + advice)
	}
	if err != nil {
		return nil // a missing file is fine, and one that cannot be read is reported when it is opened
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if info.Size() == 0 && hasLog {
		return errors.New("the file is empty, and its log " + path + "-wal is not" + advice)
	}
	// https://www.sqlite.org/fileformat2.html#the_database_header
	header := make([]byte, 100)
	if _, err := f.ReadAt(header, 0); err != nil || !bytes.HasPrefix(header, []byte("SQLite format 3\x00")) || hasLog {
		return nil // it is no database, or the log completes it
	}
	page := int64(binary.BigEndian.Uint16(header[16:]))
	if page == 1 {
		page = 64 << 10
	}
	pages := int64(binary.BigEndian.Uint32(header[28:]))
	if isValid := bytes.Equal(header[24:28], header[92:96]); isValid && pages*page > info.Size() {
		return fmt.Errorf("the file is cut off: it has %d bytes of %d%s", info.Size(), pages*page, advice)
	}
	return nil
}

func checkVersion(s *session, existing bool) error {
	version, err := s.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	owner, err := s.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	tables, err := s.number("SELECT count(*) FROM sqlite_master")
	if err != nil {
		return err
	}
	switch {
	case version == 0 && tables == 0 && existing:
		return ErrEmpty
	case version == layout && owner == application, version == 0 && tables == 0:
		return nil
	case version == 0 || owner != application:
		return errors.New("the file is a database of another program: move it away, or name another with --data")
	case version < layout:
		return fmt.Errorf("it was written by an earlier, unreleased build (layout %d; this build reads %d): move the folder away and start with an empty one, or name another with --data",
			version, layout)
	}
	return fmt.Errorf("it was written by a newer version of tocsin (layout %d; this build reads %d): use that version, or restore a backup from before the upgrade",
		version, layout)
}

// createSchema creates the tables in an empty file, and adds to a file what it lacks; each
// completely or not at all.
func createSchema(s *session) error {
	version, err := s.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	if version != layout {
		err = runScripts(s, schema, fmt.Sprintf("PRAGMA user_version = %d", layout), fmt.Sprintf("PRAGMA application_id = %d", application))
		if err != nil {
			return fmt.Errorf("create the tables: %w", err)
		}
	}
	for _, one := range [][2]string{{"listed", additions}, {"probe", probeTable}} {
		added, err := s.number("SELECT count(*) FROM sqlite_master WHERE name = '" + one[0] + "'")
		if err == nil && added == 0 {
			err = runScripts(s, one[1])
		}
		if err != nil {
			return fmt.Errorf("add to the tables: %w", err)
		}
	}
	return nil
}

// runScripts runs scripts in one transaction.
func runScripts(s *session, scripts ...string) error {
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, script := range append(scripts, "COMMIT") {
		if err := s.exec(script); err != nil {
			return errors.Join(err, s.exec("ROLLBACK"))
		}
	}
	return nil
}
