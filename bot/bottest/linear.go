package bottest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// linearSeeds is the number of histories that Linearizable checks.
const linearSeeds = 100

// Linearizable lets concurrent clients use a store, and wants their answers to be
// linearizable: there is an order of the calls in which a store that executes one call
// after another gives the same answers, and no call comes before one that had returned
// when it was made. open returns one or more handles of the same empty data, closed when
// the test ends: one for each process that uses the store.
//
// A call that fails with an error that is not the port's own may or may not have been
// executed, at any time since: faults may be injected between the handles and the data.
// Not checked are how mail is divided and numbered, revisions and postponing of the
// standing wake-up, whether a lane can be claimed soon after its lease ended, and reads of
// lists, except where one incident is in the list of open ones.
func Linearizable(t *testing.T, open func(t *testing.T) []bot.Store) {
	seen := map[string]int{}
	for seed := range uint64(linearSeeds) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			h, wrong := linearize(t.Context(), open(t), seed)
			if wrong != "" {
				t.Error(wrong)
			}
			for _, o := range h.calls {
				seen[outcomeOf(o)]++
				if isOlderCard(o, h.calls) {
					seen["older card"]++
				}
			}
		})
	}
	t.Logf("seen: %v", seen)
	for _, what := range []string{"commit", "settle", "repeat", "conflict", "taken", "lost", "not found", "lease", "postpone", "older card", "take", "messages", "listed", "read"} {
		if seen[what] == 0 && !t.Failed() {
			t.Errorf("no seed led to %q: the test checks too little", what)
		}
	}
}

// isOlderCard reports whether a call settled or postponed a card that had been replaced.
func isOlderCard(o porcupine.Operation, calls []porcupine.Operation) bool {
	var l bot.Lease
	if what := outcomeOf(o); what != "settle" && what != "postpone" {
		return false
	}
	switch c := o.Input.(type) {
	case doPostpone:
		l = c.Lease
	case doCommit:
		if c.Settle != nil {
			l = *c.Settle
		}
	}
	return l.ID == linearCard && slices.ContainsFunc(calls, func(before porcupine.Operation) bool {
		c, _ := before.Input.(doCommit)
		return before.Metadata == o.Metadata && before.Return < o.Call && outcomeOf(before) == "commit" &&
			slices.ContainsFunc(c.Tasks, func(t bot.Task) bool { return t.ID == linearCard && t.Rev > l.Rev })
	})
}

// outcomeOf returns the outcome of a call in a word.
func outcomeOf(o porcupine.Operation) string {
	a := o.Output.(answer) //nolint:errcheck // every output is an answer
	for word, err := range map[string]error{
		"not found": bot.ErrNotFound, "conflict": bot.ErrConflict, "taken": bot.ErrTaken, "lost": bot.ErrLeaseLost,
	} {
		if errors.Is(a.err, err) {
			return word
		}
	}
	if a.err != nil {
		return "unclear"
	}
	switch v := a.value.(type) {
	case bot.Receipt:
		switch c, _ := o.Input.(doCommit); {
		case v.Repeated:
			return "repeat"
		case c.Settle != nil:
			return "settle"
		}
		return "commit"
	case []bot.Lease:
		if len(v) == 0 {
			return "nothing due"
		}
		return "lease"
	case []alerts.Receipt:
		return "take"
	case []bot.StoredMessage:
		return "messages"
	case listedAt:
		return "listed"
	case nil:
		return "postpone"
	}
	return "read"
}

// Linearize runs one history on the handles of empty data, and returns what is wrong with
// it. The seed decides what the clients do; the scheduler decides when.
func Linearize(ctx context.Context, handles []bot.Store, seed uint64) (wrong string) {
	_, wrong = linearize(ctx, handles, seed)
	return wrong
}

func linearize(ctx context.Context, handles []bot.Store, seed uint64) (h *history, wrong string) {
	h = &history{}
	const incidents = 2 // not opened by alerts
	for n := range incidents {
		if got, err := handles[0].Reserve(ctx); err != nil || got != n+1 {
			return h, fmt.Sprintf("reserved number %d of an empty store: %v", got, err)
		}
	}
	var clients sync.WaitGroup
	for n := range linearClients {
		c := &linearClient{
			history: h, n: n, store: handles[n%len(handles)], rng: rand.New(rand.NewPCG(seed, uint64(n))), //nolint:gosec // no secret
			versions: map[string]int{}, read: map[string]loadedState{}, records: map[string]int{}, leases: map[string][]bot.Lease{},
		}
		clients.Go(func() { c.run(ctx) })
	}
	clients.Wait()
	return h, checkHistory(h.calls, incidents)
}

// checkHistory returns the part of a history that no order explains, or "".
func checkHistory(calls []porcupine.Operation, number int) string {
	places := map[any][]porcupine.Operation{}
	for _, o := range calls {
		places[o.Metadata] = append(places[o.Metadata], o)
	}
	for _, place := range []string{firstIncident, secondIncident, theGroup} {
		const timeout = 20 * time.Second
		verdict, info := porcupine.CheckOperationsVerbose(placeModel(places[place], number), places[place], timeout)
		switch verdict {
		case porcupine.Ok:
		case porcupine.Unknown:
			return fmt.Sprintf("%s: %d calls could not be checked within %s", place, len(places[place]), timeout)
		case porcupine.Illegal:
			return place + ": " + explain(places[place], info)
		}
	}
	return ""
}

// placeModel returns the model of a store for the calls of one place. An unclear call that
// would change nothing was executed last, after every answer, or never: no answer can tell,
// and trying it everywhere else multiplies the orders.
func placeModel(calls []porcupine.Operation, number int) porcupine.Model {
	answered := 0
	for _, o := range calls {
		if !o.Output.(answer).unclear() { //nolint:errcheck // every output is an answer
			answered++
		}
	}
	return porcupine.Model{
		Init: func() any {
			l := newModel(number)
			l.answers = answered
			return l
		},
		Equal: reflect.DeepEqual,
		Step: func(state, input, output any) (bool, any) {
			l, c, a := state.(*model), input.(call), output.(answer) //nolint:errcheck // every output is an answer
			if l.answers == 0 {
				return true, l
			}
			next, possible := c.step(l, a)
			if a.unclear() || !possible {
				return possible && next != l, next
			}
			answered := *next
			answered.answers--
			return true, &answered
		},
	}
}
