package slacktest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Call is one request that came to the Web API, or to a response URL (its method is then "response_url").
type Call struct {
	Method string
	At     time.Time
	// Args are the arguments without tokens; what came as JSON is JSON text.
	Args map[string]string
	// Token tells whose token it carried: bot, user, app, or nothing.
	Token string
	// Phase is "before" or "after" in a hook, and "after" in the log.
	Phase string
	// Error is Slack's error code in the answer; empty means ok.
	Error string
	// Status is the status of the HTTP answer; 0 means that none was sent.
	Status int
	// Done says that the call was carried out.
	Done bool
}

// OnCall sets a hook that runs before and after each call that gets as far as being carried out: after the checks of
// token, scope and tier, and before anything is answered. A call may still be refused for its arguments: Done and Error
// of the second phase tell. The server holds no lock meanwhile, so a hook may look at the workspace, or stop a process.
func (s *Server) OnCall(hook func(Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// Calls are those of one method, oldest first; of all methods when it is empty.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []Call
	for _, c := range s.log {
		if method == "" || c.Method == method {
			c.Args = maps.Clone(c.Args)
			some = append(some, c)
		}
	}
	return some
}

// Count is how many calls of a method came, whatever became of them.
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

// Forget empties the log of calls.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *Server) recordCall(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Phase = "after"
	s.log = append(s.log, c)
	s.wakeWaiters()
}

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
