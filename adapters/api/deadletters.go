package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"tocsin/bot/intake"
	"tocsin/workflow"
)

// deadLetter is a delivery that could not be read, without its body.
type deadLetter struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Integration string    `json:"integration"`
	Reason      string    `json:"reason"`
	Size        int       `json:"size"`
	Cut         bool      `json:"cut"`
}

func (s *server) handleDeadLetters(r *http.Request, _ caller) (any, error) {
	all, err := s.DeadLetters.DeadLetters(r.Context())
	if err != nil {
		return nil, err
	}
	letters := make([]deadLetter, 0, len(all))
	for _, l := range all {
		letters = append(letters, deadLetter{ID: l.ID, At: l.At.UTC(), Integration: l.Integration, Reason: l.Reason, Size: l.Size, Cut: l.Truncated})
	}
	return map[string][]deadLetter{"deadletters": letters}, nil
}

// handleReplay reads a dead letter again. The response lists the incidents that
// its alerts belong to and that the caller may see.
func (s *server) handleReplay(r *http.Request, who caller) (any, error) {
	id := r.PathValue("id")
	receipts, err := s.DeadLetters.Replay(r.Context(), id)
	if prob, ok := errors.AsType[*workflow.Refusal](err); ok {
		return nil, s.replayProblem(r, id, prob)
	}
	if err != nil {
		return nil, err
	}
	done := struct {
		Alerts    int      `json:"alerts"`
		Incidents []string `json:"incidents"`
	}{len(receipts), []string{}}
	seen := map[string]bool{"": true}
	for _, receipt := range receipts {
		if seen[receipt.Incident] {
			continue
		}
		seen[receipt.Incident] = true
		if _, err := s.Incidents.Get(r.Context(), receipt.Incident, who.Speaker); err == nil {
			done.Incidents = append(done.Incidents, receipt.Incident)
		}
	}
	return done, nil
}

// replayProblem distinguishes a dead letter that does not exist from one that
// still cannot be read.
func (s *server) replayProblem(r *http.Request, id string, prob *workflow.Refusal) error {
	all, err := s.DeadLetters.DeadLetters(r.Context())
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(l intake.DeadLetter) bool { return l.ID == id }) {
		return &problem{status: http.StatusConflict, Code: "conflict", Message: prob.Message, Hint: prob.Hint}
	}
	return prob
}

func (s *server) handleDiscard(r *http.Request, _ caller) (any, error) {
	return nil, s.DeadLetters.Discard(r.Context(), r.PathValue("id"))
}
