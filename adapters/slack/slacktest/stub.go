package slacktest

import (
	"encoding/json"
	"net/http"
)

type wire struct{ revoked []string }

func newWire() wire { return wire{} }

func (s *Server) closeSockets() {}
func (s *Server) dropSockets()  {}

func (s *Server) emit(*Channel, string, answer) {}

func (s *Server) serveResponse(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }
func (s *Server) serveSocket(w http.ResponseWriter, _ *http.Request)   { http.NotFound(w, nil) }

func (s *Server) viewMethods() map[string]method { return nil }

// AllEvents are all event types that the server can send.
func AllEvents() []string { return nil }

func checkMessageBlocks(text string) answer {
	var list []json.RawMessage
	if json.Unmarshal([]byte(text), &list) != nil {
		return refuse("invalid_blocks_format")
	}
	return nil
}
