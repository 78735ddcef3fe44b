package bottest_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// square is a chat platform of the simplest kind, and its adapter in one: it
// makes a room or a post whenever it is asked to, cuts messages at 300
// characters and takes <tags> for markup. So the adapter looks before it writes.
type square struct {
	mu    sync.Mutex
	rooms []squareRoom
	lose  bool // the next answer
}

type squareRoom struct {
	name, topic string
	private     bool
	posts       []squarePost
}

type squarePost struct{ key, markup string }

var errLost = errors.New("read tcp: connection reset by peer")

// answer is what comes back from a change that was made.
func (s *square) answer() error {
	if s.lose {
		s.lose = false
		return errLost
	}
	return nil
}

// OpenRoom implements [bot.Chat].
func (s *square) OpenRoom(ctx context.Context, r bot.RoomRequest) (workflow.Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return workflow.Room{}, fmt.Errorf("open room: %w", ctx.Err())
	}
	made := func(room squareRoom) bool { return room.topic == r.Key }
	if !slices.ContainsFunc(s.rooms, made) {
		s.rooms = append(s.rooms, squareRoom{name: r.Name, topic: r.Key, private: r.Private})
		if err := s.answer(); err != nil {
			return workflow.Room{}, err
		}
	}
	n := slices.IndexFunc(s.rooms, made)
	return workflow.Room{Platform: "square", ID: fmt.Sprint("C", n), Name: s.rooms[n].name}, nil
}

func (s *square) find(r workflow.Room) *squareRoom {
	for n := range s.rooms {
		if fmt.Sprint("C", n) == r.ID {
			return &s.rooms[n]
		}
	}
	return nil
}

// Post implements [bot.Chat].
func (s *square) Post(ctx context.Context, p bot.RoomPost) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	room := s.find(p.Room)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("post: %w", ctx.Err())
	case room == nil:
		return bot.Permanent(errors.New("channel_not_found"))
	case slices.ContainsFunc(room.posts, func(old squarePost) bool { return old.key == p.Key }):
		return nil
	}
	text := []rune(p.Content.Title + ": " + strings.ToValidUTF8(p.Content.Text, ""))
	if len(text) > 300 {
		text = append(text[:299:299], '…')
	}
	room.posts = append(room.posts, squarePost{key: p.Key, markup: html.EscapeString(string(text))})
	return s.answer()
}

// shown is what people read of a post: tags are gone.
func (p squarePost) shown() string {
	text, rest, tagged := strings.Cut(p.markup, "<")
	for tagged {
		_, rest, _ = strings.Cut(rest, ">")
		var more string
		more, rest, tagged = strings.Cut(rest, "<")
		text += more
	}
	return html.UnescapeString(text)
}

// TestChat shows that the suite can be passed, by a platform that cuts, takes
// markup and loses answers.
func TestChat(t *testing.T) {
	bottest.Chat(t, func(*testing.T) bottest.ChatFixture {
		s := &square{}
		locked := func(do func()) {
			s.mu.Lock()
			defer s.mu.Unlock()
			do()
		}
		return bottest.ChatFixture{
			Chat: s, Longest: 300, Secrets: []string{"xoxb-secret"},
			LoseAnswer: func() { locked(func() { s.lose = true }) },
			Rooms: func() (ids []string) {
				locked(func() {
					for n := range s.rooms {
						ids = append(ids, fmt.Sprint("C", n))
					}
				})
				return ids
			},
			Posts: func(r workflow.Room) (all []string) {
				locked(func() {
					for _, p := range s.find(r).posts {
						all = append(all, p.shown())
					}
				})
				return all
			},
			Outside: func() string {
				var all strings.Builder
				locked(func() {
					for _, room := range s.rooms {
						if !room.private {
							fmt.Fprintln(&all, room.name, room.posts)
						}
					}
				})
				return all.String()
			},
		}
	})
}
