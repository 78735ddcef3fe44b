package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// User is a member of the workspace, or of another one with which it shares a channel.
type User struct {
	ID       string // U…; AddUser chooses one if it is empty
	Name     string
	RealName string
	Email    string
	TZ       string // an IANA time zone; empty means UTC
	TeamID   string // empty means the server's workspace
	Bot      bool
	Deleted  bool
	// Restricted marks a guest (is_restricted), Stranger a member of another workspace (is_stranger).
	Restricted, Stranger bool
}

// Channel is a conversation: public, private, or a direct message between the app and one person.
type Channel struct {
	ID       string // C… or D…
	Name     string // empty for a direct message
	Private  bool
	Direct   bool
	General  bool
	Archived bool
	// Topic and Purpose are not escaped.
	Topic, Purpose string
	Creator        string
	Created        time.Time
	Members        []string // user IDs, in the order of joining
	PreviousNames  []string
}

// UserGroup is a group of users with a handle, such as @sre.
type UserGroup struct {
	ID      string // S…
	Handle  string
	Name    string
	Members []string
}

// Metadata is the data that an app attaches to a message (messaging/message-metadata).
type Metadata struct {
	EventType    string          `json:"event_type"`
	EventPayload json.RawMessage `json:"event_payload"`
}

// Message is a message of a channel. A deleted one is kept with Deleted set.
type Message struct {
	Channel  string
	TS       string
	ThreadTS string // timestamp of the parent; empty for a message that is not in a thread
	Subtype  string // channel_join, channel_topic, …: of a message that Slack itself writes
	User     string
	BotID    string // of a message that the app posts
	Text     string // as Slack stores it, escaped
	Blocks   json.RawMessage
	Metadata *Metadata
	// Broadcast marks a reply that is also shown in the channel.
	Broadcast bool
	Edited    bool // clients show "(edited)"
	Edits     int  // how many times it was updated or edited
	Deleted   bool
	Pinned    bool
	Reactions map[string][]string // by the name of the emoji: user IDs, in order
}

// Bookmark is a link at the head of a channel.
type Bookmark struct{ ID, Channel, Title, Link, Emoji string }

// Ephemeral is a message that only one person sees, from chat.postEphemeral or a response URL.
type Ephemeral struct {
	Channel, User, TS, ThreadTS, Text string
	Blocks                            json.RawMessage
}

// workspace is the state of users, channels and messages.
type workspace struct {
	ids        int
	lastTS     int64
	users      map[string]*User
	channels   []*Channel
	groups     []*UserGroup
	messages   []*Message
	bookmarks  []Bookmark
	ephemerals []Ephemeral
}

// newWorkspace returns an empty workspace.
func newWorkspace() workspace { return workspace{users: map[string]*User{}} }

// newID returns an ID in the form of Slack's: a letter for the kind, then capital letters and digits.
func (w *workspace) newID(kind string) string {
	w.ids++
	// The multiplication spreads consecutive numbers over the whole range of 36^8 values.
	n := uint64(w.ids) * 1_000_003 * 7919 % 2_821_109_907_456
	return kind + "0" + strings.ToUpper(fmt.Sprintf("%09s", strconv.FormatUint(n, 36)))
}

// newTimestamp returns a timestamp that is later than all before, even if the clock stands still.
func (s *Server) newTimestamp() string {
	micros := max(s.now().UnixMicro(), s.lastTS+1)
	s.lastTS = micros
	return fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6)
}

// AddUser adds a person and returns their ID.
func (s *Server) AddUser(u User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(u)
}

// addUser adds a user, or replaces one, with the lock held.
func (s *Server) addUser(u User) string {
	if u.ID == "" {
		u.ID = s.newID("U")
	}
	if u.TeamID == "" {
		u.TeamID = s.TeamID
	}
	if u.TZ == "" {
		u.TZ = "UTC"
	}
	s.users[u.ID] = &u
	return u.ID
}

// ChangeUser replaces the user with the same ID.
func (s *Server) ChangeUser(u User) { s.AddUser(u) }

// AddChannel adds a channel as if a person had created it, and returns its ID. The app is in it only if it is among the
// members.
func (s *Server) AddChannel(c Channel) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ID == "" {
		c.ID = s.newID("C")
	}
	if c.Created.IsZero() {
		c.Created = s.now()
	}
	if c.Creator == "" {
		c.Creator = s.Installer
	}
	c.Members = slices.Clone(c.Members)
	s.channels = append(s.channels, &c)
	return c.ID
}

