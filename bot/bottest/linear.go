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

// linearSeeds is how many histories Linearizable makes.
const linearSeeds = 30

// Linearizable lets clients use a store at the same time and wants every answer
// to be one that a store would have given that does one call after another, in
// an order in which no call comes before one that had returned when it was
// made. open returns one or more handles of the same empty data, closed with
// the test: of a store that several processes use, one for each of them.
//
// A call that fails with another error than the port's own may have been done,
// at any time since, or not: faults may be put between the handles and the
// data. What is not judged: how mail is divided and numbered, revisions of the
// standing wake-up and its postponing, whether a lane comes again soon after its
// lease ran out, and what only reads many.
func Linearizable(t *testing.T, open func(t *testing.T) []bot.Store) {
	seen := map[string]int{}
	for seed := range uint64(linearSeeds) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			h, wrong := linearize(t.Context(), open(t), seed)
			if wrong != "" {
				t.Error(wrong)
			}
			for _, o := range h.calls {
				seen[recallOf(o)]++
				if older(o, h.calls) {
					seen["older card"]++
				}
			}
		})
	}
	t.Logf("seen: %v", seen)
	for _, what := range []string{"commit", "settle", "repeat", "conflict", "taken", "lost", "not found", "lease", "postpone", "older card", "take", "talk", "read"} {
		if seen[what] == 0 && !t.Failed() {
			t.Errorf("no seed led to %q: the test has become blind", what)
		}
	}
}

// older reports whether a call answered for a card that had been replaced.
func older(o porcupine.Operation, calls []porcupine.Operation) bool {
	var l bot.Lease
	if what := recallOf(o); what != "settle" && what != "postpone" {
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
		return before.Metadata == o.Metadata && before.Return < o.Call && recallOf(before) == "commit" &&
			slices.ContainsFunc(c.Tasks, func(t bot.Task) bool { return t.ID == linearCard && t.Rev > l.Rev })
	})
}

// sight is what a call led to, in a word.
func recallOf(o porcupine.Operation) string {
	a := o.Output.(answer) //nolint:errcheck // nothing else is put in
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
		return "talk"
	case nil:
		return "postpone"
	}
	return "read"
}

// Linearize makes one history with the handles of empty data, and returns what
// is wrong with it. The seed decides what clients do, and the machine when.
func Linearize(ctx context.Context, handles []bot.Store, seed uint64) (wrong string) {
	_, wrong = linearize(ctx, handles, seed)
	return wrong
}

func linearize(ctx context.Context, handles []bot.Store, seed uint64) (h *history, wrong string) {
	h = &history{}
	const incidents = 2 // that are no group's
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

// judgeHistory returns what of a history no order explains.
func checkHistory(calls []porcupine.Operation, number int) string {
	places := map[any][]porcupine.Operation{}
	for _, o := range calls {
		places[o.Metadata] = append(places[o.Metadata], o)
	}
	model := porcupine.Model{
		Init:  func() any { return newModel(number) },
		Equal: reflect.DeepEqual,
		Step: func(state, input, output any) (bool, any) {
			l, c, a := state.(*model), input.(call), output.(answer) //nolint:errcheck // nothing else is put in
			next, may := c.step(l, a)
			return may, next
		},
	}
	for _, place := range []string{firstIncident, secondIncident, theGroup} {
		const patience = 20 * time.Second
		verdict, info := porcupine.CheckOperationsVerbose(model, places[place], patience)
		switch verdict {
		case porcupine.Ok:
		case porcupine.Unknown:
			return fmt.Sprintf("%s: %d calls could not be judged within %s", place, len(places[place]), patience)
		case porcupine.Illegal:
			return place + ": " + explain(places[place], info)
		}
	}
	return ""
}
