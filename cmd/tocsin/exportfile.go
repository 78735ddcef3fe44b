package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tocsin/bot"
)

// An export is lines of JSON: a first line with the version of the format, a line
// for each [bot.ArchiveItem], and a last line with the number of items. A file
// without the last line is incomplete. Two exports of the same store are equal.

// exportVersion is the version of the format that is written and read. Version 1 was
// written by unreleased builds, with other names of fields, and is refused.
const exportVersion = 2

// frame is the first or the last line of an export.
type frame struct {
	Tocsin  string `json:"tocsin"` // "export", or "end"
	Version int    `json:"version,omitempty"`
	Items   *int   `json:"items,omitempty"`
}

// The content of both lines.
const (
	frameStart = `{"tocsin":`
	firstLine  = "export"
	lastLine   = "end"
)

// tally is the number of items in an export, by kind.
type tally struct{ items, incidents, alerts, groups, records, replies int }

func (t *tally) add(p bot.ArchiveItem) {
	t.items++
	switch {
	case p.Incident != nil:
		t.incidents++
	case p.Alert != nil:
		t.alerts++
	case p.Group != nil:
		t.groups++
	case p.Record != nil:
		t.records++
	case p.Operation != nil:
		t.replies++
	}
}

// String formats the numbers: "3 incidents, 1 alert, …".
func (t tally) String() string {
	return fmt.Sprintf("%s, %s, %s, %s and %s", formatCount(t.incidents, "incident"), formatCount(t.alerts, "alert"),
		formatCount(t.groups, "alert group"), formatCount(t.records, "record"), formatCount(t.replies, "saved reply"))
}

// formatCount formats a number with its noun.
func formatCount(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "saved reply":
		return fmt.Sprint(n, " saved replies")
	}
	return fmt.Sprint(n, " ", what, "s")
}

// exportWriter writes an export.
type exportWriter struct {
	to    *bufio.Writer
	lines *json.Encoder
	tally tally
}

func newExportWriter(w io.Writer) (*exportWriter, error) {
	to := bufio.NewWriterSize(w, 1<<16)
	e := &exportWriter{to: to, lines: json.NewEncoder(to)}
	return e, e.lines.Encode(frame{Tocsin: firstLine, Version: exportVersion})
}

func (e *exportWriter) write(p bot.ArchiveItem) error {
	e.tally.add(p)
	return e.lines.Encode(p)
}

func (e *exportWriter) writeLastLine() error {
	return errors.Join(e.lines.Encode(frame{Tocsin: lastLine, Items: &e.tally.items}), e.to.Flush())
}

// exportReader reads an export.
type exportReader struct {
	name  string // of the file, for errors
	from  *bufio.Reader
	line  int
	tally tally
}

// readExport calls do for each item of an export, with its size in bytes. An
// error names the file, the line, and what is wrong. Only after readExport has
// returned is it certain that the file is complete.
func readExport(name string, from io.Reader, do func(p bot.ArchiveItem, size int) error) (tally, error) {
	r := &exportReader{name: name, from: bufio.NewReaderSize(from, 1<<16)}
	if err := r.readFirstLine(); err != nil {
		return r.tally, err
	}
	for {
		line, err := r.readLine()
		if err != nil {
			return r.tally, err
		}
		if bytes.HasPrefix(line, []byte(frameStart)) {
			return r.tally, r.checkLastLine(line)
		}
		var p bot.ArchiveItem
		if err = decodeStrict(line, &p); err != nil {
			err = fmt.Errorf("this line is not an item of an export: %w", err)
		} else if err = p.Validate(); err == nil {
			err = do(p, len(line))
		}
		if err != nil {
			return r.tally, r.lineError(err)
		}
		r.tally.add(p)
	}
}

// lineError adds the file and the line to an error.
func (r *exportReader) lineError(err error) error {
	return fmt.Errorf("%s, line %d: %w", r.name, r.line, err)
}

// readFirstLine checks that the file is an export of the version that is read.
func (r *exportReader) readFirstLine() error {
	start, err := r.from.Peek(len(frameStart))
	switch {
	case len(start) == 0 && errors.Is(err, io.EOF):
		return fmt.Errorf("%s is empty; write an export with `tocsin export FILE`", r.name)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("read %s: %w", r.name, err)
	}
	var f frame
	if string(start) == frameStart { // another file may have lines of any length
		line, err := r.readLine()
		if err != nil {
			return err
		}
		if json.Unmarshal(line, &f) != nil {
			f.Tocsin = ""
		}
	}
	switch {
	case f.Tocsin != firstLine || f.Version < 1:
		return fmt.Errorf(`%s is not an export of Tocsin: "tocsin export FILE" writes one, which begins with %s"%s"`, r.name, frameStart, firstLine)
	case f.Version > exportVersion:
		return fmt.Errorf("%s was written by a newer version of Tocsin (its format is %d, this version reads %d): import it with that version", r.name, f.Version, exportVersion)
	case f.Version < exportVersion:
		return fmt.Errorf("%s was written by an unreleased build (its format is %d, this version reads %d) and cannot be imported: start with an empty store", r.name, f.Version, exportVersion)
	}
	return nil
}

// readLine reads a line. The last line of the file needs no line feed.
func (r *exportReader) readLine() ([]byte, error) {
	line, err := r.from.ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF) && !json.Valid(line):
		return nil, fmt.Errorf("%s is incomplete: it ends after line %d, without the line that has the number of items; copy it again, or export again", r.name, r.line)
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read %s: %w", r.name, err)
	}
	r.line++
	return line, nil
}

// checkLastLine checks that the file has as many items as its last line says,
// and that nothing follows.
func (r *exportReader) checkLastLine(line []byte) error {
	var f frame
	if err := decodeStrict(line, &f); err != nil || f.Tocsin != lastLine || f.Items == nil {
		return r.lineError(errors.New("this is neither an item nor the last line of an export; copy the file again, or export again"))
	}
	if *f.Items != r.tally.items {
		return fmt.Errorf("%s is incomplete: its last line says %s, and it has %d; copy it again, or export again", r.name, formatCount(*f.Items, "item"), r.tally.items)
	}
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		r.line++
		return r.lineError(errors.New("this follows the last line of the export; if the file is two exports, split it"))
	}
	return nil
}

// decodeStrict decodes one JSON value. An unknown field is an error, because
// what a newer version has added must not be lost.
func decodeStrict(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON value on the line")
	}
	return nil
}
