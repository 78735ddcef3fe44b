package web

import (
	"testing"
	"testing/synctest"
	"time"
)

// A mail with a link may take as long as its link works, and does not delay the end
// of the server by more than 30 s (E4c: slow is not failed).
func TestE4cMailContext(t *testing.T) {
	for name, c := range map[string]struct{ closedAfter, want time.Duration }{
		"running": {time.Hour, 15 * time.Minute}, "closing": {time.Minute, 90 * time.Second}, "closed": {0, 30 * time.Second},
		"closing at its end": {15*time.Minute - time.Second, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				closed := make(chan struct{})
				time.AfterFunc(c.closedAfter, func() { close(closed) })
				began := time.Now()
				ctx, cancel := mailContext(t.Context(), closed)
				defer cancel()
				<-ctx.Done()
				if took := time.Since(began); took != c.want {
					t.Errorf("it ended after %s, want %s", took, c.want)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // what waits ends with the mail
		ctx, cancel := mailContext(t.Context(), nil)
		cancel()
		<-ctx.Done()
	})
}
