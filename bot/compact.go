package bot

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tocsin/workflow"
)

// Compact encodes an incident in its compact form: compressed JSON. Equal
// incidents give equal bytes.
func Compact(a ArchivedIncident) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err == nil {
		err = json.NewEncoder(w).Encode(a)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compact %s: %w", workflow.ID(a.Number), err)
	}
	return b.Bytes(), nil
}

// Expand decodes the compact form that [Compact] wrote.
func Expand(compact []byte) (ArchivedIncident, error) {
	var a ArchivedIncident
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(compact)))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return ArchivedIncident{}, fmt.Errorf("expand the compact form of an incident: %w", err)
	}
	return a, nil
}

// ExpandSnapshot decodes only the body of a compact form. It stops reading
// there: history and conversation come later and are most of the data, and a
// list of incidents needs neither.
func ExpandSnapshot(compact []byte) ([]byte, error) {
	body, err := readBody(json.NewDecoder(flate.NewReader(bytes.NewReader(compact))))
	if err != nil {
		return nil, fmt.Errorf("expand the snapshot of an incident: %w", err)
	}
	return body, nil
}

// readBody reads a JSON object up to its field "body". The fields before it must
// be neither objects nor lists.
func readBody(d *json.Decoder) ([]byte, error) {
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		if name == "body" {
			var body []byte
			err = d.Decode(&body)
			return body, err
		}
		if _, err = d.Token(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("it has no body")
}
