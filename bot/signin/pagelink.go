package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
)

// pageLinkLife is how long the link in a page works.
const pageLinkLife = 24 * time.Hour

// PageLink is the content of the link in a page, which acknowledges the incident for
// the recipient of that page.
type PageLink struct {
	Incident string
	Page     string
	Person   string
	Seen     int // Seq of the incident in the page; 0 in links of earlier versions
	Expires  time.Time
}

// PageLinks signs and verifies the links in pages. Nothing is stored: the token holds
// the whole [PageLink].
type PageLinks struct {
	engine *bot.Engine
	secret []byte
}

// NewPageLinks returns the links that are signed with a secret of at least 16 bytes.
func NewPageLinks(engine *bot.Engine, secret []byte) (*PageLinks, error) {
	if len(secret) < 16 {
		return nil, errors.New("sign page links: the secret has fewer than 16 bytes")
	}
	return &PageLinks{engine: engine, secret: secret}, nil
}

// Token returns the signed token of a link, which works for a day from now on.
func (l *PageLinks) Token(p PageLink) string {
	expires := l.engine.Now().Add(pageLinkLife)
	payload := strings.Join([]string{p.Incident, p.Page, p.Person, strconv.FormatInt(expires.Unix(), 36), strconv.Itoa(p.Seen)}, "\n")
	return base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + base64.RawURLEncoding.EncodeToString(l.sign(payload))
}

// sign returns the signature of a payload.
func (l *PageLinks) sign(payload string) []byte {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write([]byte("acknowledge\n" + payload))
	return mac.Sum(nil)
}

// The reasons why a link does not work.
var (
	ErrBadLink     = errors.New("this link is not one of ours, or it was cut off")
	ErrExpiredLink = errors.New("this link has expired")
)

// Read verifies a token and returns its link. The error is [ErrBadLink] or
// [ErrExpiredLink].
func (l *PageLinks) Read(token string) (PageLink, error) {
	head, tail, _ := strings.Cut(token, ".")
	payload, err1 := base64.RawURLEncoding.DecodeString(head)
	mac, err2 := base64.RawURLEncoding.DecodeString(tail)
	if err := errors.Join(err1, err2); err != nil || !hmac.Equal(mac, l.sign(string(payload))) {
		return PageLink{}, ErrBadLink
	}
	parts := strings.Split(string(payload), "\n")
	if len(parts) == 4 { // of an earlier version, which did not say what the page shows
		parts = append(parts, "0")
	}
	if len(parts) != 5 {
		return PageLink{}, ErrBadLink
	}
	unix, err1 := strconv.ParseInt(parts[3], 36, 64)
	seen, err2 := strconv.Atoi(parts[4])
	if err1 != nil || err2 != nil {
		return PageLink{}, ErrBadLink
	}
	p := PageLink{Incident: parts[0], Page: parts[1], Person: parts[2], Seen: seen, Expires: time.Unix(unix, 0).UTC()}
	if l.engine.Now().After(p.Expires) {
		return p, ErrExpiredLink
	}
	return p, nil
}

// Speaker returns the recipient of a link as the speaker who acknowledges. The signed
// link is their authentication (P5: a link acknowledges only by POST). ok is false when
// the recipient is not configured any more (P1b: who has left does nothing any more).
func (l *PageLinks) Speaker(p PageLink) (s access.Speaker, ok bool) {
	return access.Recipient(l.engine.Organization(), p.Person)
}
