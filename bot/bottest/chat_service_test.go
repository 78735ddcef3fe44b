package bottest_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestChatService runs the conformance suites of chat platforms against the one that
// is used in other tests.
func TestChatService(t *testing.T) {
	t.Run("Chat", func(t *testing.T) {
		bottest.Chat(t, func(*testing.T) bottest.ChatFixture {
			s := &bottest.ChatService{}
			return bottest.ChatFixture{
				Chat:  s.Process(),
				Rooms: func() []string { return ids(s) },
				Posts: func(r workflow.Room) []string { return texts(room(s, r).Messages) },
				Outside: func() string {
					var all strings.Builder
					for _, r := range s.Rooms() {
						if !r.Private {
							fmt.Fprintln(&all, r.Name, r.Topic, texts(r.Messages))
						}
					}
					return all.String()
				},
				LoseAnswer: s.LoseAnswer,
			}
		})
	})
	t.Run("Rooms", func(t *testing.T) {
		bottest.Rooms(t, func(*testing.T) bottest.RoomsFixture {
			s := &bottest.ChatService{}
			return bottest.RoomsFixture{
				Process: func() bottest.HostedChat {
					chat, _ := s.Process().(bottest.HostedChat)
					return chat
				},
				AddUser: s.AddUser,
				Room: func(r workflow.Room) bottest.RoomState {
					at := room(s, r)
					state := bottest.RoomState{Name: at.Name, Private: at.Private, Archived: at.Archived, Topic: at.Topic, Links: at.Links, Members: at.Members}
					for _, m := range at.Messages {
						if m.Key != "" {
							state.Posts = append(state.Posts, m.Text())
						}
						if m.Pinned {
							state.Pinned = append(state.Pinned, m.Text())
						}
					}
					return state
				},
				Rooms: func() []string { return ids(s) },
				Below: func(ref string) []string {
					var all []string
					for _, m := range s.Announcements().Messages {
						if m.Below == ref {
							all = append(all, m.Text())
						}
					}
					return all
				},
				Announcements: func() []string {
					var all []string
					for _, m := range s.Announcements().Messages {
						if m.Below == "" {
							all = append(all, m.Text())
						}
					}
					return all
				},
				Interrupt: func(_ string, after bool) {
					if after {
						s.LoseAnswer()
					} else {
						s.RefuseNext()
					}
				},
				WriteMessages: func(r workflow.Room, messages int) { s.WriteMessages(r.ID, messages) },
				Delete:        s.Delete,
				Archive:       func(r workflow.Room) { s.Archive(r.ID) },
			}
		})
	})
}

func ids(s *bottest.ChatService) []string {
	var all []string
	for _, r := range s.Rooms() {
		all = append(all, r.ID)
	}
	return all
}

func room(s *bottest.ChatService, r workflow.Room) bottest.ChatRoom {
	for _, have := range s.Rooms() {
		if have.ID == r.ID {
			return have
		}
	}
	return bottest.ChatRoom{}
}

func texts(messages []bottest.ChatMessage) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Text())
	}
	return all
}
