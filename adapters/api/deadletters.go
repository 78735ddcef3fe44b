package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"tocsin/bot/intake"
	"tocsin/workflow"
)

// letter is a delivery that could not be read, without its body.
type letter struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Integration string    `json:"integration"`
	Reason      string    `json:"reason"`
	Size        int       `json:"size"`
	Cut         bool      `json:"cut"`
}

func (s *server) deadLetters(r *http.Request, _ caller) (any, error) {
	all, err := s.Bot.Intake.DeadLetters(r.Context())
	if err != nil {
		return nil, err
	}
	letters := make([]letter, 0, len(all))
	for _, l := range all {
		letters = append(letters, letter{ID: l.ID, At: l.At.UTC(), Integration: l.Integration, Reason: l.Reason, Size: l.Size, Cut: l.Cut})
	}
	return map[string][]letter{"deadletters": letters}, nil
}

// replay reads a dead letter again. The answer names the incidents that its
// alerts belong to, of those that the caller may see.
func (s *server) replay(r *http.Request, who caller) (any, error) {
	id := r.PathValue("id")
	receipts, err := s.Bot.Intake.Replay(r.Context(), id)
	if no, is := errors.AsType[*workflow.Refusal](err); is {
		return nil, s.notReplayed(r, id, no)
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
		if _, err := s.Bot.Incidents.Get(r.Context(), receipt.Incident, who.Speaker); err == nil {
			done.Incidents = append(done.Incidents, receipt.Incident)
		}
	}
	return done, nil
}

// notReplayed tells a letter that is not there from one that still cannot be
// read.
func (s *server) notReplayed(r *http.Request, id string, no *workflow.Refusal) error {
	all, err := s.Bot.Intake.DeadLetters(r.Context())
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(l intake.DeadLetter) bool { return l.ID == id }) {
		return &problem{status: http.StatusConflict, Code: "conflict", Message: no.Message, Hint: no.Hint}
	}
	return no
}

func (s *server) discard(r *http.Request, _ caller) (any, error) {
	return nil, s.Bot.Intake.Discard(r.Context(), r.PathValue("id"))
}
