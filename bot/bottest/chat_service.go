package bottest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// ChatService is a chat platform for tests, held in memory: what a vendor keeps of
// its users, rooms and messages. [ChatService.Description] connects it to Tocsin,
// as any other platform is.
//
// A message carries the key that it was written for, so that the service can be
// asked for it; the service never looks at it by itself. It is safe for concurrent
// use.
type ChatService struct {
	mu      sync.Mutex
	users   []ChatUser
	rooms   []*ChatRoom
	made    int // rooms and messages so far
	loses   bool
	refuses bool
	inbound chatInbound
}

// ChatUser is a person with an account.
type ChatUser struct {
	ID    string // "T1"
	Name  string
	Email string
}

// ChatRoom is a room, a direct conversation with one user, or the room of
// announcements.
type ChatRoom struct {
	ID       string
	Name     string
	Incident string // whose room it is; "" for none
	Private  bool
	Archived bool
	Topic    string
	Links    []string
	Members  []string // user IDs; of a public room, those who were invited
	Messages []ChatMessage
}

// ChatMessage is one message.
type ChatMessage struct {
	ID      string
	Key     string // what it was written for
	Below   string // ID of the message that it answers; "": of none
	Content card.Content
	Pinned  bool
}

// Text is what people read.
func (m ChatMessage) Text() string {
	return strings.ToValidUTF8(card.Plain(card.Text(m.Content)), "�")
}

// The platform in the configuration, and the room of announcements.
const (
	chatServiceName  = "testchat"
	announcementRoom = "announcements"
)

// AddUser creates an account for a person and returns its ID.
func (s *ChatService) AddUser(name, email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("T%d", len(s.users)+1)
	s.users = append(s.users, ChatUser{ID: id, Name: name, Email: email})
	return id
}

// Room returns the room that an incident has now.
func (s *ChatService) Room(incident string) (ChatRoom, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range slices.Backward(s.rooms) {
		if r.Incident == incident {
			return r.clone(), true
		}
	}
	return ChatRoom{}, false
}

// Announcements returns the room of announcements; empty before the first.
func (s *ChatService) Announcements() ChatRoom { return s.copyRoom(announcementRoom) }

// Direct returns the conversation with a user; empty before the first page.
func (s *ChatService) Direct(user string) ChatRoom { return s.copyRoom("direct-" + user) }

// copyRoom returns a copy of the room with a name; empty when there is none.
func (s *ChatService) copyRoom(name string) ChatRoom {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.find(func(r *ChatRoom) bool { return r.Name == name }); r != nil {
		return r.clone()
	}
	return ChatRoom{}
}

// Rooms returns every room of an incident.
func (s *ChatService) Rooms() []ChatRoom {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ChatRoom
	for _, r := range s.rooms {
		if r.Incident != "" {
			all = append(all, r.clone())
		}
	}
	return all
}

// Delete removes a message, as people do.
func (s *ChatService) Delete(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		r.Messages = slices.DeleteFunc(r.Messages, func(m ChatMessage) bool { return m.ID == message })
	}
}

// Archive archives a room, as people do.
func (s *ChatService) Archive(room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byID(room); r != nil {
		r.Archived = true
	}
}

// WriteMessages writes messages of people into a room.
func (s *ChatService) WriteMessages(room string, messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byID(room); r != nil {
		for n := range messages {
			s.write(r, ChatMessage{Content: card.Content{Title: "Zoe", Text: fmt.Sprint("message ", n)}})
		}
	}
}

// LoseAnswer makes the next change happen and its answer get lost.
func (s *ChatService) LoseAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loses = true
}

// RefuseNext makes the next change fail without being carried out, for no reason
// that lasts.
func (s *ChatService) RefuseNext() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = true
}

// change carries a change out, unless it is to fail.
func (s *ChatService) change(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses {
		s.refuses = false
		return errFault
	}
	if err := do(); err != nil {
		return err
	}
	if s.loses {
		s.loses = false
		return errFault
	}
	return nil
}

// find returns the first room that fits, or nil. The caller holds mu.
func (s *ChatService) find(fits func(*ChatRoom) bool) *ChatRoom {
	if n := slices.IndexFunc(s.rooms, fits); n >= 0 {
		return s.rooms[n]
	}
	return nil
}

func (s *ChatService) byID(id string) *ChatRoom {
	return s.find(func(r *ChatRoom) bool { return r.ID == id })
}

// create makes a room. The caller holds mu.
func (s *ChatService) create(r ChatRoom) *ChatRoom {
	s.made++
	r.ID = fmt.Sprintf("room%d", s.made)
	s.rooms = append(s.rooms, &r)
	return &r
}

// write appends a message to a room. The caller holds mu.
func (s *ChatService) write(r *ChatRoom, m ChatMessage) string {
	s.made++
	m.ID = fmt.Sprintf("message%d", s.made)
	r.Messages = append(r.Messages, m)
	return m.ID
}

// message finds a message by its ID or, with key, by what it was written for. The
// caller holds mu, and may change what is returned.
func (s *ChatService) message(room *ChatRoom, id, key string) *ChatMessage {
	for n := range room.Messages {
		if m := &room.Messages[n]; id != "" && m.ID == id || key != "" && m.Key == key {
			return m
		}
	}
	return nil
}

// account returns the ID of a user, by an ID or "email:ADDRESS"; "" for none. The
// caller holds mu.
func (s *ChatService) account(address string) string {
	email, byEmail := strings.CutPrefix(address, "email:")
	for _, u := range s.users {
		if byEmail && strings.EqualFold(u.Email, email) || u.ID == address {
			return u.ID
		}
	}
	return ""
}

func (r *ChatRoom) clone() ChatRoom {
	c := *r
	c.Links, c.Members, c.Messages = slices.Clone(r.Links), slices.Clone(r.Members), slices.Clone(r.Messages)
	return c
}

// steps are what a room of the service is given.
func chatServiceSteps() []string {
	return []string{workflow.StepTopic, workflow.StepBookmarks, workflow.StepPin, workflow.StepInvite, workflow.StepAnnounce}
}
