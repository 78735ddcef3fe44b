package inbound

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tocsin/adapters/slack"
	"tocsin/bot"
)

// maxRooms is how many rooms are remembered.
const maxRooms = 10_000

// roomCache caches which incident a channel is the room of, which never changes.
// Channels that are not rooms are not cached, because they may become one.
type roomCache struct {
	mu        sync.Mutex
	incidents map[string]string // by the channel's ID
}

func newRoomCache() *roomCache { return &roomCache{incidents: map[string]string{}} }

// incident returns the incident of a channel; "" when it is not remembered.
func (c *roomCache) incident(channel string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.incidents[channel]
}

func (c *roomCache) add(channel, incident string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.incidents) >= maxRooms {
		clear(c.incidents)
	}
	c.incidents[channel] = incident
}

// incidentOf returns the incident whose room a channel is; "" when it is none.
func (s *Server) incidentOf(ctx context.Context, channel string) (string, error) {
	if channel == "" || isDirect(channel) {
		return "", nil
	}
	if incident := s.rooms.incident(channel); incident != "" {
		return incident, nil
	}
	incident, err := s.app.Rooms.RoomOwner(ctx, slack.Platform, channel)
	if errors.Is(err, bot.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up whose room it is: %w", err)
	}
	s.rooms.add(channel, incident)
	return incident, nil
}
