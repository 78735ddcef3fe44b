package slacktest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Call is one request to the Web API, or to a response URL, whose method is "response_url".
type Call struct {
	Method string
	At     time.Time
	// Args are the arguments without the token. An argument that came as JSON is JSON text.
	Args map[string]string
	// Token is the kind of the token: bot, user or app; empty if there was none or an unknown one.
	Token string
	// Phase is "before" or "after" in a hook, and "after" in the log.
	Phase string
	// Error is Slack's error code in the answer; empty if the call succeeded.
	Error string
	// Status is the status of the HTTP response; 0 if none was sent.
	Status int
	// Done reports that the call was carried out.
	Done bool
}

// OnCall sets a hook that is called before and after a method runs, for each call that passes the checks of token, rate
// limit and scope. Both calls of the hook come before the answer. The method may still refuse the call for its arguments:
// see Done and Error in the phase "after". The server holds no lock while the hook runs, so the hook may read the
// workspace, or stop a process.
func (s *Server) OnCall(hook func(Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// Calls returns the calls of one method, or of all methods if it is empty, oldest first.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			c.Args = maps.Clone(c.Args)
			found = append(found, c)
		}
	}
	return found
}

// Count returns how many calls of a method came, refused ones included.
func (s *Server) Count(method string) int { return len(s.Calls(method)) }

// CountDone returns how many calls of a method were carried out, whether or not their answers arrived.
func (s *Server) CountDone(method string) int {
	return len(slices.DeleteFunc(s.Calls(method), func(c Call) bool { return !c.Done }))
}

// UnexpectedCalls returns the calls of methods, or with arguments, that the server does not know. A test must have none.
func (s *Server) UnexpectedCalls() []Call {
	return slices.DeleteFunc(s.Calls(""), func(c Call) bool {
		return c.Error != "unknown_method" && !strings.HasPrefix(c.Error, unknownArgumentPrefix)
	})
}

// Forget deletes the calls that were recorded until now.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// recordCall adds to the Calls.
func (s *Server) recordCall(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Phase = "after"
	s.calls = append(s.calls, c)
	s.wakeWaiters()
}

// callHook calls the hook of OnCall, if there is one.
func (s *Server) callHook(c Call, phase string) {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		c.Phase = phase
		c.Args = maps.Clone(c.Args)
		hook(c)
	}
}
