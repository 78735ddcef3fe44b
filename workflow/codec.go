package workflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// codecVersion is the version with which facts, actions and snapshots are written.
// A fact or action of a higher version, or of an unknown kind, is kept as it is.
const codecVersion = 1

// storedEvent is the JSON form of an event.
type storedEvent struct {
	Seq     int             `json:"seq"`
	At      time.Time       `json:"at"`
	By      Actor           `json:"by"`
	Kind    string          `json:"kind"`
	Version int             `json:"v"`
	Fact    json.RawMessage `json:"fact"`
}

// EncodeEvent returns an event as one line of JSON. Recorded lines must keep decoding
// and encode to the same bytes in every later version.
func EncodeEvent(e Event) ([]byte, error) {
	form := storedEvent{Seq: e.Seq, At: e.At.UTC(), By: e.By, Kind: e.Fact.fact(), Version: codecVersion}
	if u, ok := e.Fact.(UnknownFact); ok {
		form.Version, form.Fact = u.Version, u.Body
		return encode(form)
	}
	body, err := encode(e.Fact)
	if err != nil {
		return nil, fmt.Errorf("encode fact %s: %w", form.Kind, err)
	}
	form.Fact = body
	return encode(form)
}

// DecodeEvent reads what [EncodeEvent] has returned. A fact that this version does not
// know becomes an [UnknownFact].
func DecodeEvent(b []byte) (Event, error) {
	var form storedEvent
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

// storedAction is the JSON form of an action.
type storedAction struct {
	Kind    string          `json:"kind"`
	Version int             `json:"v"`
	Action  json.RawMessage `json:"action"`
}

// EncodeAction returns an action as one line of JSON.
func EncodeAction(a Action) ([]byte, error) {
	form := storedAction{Kind: a.action(), Version: codecVersion}
	if u, ok := a.(UnknownAction); ok {
		form.Version, form.Action = u.Version, u.Body
		return encode(form)
	}
	body, err := encode(a)
	if err != nil {
		return nil, fmt.Errorf("encode action %s: %w", form.Kind, err)
	}
	form.Action = body
	return encode(form)
}

// DecodeAction reads what [EncodeAction] has returned. An action that this version
// does not know becomes an [UnknownAction].
func DecodeAction(b []byte) (Action, error) {
	var form storedAction
	if err := json.Unmarshal(b, &form); err != nil {
		return nil, fmt.Errorf("decode action: %w", err)
	}
	decode := actionDecoder(form.Kind)
	if decode == nil || form.Version > codecVersion {
		return UnknownAction{Kind: form.Kind, Version: form.Version, Body: form.Action}, nil
	}
	a, err := decode(form.Action)
	if err != nil {
		return nil, fmt.Errorf("decode action %s: %w", form.Kind, err)
	}
	return a, nil
}

// storedSnapshot is the JSON form of an incident.
type storedSnapshot struct {
	Version  int      `json:"v"`
	Incident Incident `json:"incident"`
}

// EncodeIncident returns a snapshot of an incident as one line of JSON of at most
// 64 KiB.
func EncodeIncident(i Incident) ([]byte, error) {
	return encode(storedSnapshot{Version: codecVersion, Incident: i})
}

// DecodeIncident reads what [EncodeIncident] has returned. A snapshot of a newer
// version is an error, so that an older binary does not overwrite it.
func DecodeIncident(b []byte) (Incident, error) {
	var form storedSnapshot
	if err := json.Unmarshal(b, &form); err != nil {
		return Incident{}, fmt.Errorf("decode snapshot: %w", err)
	}
	if form.Version > codecVersion {
		return Incident{}, fmt.Errorf("decode snapshot: version %d is newer than this binary, which knows %d", form.Version, codecVersion)
	}
	return form.Incident, nil
}

// encode returns v as JSON on one line. It does not escape HTML, because that is up to
// whatever shows the text.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeFact[F Fact](b []byte) (Fact, error) {
	var f F
	err := json.Unmarshal(b, &f)
	return f, err
}

func decodeActionBody[A Action](b []byte) (Action, error) {
	var a A
	err := json.Unmarshal(b, &a)
	return a, err
}

// actionDecoder returns the function that decodes actions of a stored kind, or nil when
// this version does not know the kind.
func actionDecoder(kind string) func([]byte) (Action, error) {
	switch kind {
	case "send_page":
		return decodeActionBody[SendPage]
	case "cancel_page":
		return decodeActionBody[CancelPage]
	case "open_room":
		return decodeActionBody[OpenRoom]
	case "post":
		return decodeActionBody[Post]
	case "show_card":
		return decodeActionBody[ShowCard]
	case "set_up_room":
		return decodeActionBody[SetUpRoom]
	case "invite_people":
		return decodeActionBody[InvitePeople]
	case "close_room":
		return decodeActionBody[CloseRoom]
	case "forward":
		return decodeActionBody[Forward]
	case "reroute":
		return decodeActionBody[Reroute]
	case "judge_alerts":
		return decodeActionBody[JudgeAlerts]
	}
	return nil
}
