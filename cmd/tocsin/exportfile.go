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

// An export is lines of JSON: a first line that names the format, one line per
// [bot.ArchiveItem], and a last line with the number of items; a file without it
// is cut short. Two exports of the same store are the same file.

// exportVersion is the format that is written and read. Format 1, which unreleased
// builds wrote, named the fields differently and is refused.
const exportVersion = 2

// frame is the first line of an export, or the last.
type frame struct {
	Tocsin  string `json:"tocsin"` // "export", or "end"
	Version int    `json:"version,omitempty"`
	Items   *int   `json:"items,omitempty"`
}

// The first bytes of both.
const (
	frameStart = `{"tocsin":`
	firstLine  = "export"
	lastLine   = "end"
)

// tally counts what is in an export.
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

// String says it in words.
func (t tally) String() string {
	return fmt.Sprintf("%s, %s, %s, %s and %s", many(t.incidents, "incident"), many(t.alerts, "alert"),
		many(t.groups, "alert group"), many(t.records, "record"), many(t.replies, "kept reply"))
}

func many(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "kept reply":
		return fmt.Sprint(n, " kept replies")
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

func (e *exportWriter) end() error {
	return errors.Join(e.lines.Encode(frame{Tocsin: lastLine, Items: &e.tally.items}), e.to.Flush())
}

// exportReader reads an export.
type exportReader struct {
	name  string // of the file, for errors
	from  *bufio.Reader
	line  int
	tally tally
}

// readExport calls do with each item of an export and its approximate size in
// bytes. An error names the file, the line, and what is wrong. Whether the file
// is whole is known only when it returns.
func readExport(name string, from io.Reader, do func(p bot.ArchiveItem, size int) error) (tally, error) {
	r := &exportReader{name: name, from: bufio.NewReaderSize(from, 1<<16)}
	if err := r.begin(); err != nil {
		return r.tally, err
	}
	for {
		line, err := r.next()
		if err != nil {
			return r.tally, err
		}
		if bytes.HasPrefix(line, []byte(frameStart)) {
			return r.tally, r.end(line)
		}
		var p bot.ArchiveItem
		if err = strictly(line, &p); err != nil {
			err = fmt.Errorf("this is not an item: %w", err)
		} else if err = p.Validate(); err == nil {
			err = do(p, len(line))
		}
		if err != nil {
			return r.tally, r.wrong(err)
		}
		r.tally.add(p)
	}
}

func (r *exportReader) wrong(err error) error {
	return fmt.Errorf("%s, line %d: %w", r.name, r.line, err)
}

// begin reads the first line.
func (r *exportReader) begin() error {
	start, err := r.from.Peek(len(frameStart))
	switch {
	case len(start) == 0 && errors.Is(err, io.EOF):
		return fmt.Errorf("%s is empty", r.name)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("read %s: %w", r.name, err)
	}
	var f frame
	if string(start) == frameStart { // else it may be anything, of any length
		line, err := r.next()
		if err != nil {
			return err
		}
		if json.Unmarshal(line, &f) != nil {
			f.Tocsin = ""
		}
	}
	switch {
	case f.Tocsin != firstLine || f.Version < 1:
		return fmt.Errorf(`%s is no export of tocsin: one is written by "tocsin export FILE", and begins with %s"%s"`, r.name, frameStart, firstLine)
	case f.Version < exportVersion:
		return fmt.Errorf("%s was written by an earlier, unreleased build (format %d, this one reads %d) and cannot be imported: start with an empty store", r.name, f.Version, exportVersion)
	case f.Version > exportVersion:
		return fmt.Errorf("%s was written by a newer version of tocsin (format %d, this one reads %d): import it with that version", r.name, f.Version, exportVersion)
	}
	return nil
}

// next reads a line. The last one needs no line feed.
func (r *exportReader) next() ([]byte, error) {
	line, err := r.from.ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF) && !json.Valid(line):
		return nil, fmt.Errorf("%s is cut short: it ends after line %d, without the line that counts its items; copy it again, or export again", r.name, r.line)
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read %s: %w", r.name, err)
	}
	r.line++
	return line, nil
}

// end reads the last line: all that it counts is there, and nothing follows.
func (r *exportReader) end(line []byte) error {
	var f frame
	if err := strictly(line, &f); err != nil || f.Tocsin != lastLine || f.Items == nil {
		return r.wrong(errors.New("this is neither an item nor the last line"))
	}
	if *f.Items != r.tally.items {
		return fmt.Errorf("%s is not whole: its last line counts %s, and it has %d; copy it again, or export again", r.name, many(*f.Items, "item"), r.tally.items)
	}
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		r.line++
		return r.wrong(errors.New("something follows the last line; these may be two exports in one file"))
	}
	return nil
}

// strictly reads one value with no field that is not known: what a newer
// version has added must not be lost in silence.
func strictly(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one value on the line")
	}
	return nil
}
