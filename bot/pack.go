package bot

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Compact writes the compact form of an incident: the dossier's JSON, compressed.
// The same dossier gives the same bytes.
func Compact(d Dossier) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err == nil {
		err = json.NewEncoder(w).Encode(d)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack INC-%d: %w", d.Number, err)
	}
	return b.Bytes(), nil
}

// Expand reads what [Compact] wrote.
func Expand(packed []byte) (Dossier, error) {
	var d Dossier
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return Dossier{}, fmt.Errorf("unpack an incident: %w", err)
	}
	return d, nil
}

// ExpandSnapshot reads the body alone of what [Compact] wrote. It stops there: the
// history and the conversation, which come after it, are most of a dossier,
// and a list of incidents needs neither.
func ExpandSnapshot(packed []byte) ([]byte, error) {
	body, err := readBody(json.NewDecoder(flate.NewReader(bytes.NewReader(packed))))
	if err != nil {
		return nil, fmt.Errorf("unpack the state of an incident: %w", err)
	}
	return body, nil
}

// readBody reads an object up to its field "body". The fields before it are no
// objects and no lists.
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
