package bot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"tocsin/workflow"
)

// linkLife is how long an acknowledgement link works.
const linkLife = 24 * time.Hour

// AckLink is what an acknowledgement link is bound to: one page, one person.
type AckLink struct {
	Incident string
	Page     string
	Person   string
	Expires  time.Time
}

// ackToken signs a link. Nothing is stored: the token says it all.
func (b *Bot) ackToken(l AckLink) string {
	payload := strings.Join([]string{l.Incident, l.Page, l.Person, strconv.FormatInt(l.Expires.Unix(), 36)}, "\n")
	return base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + base64.RawURLEncoding.EncodeToString(b.sign(payload))
}

func (b *Bot) sign(payload string) []byte {
	mac := hmac.New(sha256.New, b.cfg.Secret)
	mac.Write([]byte("acknowledge\n" + payload))
	return mac.Sum(nil)
}

// The reasons why a link does not work.
var (
	ErrBadLink = errors.New("this link is not one of ours, or it was cut")
	ErrOldLink = errors.New("this link has expired")
)

// ReadAckLink checks the token of an acknowledgement link.
func (b *Bot) ReadAckLink(token string) (AckLink, error) {
	head, tail, _ := strings.Cut(token, ".")
	payload, err1 := base64.RawURLEncoding.DecodeString(head)
	mac, err2 := base64.RawURLEncoding.DecodeString(tail)
	if err := errors.Join(err1, err2); err != nil || !hmac.Equal(mac, b.sign(string(payload))) {
		return AckLink{}, ErrBadLink
	}
	parts := strings.Split(string(payload), "\n")
	if len(parts) != 4 {
		return AckLink{}, ErrBadLink
	}
	unix, err := strconv.ParseInt(parts[3], 36, 64)
	if err != nil {
		return AckLink{}, ErrBadLink
	}
	l := AckLink{Incident: parts[0], Page: parts[1], Person: parts[2], Expires: time.Unix(unix, 0).UTC()}
	if b.Now().After(l.Expires) {
		return l, ErrOldLink
	}
	return l, nil
}

// LinkSpeaker is whoever a link was sent to. The link itself is the proof: it
// lets them see and acknowledge this one incident.
func (b *Bot) LinkSpeaker(l AckLink) Speaker {
	if s, ok := b.Speaker(l.Person); ok {
		return s
	}
	s := Speaker{Name: strings.ReplaceAll(l.Person, ":", " "), Zone: b.Organization().Zone}
	if strings.Contains(l.Person, ":") { // a webhook was paged, and is a member; a person who has left is not
		s.Person = l.Person
	}
	return s
}

// AckByLink acknowledges what a link is bound to. seen is the Seq of the
// incident that the person saw on the page (rule E5).
func (b *Bot) AckByLink(ctx context.Context, l AckLink, seen int) (Reply, error) {
	return b.change(ctx, change{incident: l.Incident, command: workflow.Acknowledge{Seen: seen}}, Request{Speaker: b.LinkSpeaker(l)})
}
