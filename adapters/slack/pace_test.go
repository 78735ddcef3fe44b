package slack

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestPace: calls that come at the time of their next attempt, in any order, never go through more
// often than a method allows within any minute, nor into one channel more than once a
// second; and no call waits longer than the limit makes it.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := bottest.Epoch
		p := newPace(func() time.Time { return now })
		method := rapid.SampledFrom([]string{"conversations.create", "chat.update", "chat.postMessage"}).Draw(t, "method")
		n := rapid.IntRange(1, 150).Draw(t, "calls")
		due := map[string]time.Time{}
		for k := range n {
			due[fmt.Sprint(k)] = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "start")) * time.Millisecond)
		}
		channelOf := func(key string) string { return "C" + key[len(key)-1:] }
		var sent []time.Time
		last := map[string]time.Time{}
		for len(due) > 0 {
			next := ""
			for key, at := range due {
				if next == "" || at.Before(due[next]) || at.Equal(due[next]) && key < next {
					next = key
				}
			}
			if due[next].After(now) {
				now = due[next]
			}
			wait := p.take(call{method: method, channel: channelOf(next), key: next, severity: workflow.Severity(len(next))})
			if wait > 0 {
				due[next] = now.Add(wait)
				continue
			}
			delete(due, next)
			sent = append(sent, now)
			if was, ok := last[channelOf(next)]; ok && method == "chat.postMessage" && now.Sub(was) < time.Second {
				t.Fatalf("two messages into one channel within %s", now.Sub(was))
			}
			last[channelOf(next)] = now
		}
		limit := limitOf(method)
		for k := limit; k < len(sent); k++ {
			if d := sent[k].Sub(sent[k-limit]); d < time.Minute {
				t.Fatalf("%d calls of %s within %s", limit+1, method, d)
			}
		}
		if method != "chat.postMessage" {
			if most := time.Duration((n-1)/(limit-limit/reservedPart))*window + 6*time.Second; now.Sub(bottest.Epoch) > most {
				t.Fatalf("%d calls took %s, they could have taken %s", n, now.Sub(bottest.Epoch), most)
			}
		}
	})
}

// TestPaceWorstFirst: of the waiting calls those for the worst incidents go first, also when
// they came last (G4c: the worst incident's room first).
func TestPaceWorstFirst(t *testing.T) {
	now := bottest.Epoch
	p := newPace(func() time.Time { return now })
	ask := func(key string, s workflow.Severity) time.Duration {
		return p.take(call{method: "conversations.create", key: key, severity: s})
	}
	for n := range tier2 - tier2/reservedPart {
		if ask(fmt.Sprint("first ", n), workflow.SEV3) > 0 {
			t.Fatalf("call %d has to wait", n)
		}
		now = now.Add(100 * time.Millisecond)
	}
	low := ask("low", workflow.SEV3)
	for n := range tier2 / reservedPart { // what is urgent finds some left
		if ask(fmt.Sprint("urgent ", n), workflow.SEV2) > 0 || low <= 0 {
			t.Fatalf("low waits %s, and so does what is urgent", low)
		}
	}
	high := ask("high", workflow.SEV1)
	if low <= 0 || high <= 0 || high > low {
		t.Fatalf("low waits %s, high %s", low, high)
	}
	now = now.Add(low)
	if again := ask("low", workflow.SEV3); again <= 0 {
		t.Fatal("what is less severe has gone first")
	}
	if ask("high", workflow.SEV1) > 0 {
		t.Fatal("the worst has to wait although its turn has come")
	}
	// A call that does not come again does not keep the others waiting for long.
	now = now.Add(window)
	ask("gone", workflow.SEV1)
	for n := range tier2 {
		ask(fmt.Sprint("second ", n), workflow.SEV2)
	}
	ask("gone too", workflow.SEV1)
	now = now.Add(2 * window)
	if wait := ask("last", workflow.SEV5); wait > 0 {
		t.Errorf("it waits %s for a caller that does not return", wait)
	}
}
