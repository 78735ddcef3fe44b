//go:build !chaos

package main

import (
	"time"

	"tocsin/bot"
)

// Without the tag chaos these functions change nothing; chaos.go says what they
// do with it.

func withChaos(s store) store { return s }

func pagersWithChaos(all map[string]bot.Pager) map[string]bot.Pager { return all }

func chaosAuditInterval() time.Duration { return 0 }

func clockWithChaos(now func() time.Time) func() time.Time { return now }
