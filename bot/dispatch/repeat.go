package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
)

// storedReply is a reply as it is stored under an operation.
type storedReply struct {
	Reply

	Request string `json:"request,omitempty"` // the Digest of the request that it answers
}

// encodeReply encodes the reply that a repeat of the request gets.
func (r Request) encodeReply(reply Reply) []byte {
	raw, _ := json.Marshal(storedReply{reply, r.Digest}) //nolint:errchkjson // a bool and strings
	return raw
}

// decodeReply decodes the reply that is stored under the operation of a request. When
// another request had it, the reply is a refusal: that one's would say that something
// was done (C4: a key stands for one request).
func (r Request) decodeReply(raw []byte) (Reply, error) {
	var saved storedReply
	if err := json.Unmarshal(raw, &saved); err != nil {
		return Reply{}, fmt.Errorf("decode a stored reply: %w", err)
	}
	if saved.Request != "" && r.Digest != "" && saved.Request != r.Digest {
		return Reply{Reused: true, Text: "Nothing was done: this was already answered for another request."}, nil
	}
	return saved.Reply, nil
}

// repeatReply returns the stored reply of a request that comes again. To a speaker who may
// not read the incident any more it does not exist (P2: private means members only).
func (d *Dispatcher) repeatReply(ctx context.Context, saved []byte, r Request) (Reply, error) {
	reply, err := r.decodeReply(saved)
	if err != nil || reply.Incident == "" {
		return reply, err
	}
	if _, err := d.incidents.Get(ctx, reply.Incident, r.Speaker); err != nil {
		return refusalReply(err)
	}
	return reply, nil
}
