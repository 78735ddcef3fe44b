package sqlite

import (
	"embed"
	"errors"
	"fmt"
)

//go:embed schema/*.sql
var schema embed.FS

// known is the newest schema that this program knows. File schema/0001.sql
// leads to schema 1, and so on; a file that was released never changes.
const known = 3

// application marks the file as ours.
const application = 0x746f6373

// migrate brings the file to the newest schema. There is no way back.
func migrate(s *session) error {
	row, err := s.one("PRAGMA user_version")
	if err != nil {
		return err
	}
	version := number(row[0])
	if version > known {
		return fmt.Errorf("it was written by a newer version of tocsin (schema %d, this one knows %d): use that version, or restore a backup from before",
			version, known)
	}
	if version == 0 {
		if row, err = s.one("SELECT count(*) FROM sqlite_master"); err != nil {
			return err
		}
		if number(row[0]) > 0 {
			return errors.New("the file is a database of another program: move it away, or name another with --data")
		}
	}
	for version < known {
		version++
		if err := step(s, version); err != nil {
			return fmt.Errorf("bring the file to schema %d: %w", version, err)
		}
	}
	return nil
}

// step applies one migration, whole or not at all.
func step(s *session, version int64) error {
	script, err := schema.ReadFile(fmt.Sprintf("schema/%04d.sql", version))
	if err != nil {
		return err
	}
	err = s.exec("BEGIN IMMEDIATE")
	if err != nil {
		return err
	}
	if err = s.exec(string(script)); err == nil {
		err = s.exec(fmt.Sprintf("PRAGMA user_version = %d", version))
	}
	if err == nil {
		err = s.exec(fmt.Sprintf("PRAGMA application_id = %d", application))
	}
	if err == nil {
		return s.exec("COMMIT")
	}
	return errors.Join(err, s.exec("ROLLBACK"))
}
