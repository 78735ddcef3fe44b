package slack

import (
	"time"

	"tocsin/bot/roster"
)

type Settings struct {
	Announce     string
	ArchiveAfter time.Duration
}

func groupOf(roster.Team) string { return "" }
