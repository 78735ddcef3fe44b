package inbound

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestConcurrentRepeats: a repeat that comes while the delivery is being worked on waits
// for its outcome.
func TestConcurrentRepeats(t *testing.T) {
	d := newTestServer(t, bySocket)
	body := fmt.Appendf(nil, `{"command":"/incident","text":"declare Checkout is down","user_id":%q,"channel_id":%q,"trigger_id":"1.2.a"}`, d.ana, d.lobby)
	come, release := d.store.hold()
	answers := make(chan any, 3)
	take := func() {
		d.handle(context.WithoutCancel(t.Context()), delivery{kind: kindSlashCommand, body: body}, func(o outcome) error { answers <- o.payload; return nil })
	}
	for range 3 {
		go take()
	}
	<-come
	release()
	for range 3 {
		if text := fmt.Sprint(<-answers); !strings.Contains(text, "INC-1: Declared") {
			t.Errorf("%s", text)
		}
	}
	if l, err := d.store.Reserve(t.Context()); err != nil || l != 2 {
		t.Errorf("the next number is %d, %v", l, err)
	}
}

// TestOrder: the messages of one room are recorded in the order in which they came,
// however slow the store is.
func TestOrder(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.ackTimeout = time.Millisecond
	id, room := d.declare("Checkout is down --sev 2")
	_, release := d.store.hold()
	var want []string
	for n := range 12 {
		text := fmt.Sprintf("%d of them", n)
		d.slack.Say(d.ben, room, text, "")
		want = append(want, "Ben: "+text)
	}
	release()
	d.stop() // waits for what is under way
	d.checkConversation(id, want...)
}

// TestWorkersGrace: work that does not end in time is canceled.
func TestWorkersGrace(t *testing.T) {
	w := newWorkers()
	ctx, end, open := w.start(t.Context(), time.Hour)
	if !open {
		t.Fatal("it is closed")
	}
	go func() {
		<-ctx.Done()
		end()
	}()
	w.close(time.Millisecond)
	w.close(time.Millisecond)
	if _, _, open = w.start(t.Context(), time.Hour); open {
		t.Error("it takes work after its end")
	}
}
