package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Listing is where an open incident is listed: its position in the order of need, and
// the lists that it is in beside the list of all (E14: lists are by need). It depends on
// the incident alone, never on the time, so that it changes only with a commit.
type Listing struct {
	Need Need
	Tags []string // sorted; a tag contains no control character
}

// Need orders open incidents: a smaller one needs a person more. Unattended incidents
// come first, then those that are not acknowledged, then the others; among them the most
// severe, and among those the one that has waited longest. Zero is the need of an incident
// that cannot be read: it comes before all.
type Need int64

// The levels of a need, and its layout: level, severity, and the milliseconds since 1970
// at which the incident was declared. It is below 2^53, so that a float64 holds it too.
const (
	unattended = 1 + iota
	unacknowledged
	acknowledged

	needAgeBits      = 45
	needSeverityBits = 3
)

// The bounds of the levels: an incident is unattended if its need is below
// NeedUnacknowledged, and has no acknowledgement if it is below NeedAcknowledged.
const (
	NeedUnacknowledged Need = unacknowledged << (needSeverityBits + needAgeBits)
	NeedAcknowledged   Need = acknowledged << (needSeverityBits + needAgeBits)
)

// TagPrivate is the tag of incidents that not everyone may see (P2: private means members
// only).
const TagPrivate = "private"

// TagAwaiting returns the tag of the incidents that wait for an answer of a person, see
// [Incident.IsAwaiting].
func TagAwaiting(person string) string { return "awaiting:" + cleanTag(person) }

// TagInvolving returns the tag of the incidents in which a person is involved, see
// [Incident.IsInvolved].
func TagInvolving(person string) string { return "involving:" + cleanTag(person) }

// cleanTag makes an ID fit for a tag. IDs of guests come from other platforms.
func cleanTag(id string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(id, "_"))
}

// Listing returns where an incident is listed; the zero Listing when it is not open.
func (i *Incident) Listing() Listing {
	if !i.IsOpen() {
		return Listing{}
	}
	l := Listing{Need: i.need()}
	if i.Visibility == Private {
		l.Tags = append(l.Tags, TagPrivate)
	}
	for _, p := range i.Paging.Pages {
		if i.IsAwaiting(p.To) {
			l.Tags = append(l.Tags, TagAwaiting(p.To), TagInvolving(p.To))
		}
	}
	if i.IsAcknowledged() {
		l.Tags = append(l.Tags, TagInvolving(i.Acknowledgement.Person))
	}
	for _, person := range i.Roles {
		if person != "" {
			l.Tags = append(l.Tags, TagInvolving(person))
		}
	}
	slices.Sort(l.Tags)
	l.Tags = slices.Compact(l.Tags)
	return l
}

func (i *Incident) need() Need {
	level := acknowledged
	switch {
	case i.IsUnattended():
		level = unattended
	case !i.IsAcknowledged():
		level = unacknowledged
	}
	severity := i.Severity
	if severity < SEV1 || severity > SEV5 {
		severity = SEV3 // as an alert without a severity
	}
	age := min(max(i.DeclaredAt.UnixMilli(), 0), 1<<needAgeBits-1)
	return Need(level)<<(needSeverityBits+needAgeBits) | Need(severity)<<needAgeBits | Need(age)
}

// StubListing returns where an incident is listed that alerts have opened and whose first
// step has not been taken. One that follows another incident counts as private, because
// that one may be.
func StubListing(s Severity, at time.Time, follows bool) Listing {
	l := (&Incident{Status: Triage, Severity: s, DeclaredAt: at}).Listing()
	if follows {
		l.Tags = []string{TagPrivate}
	}
	return l
}

// IsInvolved reports whether a person has acknowledged an incident, has a role in it, or
// is waited for.
func (i *Incident) IsInvolved(person string) bool {
	if person == "" {
		return false
	}
	for _, p := range i.Roles {
		if p == person {
			return true
		}
	}
	return i.Acknowledgement.Person == person || i.IsAwaiting(person)
}

// DeclaredAt returns when the incident was declared, to the millisecond; zero for the need
// of one that cannot be read.
func (n Need) DeclaredAt() time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(n) & (1<<needAgeBits - 1)).UTC()
}

// needWidth is the number of digits of an encoded need.
const needWidth = 16

// String returns the need in 16 digits, so that comparing texts compares needs.
func (n Need) String() string { return fmt.Sprintf("%0*d", needWidth, int64(n)) }

// String encodes a listing as stores keep it: the need in 16 digits, and each tag after a
// line break.
func (l Listing) String() string {
	return strings.Join(append([]string{l.Need.String()}, l.Tags...), "\n")
}

// ParseListing decodes what [Listing.String] encoded.
func ParseListing(text string) (Listing, error) {
	need, tags, tagged := strings.Cut(text, "\n")
	n, err := strconv.ParseInt(need, 10, 64)
	if err != nil || len(need) != needWidth {
		return Listing{}, fmt.Errorf("read the listing %q: it has no need", text)
	}
	l := Listing{Need: Need(n)}
	if tagged {
		l.Tags = strings.Split(tags, "\n")
	}
	return l, nil
}
