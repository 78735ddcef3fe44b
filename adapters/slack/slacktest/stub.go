package slacktest

import (
	"net/http"
)

type wire struct {
	revoked  []string
	triggers map[string]*trigger
	views    []*View
}

func newWire() wire { return wire{triggers: map[string]*trigger{}} }

func (s *Server) closeSockets() {}
func (s *Server) dropSockets()  {}

func (s *Server) emit(*Channel, string, answer) {}

func (s *Server) serveResponse(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }
func (s *Server) serveSocket(w http.ResponseWriter, _ *http.Request)   { http.NotFound(w, nil) }

func openConnection(*call) answer { return nil }

// AllEvents are all event types that the server can send.
func AllEvents() []string { return nil }
