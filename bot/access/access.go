// Package access decides who may see and do what. It is the only package that does:
// it tells who a speaker is ([Identify]), which incidents they see
// ([Speaker.CanSee]), and which commands they may use on an incident ([Can]).
//
// It does not authenticate: an adapter verifies a session, a token or a platform's
// signature and passes the result as a [Claim]. It reads nothing but its arguments.
package access

import (
	"cmp"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// Speaker is the person or machine that gives a command.
type Speaker struct {
	Person       string // ID of a configured person; "" for a guest
	Handle       string // of a guest: their account, "PLATFORM:ACCOUNT"
	Name         string // as shown
	Access       commands.Access
	Session      string // of a guest without an account: ID of the session in which they gave themselves a name
	Token        string // name of the API token that was used; "": none
	Key          Key    // with which they came in: directly, or by a sign-in link that it made
	Zone         *time.Location
	Unidentified bool // a guest only because the platform could not be asked who they are
}

// Key is one secret of an API token. A sign-in link and a session record the key that made
// them, and end with it (P1d: a session ends with its token). The zero Key is none.
type Key struct {
	Token  string // name of the token
	Digest string // of its secret, see [bot.Token.Digest]
}

// KeyOf returns the key of a token.
func KeyOf(t bot.Token) Key { return Key{Token: t.Name, Digest: t.Digest()} }

// Claim is what an adapter knows about a speaker: from a session, an API token, the
// link of a page, or an account on a chat platform. Zero fields are unknown.
type Claim struct {
	Person  string  // ID of a configured person
	Account Account // on a chat platform
	Name    string  // as shown, of a speaker who is not a configured person
	Key     Key     // of the API token: the speaker gets at most its access
	Limit   Limit   // the speaker gets at most this access
}

// Limit is an upper limit of access. The zero Limit limits nothing.
type Limit struct {
	Access commands.Access
	Set    bool
}

// AtMost returns the limit at an access.
func AtMost(a commands.Access) Limit { return Limit{Access: a, Set: true} }

// Account is an account on a chat platform, as the platform describes it.
type Account struct {
	Platform     string
	ID           string
	Name         string
	Email        string // "": unknown, or not verified by the platform
	Zone         *time.Location
	Unidentified bool // the platform could not be asked who it is
	External     bool // of another organization, in a channel that is shared with it
}

// Identify returns the speaker of a claim: the configured person with this ID, this
// account or an e-mail address that the platform has verified, or a guest (P1: access
// is checked first). ok is false when the person, the token or its secret is not
// configured any more.
func Identify(org *bot.Organization, c Claim) (s Speaker, ok bool) {
	person := c.Person
	if p, found := org.Directory.ByAccount(c.Account.Platform, c.Account.ID, c.Account.Email); found {
		person = p.ID
	}
	switch p, found := org.Directory.Person(person); {
	case found:
		s = Speaker{Person: p.ID, Name: p.Name, Access: max(p.Access, org.DefaultAccess), Zone: cmp.Or(p.Zone, c.Account.Zone, org.Zone)}
	case person != "":
		return Speaker{}, false
	case c.Account.ID != "":
		s = guestSpeaker(org, c.Account)
	default:
		s = Speaker{Name: c.Name, Access: org.DefaultAccess, Zone: org.Zone}
		if c.Limit.Set { // a token or a link has an access of its own
			s.Access = c.Limit.Access
		}
	}
	if c.Limit.Set {
		s.Access = min(s.Access, c.Limit.Access)
	}
	if c.Key != (Key{}) {
		token, found := org.Token(c.Key.Token)
		if !found || subtle.ConstantTimeCompare([]byte(token.Digest()), []byte(c.Key.Digest)) == 0 {
			return Speaker{}, false // P1d: a session ends with its token
		}
		s.Access, s.Key = min(s.Access, token.Access), c.Key
	}
	return s, true
}

// guestSpeaker returns the speaker of an account that no configured person has. A
// guest with the name of a configured person, of a token or of Tocsin itself is shown
// as "NAME on PLATFORM".
func guestSpeaker(org *bot.Organization, a Account) Speaker {
	name, _ := workflow.CleanLine(a.Name, 60)
	name = cmp.Or(name, a.ID)
	if a.Platform != "" && (len(org.Directory.Matches(name)) > 0 || isReserved(org, commands.Fold(name))) {
		name += " on " + card.PlatformName(a.Platform)
	}
	s := Speaker{Handle: a.Platform + ":" + a.ID, Name: name, Access: org.DefaultAccess, Zone: cmp.Or(a.Zone, org.Zone), Unidentified: a.Unidentified}
	if a.External {
		s.Access = commands.Guest
	}
	return s
}

// isReserved reports whether a folded name is that of a token or of Tocsin itself.
func isReserved(org *bot.Organization, name string) bool {
	_, isToken := org.Token(name)
	return isToken || name == "tocsin"
}

// Person returns a configured person as a speaker. ok is false when no person has
// this ID.
func Person(org *bot.Organization, id string) (s Speaker, ok bool) {
	if id == "" {
		return Speaker{}, false
	}
	return Identify(org, Claim{Person: id})
}

// Recipient returns the recipient of a page as a speaker: a configured person, or what
// is paged as "KIND:NAME", such as a webhook or a guest of a paged group, which is a
// member of the incidents that it was paged for. ok is false when the person or the
// webhook is not configured any more (P1b: who has left does nothing any more). While no
// people are configured, there is no one to have left.
func Recipient(org *bot.Organization, id string) (s Speaker, ok bool) {
	if s, ok = Person(org, id); ok {
		return s, true
	}
	s = Speaker{Name: strings.ReplaceAll(id, ":", " "), Zone: org.Zone}
	kind, name, isService := strings.Cut(id, ":")
	if isService {
		s.Person = id
	}
	switch {
	case isService && kind == "webhook":
		ok = slices.Contains(org.Directory.Webhooks, name)
	case isService || id == "log":
		ok = true
	default:
		ok = len(org.Directory.People) == 0
	}
	return s, ok
}

// Actor returns the speaker as the actor of an event, such as "ana, by token ci".
func (s Speaker) Actor() workflow.Actor {
	a := workflow.Actor{Kind: workflow.ByPerson, ID: s.ID(), Name: s.Name, Token: s.Token}
	if s.Person == "" {
		a.Kind = workflow.ByGuest
	}
	return a
}

// ID returns who the speaker is: the configured person, else the account on a platform,
// the session in which someone gave themselves a name, or the API token. Two speakers are
// the same when their IDs are, whatever their names (P1c: a name is no identity). Only
// the recipient of a page from when no people were configured has nothing but the name,
// which is the ID that was paged.
func (s Speaker) ID() string {
	switch token := cmp.Or(s.Token, s.Key.Token); {
	case s.Person != "":
		return s.Person
	case s.Handle != "":
		return workflow.GuestID(s.Handle)
	case s.Session != "":
		return "session:" + s.Session
	case token != "":
		return "token:" + token
	}
	return workflow.GuestID(s.Name)
}

// GuestID returns the ID of a speaker who is not a configured person; "" of one who is.
func (s Speaker) GuestID() string {
	if s.Person != "" {
		return ""
	}
	return s.ID()
}

// CanSee reports whether the speaker may see an incident (P2: private means members
// only).
func (s Speaker) CanSee(i *workflow.Incident) bool {
	return i.Visibility != workflow.Private || i.IsMember(s.Person)
}

// CanWorkOn reports whether the speaker may read the timeline, the conversation and
// the deliveries of an incident, and write into its conversation. Its card is shown
// to everyone who can see it.
func (s Speaker) CanWorkOn(i *workflow.Incident) bool {
	return s.CanSee(i) && (s.Access >= commands.Responder || i.IsMember(s.Person))
}

// CheckVisible returns the refusal [NotFound] when the speaker must not see an
// incident, as if it did not exist (P2: private means members only).
func CheckVisible(i workflow.Incident, s Speaker) error {
	if i.Status == "" || s.CanSee(&i) {
		return nil
	}
	return NotFound(i.ID)
}

// NotFound returns the refusal of an incident that does not exist for the speaker.
func NotFound(id string) error {
	return &workflow.Refusal{Message: id + " does not exist.", Hint: "`list` shows the open incidents."}
}

// ZoneOr returns the time zone of the speaker, or another when theirs is unknown.
func (s Speaker) ZoneOr(otherwise *time.Location) *time.Location { return cmp.Or(s.Zone, otherwise) }
