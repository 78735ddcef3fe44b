package bottest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/conversation"
	"tocsin/bot/dispatch"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// ChatServiceSecret is the environment variable that connects a [ChatService].
const ChatServiceSecret = "TESTCHAT_TOKEN"

// chatSettings is the section "chat.testchat".
type chatSettings struct {
	ArchiveAfter time.Duration `yaml:"archive_after"`
}

// Validate implements what [platform.Description] asks of settings.
func (s *chatSettings) Validate() error {
	if s.ArchiveAfter < 0 {
		return errors.New("archive_after is negative; write one such as 7d")
	}
	return nil
}

// Description describes the service, as an adapter describes its platform.
func (s *ChatService) Description() platform.Description {
	id := func(pattern, noun, example string) platform.ID {
		return platform.ID{IsValid: regexp.MustCompile(pattern).MatchString, Noun: noun, Example: example, Want: "the ID of a " + noun + ", such as " + example}
	}
	return platform.Description{
		Name: chatServiceName, Title: "Test Chat", FindsByEmail: true,
		Account: id(`^T\d+$`, "user", "T1"), Group: id(`^G\d+$`, "group", "G1"), Room: id(`^room\d+$`, "room", "room1"),
		Secrets:     []string{ChatServiceSecret},
		NewSettings: func() any { return &chatSettings{ArchiveAfter: time.Hour} },
		Connect: func(o platform.Options) (platform.Platform, error) {
			a := &chatAdapter{service: s}
			if settings, ok := o.Settings.(*chatSettings); ok {
				a.settings = *settings
			}
			return a, nil
		},
	}
}

// Process returns the service's adapter, as another process that has just started
// has it.
func (s *ChatService) Process() platform.Platform {
	return &chatAdapter{service: s, settings: chatSettings{ArchiveAfter: time.Hour}}
}

// chatAdapter connects Tocsin to a service. All that it knows it asks the service
// for, so that each process sees the same.
type chatAdapter struct {
	service  *ChatService
	settings chatSettings
}

// Platform implements [bot.RoomManager].
func (a *chatAdapter) Platform() workflow.Platform {
	return workflow.Platform{Name: chatServiceName, ArchiveAfter: a.settings.ArchiveAfter, Steps: chatServiceSteps()}
}

// OpenRoom implements [bot.Chat].
func (a *chatAdapter) OpenRoom(ctx context.Context, r bot.RoomRequest) (room workflow.Room, err error) {
	if ended := ctx.Err(); ended != nil {
		return room, ended
	}
	err = a.service.change(func() error {
		found := a.service.find(func(have *ChatRoom) bool { return have.Incident == r.Incident && have.Private == r.Private })
		if found == nil {
			found = a.service.create(ChatRoom{Name: r.Name, Incident: r.Incident, Private: r.Private})
		}
		found.Archived = false
		room = workflow.Room{Platform: chatServiceName, ID: found.ID, Name: found.Name, State: workflow.RoomOpen, Private: found.Private}
		return nil
	})
	return room, err
}

// Post implements [bot.Chat].
func (a *chatAdapter) Post(ctx context.Context, p bot.RoomPost) error {
	return a.inRoom(ctx, p.Room.ID, p.ReplyTo, func(r *ChatRoom) error {
		if a.service.message(r, "", p.Key) == nil {
			a.service.write(r, ChatMessage{Key: p.Key, Below: p.ReplyTo, Content: p.Content})
		}
		return nil
	})
}

// inRoom changes a room that is open: the one that a message is in or, without one,
// the one with an ID.
func (a *chatAdapter) inRoom(ctx context.Context, room, message string, do func(*ChatRoom) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.service.change(func() error {
		found := a.service.find(func(r *ChatRoom) bool {
			return message == "" && r.ID == room || message != "" && a.service.message(r, message, "") != nil
		})
		if found == nil || found.Archived {
			return bot.Permanent(fmt.Errorf("%s: %w", room, bot.ErrRoomGone))
		}
		return do(found)
	})
}

// ShowCard implements [bot.RoomManager].
func (a *chatAdapter) ShowCard(ctx context.Context, c bot.RoomCard) (ref string, err error) {
	show := func(r *ChatRoom) {
		if m := a.service.message(r, c.Ref, c.Key); m != nil {
			m.Content, ref = c.Content, m.ID
			if c.Hide {
				r.Messages = slices.DeleteFunc(r.Messages, func(below ChatMessage) bool { return below.Key != "" && below.Below == ref })
			}
			return
		}
		ref = a.service.write(r, ChatMessage{Key: c.Key, Content: c.Content})
	}
	if c.Place == workflow.Announce {
		err = a.service.change(func() error { show(a.service.ensureRoom(announcementRoom)); return nil })
		return ref, err
	}
	err = a.inRoom(ctx, c.Room.ID, "", func(r *ChatRoom) error { show(r); return nil })
	return ref, err
}

// ensureRoom returns a room that is no incident's, and makes it where it is not
// there. The caller holds mu.
func (s *ChatService) ensureRoom(name string) *ChatRoom {
	if r := s.find(func(r *ChatRoom) bool { return r.Name == name }); r != nil {
		return r
	}
	return s.create(ChatRoom{Name: name})
}

