// Package platform describes chat platforms. A platform says once what it is
// called, which secrets and settings it reads, what its IDs look like and what can
// be done with it; the configuration, the directory of people, the command line and
// the wiring work with that description and never name a platform.
package platform

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/conversation"
	"tocsin/bot/dispatch"
	"tocsin/bot/incidents"
	"tocsin/bot/outbound"
	"tocsin/bot/rooms"
)

// Description is what the rest of Tocsin knows about a chat platform.
type Description struct {
	Name  string // in the configuration, in targets ("room:NAME:ID") and in stored pages: small letters
	Title string // as people write it

	Account ID // of a person
	Group   ID // of a group of people that stands for a team; IsValid is nil where there are none
	Room    ID // of a room that can be paged

	// Secrets are the environment variables that it reads, each also as NAME_FILE.
	// The platform is connected when the first of them is set.
	Secrets []string
	// NewSettings returns a pointer to the settings of the section "chat.NAME" with
	// their defaults: a struct with yaml tags and a method Validate() error.
	NewSettings func() any
	// FindsByEmail says that people without an account are found by their e-mail
	// address.
	FindsByEmail bool
	// Connect connects the platform; nil if this version cannot connect it yet. An
	// error says what is wrong with a secret or a setting, and what would be right.
	Connect func(Options) (Platform, error)
	// Commands are the platform's own subcommands: `tocsin NAME COMMAND`.
	Commands []Command
}

// ID says what the IDs of one kind look like.
type ID struct {
	IsValid func(text string) bool // nil where the platform has nothing of this kind
	Noun    string                 // what has such an ID: "user"
	Want    string                 // what would be right, with an example: `a user ID, such as "U012AB3CD"`
	Example string                 // "U012AB3CD"
}

// Options are what a platform is connected with.
type Options struct {
	Settings any // as NewSettings returned them, filled in
	Secret   func(name string) string
	Mark     string // names this installation, in the rooms and messages that it makes ([bot.InstallationMark])
	Store    Store
	Now      func() time.Time
	Log      *slog.Logger
}

// Store is where a platform stores what it has read from the vendor.
type Store interface {
	bot.Records
	bot.Committer
}

// Platform is a platform that is connected. It is built before the application, and
// configured before it sends anything; [Platform.Inbound] receives once there is an
// application.
type Platform interface {
	bot.Chat
	bot.Pager
	// Members returns the members of a group, as last known: IDs of configured people,
	// and "guest:NAME:ACCOUNT" for others. It does not wait for the vendor.
	Members(group string) []string
	// Configure sets the platform's settings, as NewSettings returned them, filled
	// in, and the organization: after it is connected, and whenever the
	// configuration is read again.
	Configure(settings any, org bot.Organization)
	// Inspect checks the connection with the vendor, and changes nothing.
	Inspect(ctx context.Context) []Finding
	// Inbound builds the receiver of the platform's commands, events and messages, for
	// an application.
	Inbound(app Application) Inbound
}

// Inbound receives commands, events and messages from a platform. If the vendor sends requests, it also
// has a method Handler() http.Handler, which serves them below "/NAME/".
type Inbound interface {
	// Run receives until ctx has ended, and returns when everything under way is done.
	Run(ctx context.Context)
}

// Application is what the inbound side of a platform uses of the bot.
type Application struct {
	*bot.Engine
	Dispatcher   *dispatch.Dispatcher
	Incidents    *incidents.Reader
	Conversation *conversation.Recorder
	Rooms        *rooms.Manager
	Health       *outbound.Health
}

// Grade is how well something is.
type Grade int

// The grades of a finding.
const (
	Fine    Grade = iota
	Limited       // something is turned off, or soon may be
	Broken        // it does not work
)

// Finding is the result of one check, and what to do about it where it is not fine.
type Finding struct {
	Grade    Grade
	Text, Do string
}

// Command is a subcommand of a platform.
type Command struct {
	Name, Short, Long, Example string
	Flags                      []Flag
	// Run returns what is printed. It gets the values of the flags by their names: a
	// string, or "true" for a switch that is on.
	Run func(flags map[string]string) ([]byte, error)
}

// Flag is a flag of a subcommand. A switch has no value.
type Flag struct {
	Name, Default, Usage string
	Switch               bool
}

// Table lists the platforms, in the order in which they are shown.
type Table []Description

// Find returns the description of a platform.
func (t Table) Find(name string) (Description, bool) {
	n := slices.IndexFunc(t, func(d Description) bool { return d.Name == name })
	if n < 0 {
		return Description{}, false
	}
	return t[n], true
}
