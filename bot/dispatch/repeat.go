package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// storedReply is a reply as it is stored under an operation.
type storedReply struct {
	Reply

	Request string `json:"request,omitempty"` // the digest of the request that it answers
}

// digest identifies what a request asks for, and who asks.
func (r Request) digest() string {
	raw, _ := json.Marshal([]any{r.Text, r.Room, r.Speaker.Person, r.Fields}) //nolint:errchkjson // strings
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// encodeReply encodes the reply that a repeat of the request gets.
func (r Request) encodeReply(reply Reply) []byte {
	raw, _ := json.Marshal(storedReply{reply, r.digest()}) //nolint:errchkjson // a bool and strings
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
	if saved.Request != "" && saved.Request != r.digest() { // replies of earlier builds have no digest
		return Reply{Reused: true, Text: "Nothing was done: this was already answered for another request."}, nil
	}
	return saved.Reply, nil
}