// SetUpRoom implements [bot.RoomManager].
func (a *chatAdapter) SetUpRoom(ctx context.Context, w bot.RoomWork) error {
	return a.inRoom(ctx, w.Room.ID, "", func(r *ChatRoom) error {
		switch w.Step {
		case workflow.StepTopic:
			r.Topic = w.Title
		case workflow.StepBookmarks:
			r.Links = nil
			for _, l := range w.Links {
				r.Links = append(r.Links, l.URL)
			}
		case workflow.StepPin:
			m := a.service.message(r, w.Card, "")
			if m == nil {
				return bot.Permanent(errors.New("the card is not there"))
			}
			m.Pinned = true
		}
		return nil
	})
}

// Invite implements [bot.RoomManager].
func (a *chatAdapter) Invite(ctx context.Context, i bot.Invitation) error {
	return a.inRoom(ctx, i.Room.ID, "", func(r *ChatRoom) error {
		var missing []string
		for _, p := range i.People {
			user := p.Handle
			if user == "" {
				user = a.service.account("email:" + p.Email)
			}
			switch {
			case user == "":
				missing = append(missing, p.Name)
			case !slices.Contains(r.Members, user):
				r.Members = append(r.Members, user)
			}
		}
		if len(missing) > 0 {
			return bot.Permanent(fmt.Errorf("not on Test Chat: %s", strings.Join(missing, ", ")))
		}
		return nil
	})
}

// CloseRoom implements [bot.RoomManager].
func (a *chatAdapter) CloseRoom(ctx context.Context, w bot.RoomWork) error {
	err := a.inRoom(ctx, w.Room.ID, "", func(r *ChatRoom) error {
		if w.Hide {
			r.Name, r.Topic, r.Links = strings.ToLower(w.Incident)+"-moved", "", nil
			r.Messages = slices.DeleteFunc(r.Messages, func(m ChatMessage) bool { return m.Key != "" })
		}
		r.Archived = true
		return nil
	})
	if errors.Is(err, bot.ErrRoomGone) {
		return nil
	}
	return err
}

// Page implements [bot.Pager]: a direct message.
func (a *chatAdapter) Page(ctx context.Context, p bot.Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.service.change(func() error {
		user := a.service.account(p.Address)
		if user == "" {
			return bot.Permanent(fmt.Errorf("%s is not on Test Chat", p.Address))
		}
		room := a.service.ensureRoom("direct-" + user)
		if a.service.message(room, "", p.Key) == nil {
			a.service.write(room, ChatMessage{Key: p.Key, Content: p.Content})
		}
		return nil
	})
}

// Members implements [platform.Platform]: the service has no groups.
func (*chatAdapter) Members(string) []string { return nil }

// Configure implements [platform.Platform].
func (a *chatAdapter) Configure(settings any, _ bot.Organization) {
	if s, ok := settings.(*chatSettings); ok {
		a.settings = *s
	}
}

// Inspect implements [platform.Platform].
func (*chatAdapter) Inspect(context.Context) []platform.Finding {
	return []platform.Finding{{Text: "Test Chat answers"}}
}

// Inbound implements [platform.Platform].
func (a *chatAdapter) Inbound(app platform.Application) platform.Inbound {
	a.service.mu.Lock()
	defer a.service.mu.Unlock()
	a.service.inbound = chatInbound{app: app}
	return a.service.inbound
}

// chatInbound takes what users of the service do.
type chatInbound struct{ app platform.Application }

// Run implements [platform.Inbound]: everything is done in the user's own call.
func (chatInbound) Run(ctx context.Context) { <-ctx.Done() }

// Type runs a line that a user types in a room.
func (s *ChatService) Type(ctx context.Context, user, room, line string) (dispatch.Reply, error) {
	s.mu.Lock()
	app, found := s.inbound.app, s.byID(room)
	speaker := s.speaker(user)
	s.mu.Unlock()
	r := dispatch.Request{Text: line, Speaker: speaker}
	if found != nil {
		r.Room = found.Incident
	}
	return app.Dispatcher.Run(ctx, r)
}

// Press runs the command of a button in a room's messages, the newest first.
func (s *ChatService) Press(ctx context.Context, user string, room ChatRoom, label string) (dispatch.Reply, error) {
	for _, m := range slices.Backward(room.Messages) {
		for _, b := range slices.Concat(m.Content.Buttons, m.Content.More) {
			if b.Label == label && b.Command != "" {
				return s.Type(ctx, user, room.ID, b.Command)
			}
		}
	}
	return dispatch.Reply{}, fmt.Errorf("there is no button %q in %s", label, room.Name)
}

// Say writes a message of a user into an incident's room, where Tocsin reads it.
func (s *ChatService) Say(ctx context.Context, user, room, text string) error {
	s.mu.Lock()
	app, speaker := s.inbound.app, s.speaker(user)
	m := conversation.PlatformMessage{At: app.Now(), By: speaker, Text: text, Via: "Test Chat"}
	if r := s.byID(room); r != nil {
		m.Incident, m.Key = r.Incident, chatServiceName+":"+s.write(r, ChatMessage{Content: card.Content{Title: speaker.Name, Text: text}})
	}
	s.mu.Unlock()
	return app.Conversation.RecordMessage(ctx, m)
}

// speaker is who a user is to Tocsin. The caller holds mu.
func (s *ChatService) speaker(user string) access.Speaker {
	account := access.Account{Platform: chatServiceName, ID: user}
	for _, u := range s.users {
		if u.ID == user {
			account.Name, account.Email = u.Name, u.Email
		}
	}
	speaker, _ := access.Identify(s.inbound.app.Organization(), access.Claim{Account: account})
	return speaker
}
