package slack

import (
	"context"
	"sync"
	"time"
)

// grace is how long what is under way may take to end.
const grace = 5 * time.Second

// Run takes what Slack sends through sockets, if there is an app-level token,
// and keeps the members of user groups known. It returns when the context has
// ended and everything that was under way, whichever way it had come, is done.
func (w *Workspace) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { w.keepGroups(ctx) })
	if w.apps != nil {
		for range sockets {
			all.Go(func() { w.sit(ctx) })
		}
	}
	<-ctx.Done()
	all.Wait()
	w.inbox.crew.close(grace)
}