// AddGroup adds a user group and returns its ID.
func (s *Server) AddGroup(g UserGroup) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.ID == "" {
		g.ID = s.newID("S")
	}
	g.Members = slices.Clone(g.Members)
	s.groups = append(s.groups, &g)
	return g.ID
}

// Join makes a person a member of a channel, and sends the app the event.
func (s *Server) Join(user, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.findChannel(channel); c != nil && !slices.Contains(c.Members, user) {
		s.addMember(c, user, "")
	}
}

// Leave removes a person, or the app, from a channel.
func (s *Server) Leave(user, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.findChannel(channel); c != nil {
		c.Members = slices.DeleteFunc(c.Members, func(m string) bool { return m == user })
	}
}

// Channels returns all conversations, in the order in which they were created.
func (s *Server) Channels() []Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Channel
	for _, c := range s.channels {
		all = append(all, c.copy())
	}
	return all
}

// Channel returns a conversation by ID or name (with or without #); the zero value if there is none.
func (s *Server) Channel(nameOrID string) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.findChannel(nameOrID); c != nil {
		return c.copy()
	}
	return Channel{}
}

// Direct returns the direct message between the app and a person; the zero value if none was opened.
func (s *Server) Direct(user string) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if c.Direct && slices.Contains(c.Members, user) {
			return c.copy()
		}
	}
	return Channel{}
}

// Group returns a user group by ID or handle; the zero value if there is none.
func (s *Server) Group(idOrHandle string) UserGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if g.ID == idOrHandle || g.Handle == idOrHandle {
			found := *g
			found.Members = slices.Clone(g.Members)
			return found
		}
	}
	return UserGroup{}
}

// Messages returns the messages of a channel, by ID or name, oldest first, deleted ones and replies included.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.findChannel(channel)
	if c == nil {
		return nil
	}
	var all []Message
	for _, m := range s.messages {
		if m.Channel == c.ID {
			all = append(all, m.copy())
		}
	}
	return all
}

// Posts returns the messages that the app has posted in a channel and not deleted, oldest first.
func (s *Server) Posts(channel string) []Message {
	return slices.DeleteFunc(s.Messages(channel), func(m Message) bool { return m.BotID != s.BotID || m.Deleted })
}

// Message returns a message by its channel and timestamp; the zero value if there is none.
func (s *Server) Message(channel, ts string) Message {
	for _, m := range s.Messages(channel) {
		if m.TS == ts {
			return m
		}
	}
	return Message{}
}

// Ephemerals returns the messages that only one person sees, oldest first.
func (s *Server) Ephemerals() []Ephemeral {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ephemerals)
}

// Bookmarks returns the bookmarks of a channel, by ID or name.
func (s *Server) Bookmarks(channel string) []Bookmark {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.findChannel(channel)
	if c == nil {
		return nil
	}
	return s.bookmarksOf(c.ID)
}

// bookmarksOf returns the bookmarks of a channel, by ID.
func (w *workspace) bookmarksOf(channel string) []Bookmark {
	return slices.DeleteFunc(slices.Clone(w.bookmarks), func(b Bookmark) bool { return b.Channel != channel })
}

// findChannel returns a channel by ID or name (with or without #); nil if there is none.
func (w *workspace) findChannel(nameOrID string) *Channel {
	name := strings.TrimPrefix(nameOrID, "#")
	for _, c := range w.channels {
		if c.ID == nameOrID || (c.Name != "" && c.Name == name) {
			return c
		}
	}
	return nil
}

// findMessage returns a message by its channel's ID and its timestamp, deleted ones included; nil if there is none.
func (w *workspace) findMessage(channel, ts string) *Message {
	for _, m := range w.messages {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

// hasMember reports whether a user is in the channel.
func (c *Channel) hasMember(user string) bool { return slices.Contains(c.Members, user) }

// copy returns a copy that is independent of the server.
func (c *Channel) copy() Channel {
	d := *c
	d.Members = slices.Clone(c.Members)
	d.PreviousNames = slices.Clone(c.PreviousNames)
	return d
}

// copy returns a copy that is independent of the server.
func (m *Message) copy() Message {
	d := *m
	d.Reactions = maps.Clone(m.Reactions)
	for name, users := range d.Reactions {
		d.Reactions[name] = slices.Clone(users)
	}
	return d
}
