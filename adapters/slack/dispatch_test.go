package slack

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestOnceAtATime: the same delivery that comes while it is being worked on
// waits for what comes of it.
func TestOnceAtATime(t *testing.T) {
	d := newDesk(t, bySocket)
	body := fmt.Appendf(nil, `{"command":"/incident","text":"declare Checkout is down","user_id":%q,"channel_id":%q,"trigger_id":"1.2.a"}`, d.ana, d.lobby)
	come, release := d.store.hold()
	answers := make(chan any, 3)
	take := func() {
		d.take(context.WithoutCancel(t.Context()), delivery{kind: kindSlash, body: body}, func(a answer) error { answers <- a.now; return nil })
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

// TestOrder: what is said in one room is kept in the order in which it came,
// however slow the store is.
func TestOrder(t *testing.T) {
	d := newDesk(t, bySocket)
	d.inbox.patience = time.Millisecond
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
	d.heard(id, want...)
}

// TestCrewGrace: what does not end in time is ended.
func TestCrewGrace(t *testing.T) {
	c := &newInbox().crew
	ctx, end, open := c.begin(t.Context(), time.Hour)
	if !open {
		t.Fatal("it is closed")
	}
	go func() {
		<-ctx.Done()
		end()
	}()
	c.close(time.Millisecond)
	c.close(time.Millisecond)
	if _, _, open = c.begin(t.Context(), time.Hour); open {
		t.Error("it takes work after its end")
	}
}
