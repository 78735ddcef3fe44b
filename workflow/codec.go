package workflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// codecVersion is the version under which facts, deeds and snapshots are
// written. A fact of a higher version, or of an unknown kind, is kept as it is.
const codecVersion = 1

type eventForm struct {
	Seq     int             `json:"seq"`
	At      time.Time       `json:"at"`
	By      Actor           `json:"by"`
	Kind    string          `json:"kind"`
	Version int             `json:"v"`
	Fact    json.RawMessage `json:"fact"`
}

// EncodeEvent writes an event as one line of JSON, stable for ever.
func EncodeEvent(e Event) ([]byte, error) {
	form := eventForm{Seq: e.Seq, At: e.At.UTC(), By: e.By, Kind: e.Fact.fact(), Version: codecVersion}
	if u, is := e.Fact.(UnknownFact); is {
		form.Version, form.Fact = u.Version, u.Body
		return compact(form)
	}
	body, err := compact(e.Fact)
	if err != nil {
		return nil, fmt.Errorf("encode fact %s: %w", form.Kind, err)
	}
	form.Fact = body
	return compact(form)
}

// DecodeEvent reads what [EncodeEvent] wrote.
func DecodeEvent(b []byte) (Event, error) {
	var form eventForm
	if err := json.Unmarshal(b, &form); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	e := Event{Seq: form.Seq, At: form.At, By: form.By}
	decode := factDecoder(form.Kind)
	if decode == nil || form.Version > codecVersion {
		e.Fact = UnknownFact{Kind: form.Kind, Version: form.Version, Body: form.Fact}
		return e, nil
	}
	var err error
	if e.Fact, err = decode(form.Fact); err != nil {
		return Event{}, fmt.Errorf("decode fact %s: %w", form.Kind, err)
	}
	return e, nil
}

type deedForm struct {
	Kind    string          `json:"kind"`
	Version int             `json:"v"`
	Deed    json.RawMessage `json:"deed"`
}

// EncodeDeed writes a deed as one line of JSON.
func EncodeDeed(d Deed) ([]byte, error) {
	form := deedForm{Kind: d.deed(), Version: codecVersion}
	if u, is := d.(UnknownDeed); is {
		form.Version, form.Deed = u.Version, u.Body
		return compact(form)
	}
	body, err := compact(d)
	if err != nil {
		return nil, fmt.Errorf("encode deed %s: %w", form.Kind, err)
	}
	form.Deed = body
	return compact(form)
}

// DecodeDeed reads what [EncodeDeed] wrote.
func DecodeDeed(b []byte) (Deed, error) {
	var form deedForm
	if err := json.Unmarshal(b, &form); err != nil {
		return nil, fmt.Errorf("decode deed: %w", err)
	}
	decode := deedDecoder(form.Kind)
	if decode == nil || form.Version > codecVersion {
		return UnknownDeed{Kind: form.Kind, Version: form.Version, Body: form.Deed}, nil
	}
	d, err := decode(form.Deed)
	if err != nil {
		return nil, fmt.Errorf("decode deed %s: %w", form.Kind, err)
	}
	return d, nil
}

type snapshotForm struct {
	Version  int      `json:"v"`
	Incident Incident `json:"incident"`
}

// EncodeIncident writes a snapshot: at most 64 KiB.
func EncodeIncident(i Incident) ([]byte, error) {
	return compact(snapshotForm{Version: codecVersion, Incident: i})
}

// DecodeIncident reads what [EncodeIncident] wrote. A snapshot of a newer
// version is an error: an older binary must not overwrite it.
func DecodeIncident(b []byte) (Incident, error) {
	var form snapshotForm
	if err := json.Unmarshal(b, &form); err != nil {
		return Incident{}, fmt.Errorf("decode snapshot: %w", err)
	}
	if form.Version > codecVersion {
		return Incident{}, fmt.Errorf("decode snapshot: version %d is newer than this binary, which knows %d", form.Version, codecVersion)
	}
	return form.Incident, nil
}

// compact encodes without escaping HTML, which is the renderers' business.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func as[F Fact](b []byte) (Fact, error) {
	var f F
	err := json.Unmarshal(b, &f)
	return f, err
}

func asDeed[D Deed](b []byte) (Deed, error) {
	var d D
	err := json.Unmarshal(b, &d)
	return d, err
}

func deedDecoder(kind string) func([]byte) (Deed, error) {
	switch kind {
	case "send_page":
		return asDeed[SendPage]
	case "take_back":
		return asDeed[TakeBack]
	case "open_room":
		return asDeed[OpenRoom]
	case "post":
		return asDeed[Post]
	case "show_card":
		return asDeed[ShowCard]
	case "furnish":
		return asDeed[Furnish]
	case "invite":
		return asDeed[InviteAll]
	case "close_room":
		return asDeed[CloseRoom]
	case "tell":
		return asDeed[Tell]
	case "reroute":
		return asDeed[Reroute]
	}
	return nil
}
