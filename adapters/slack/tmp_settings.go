package slack

import "time"

type Settings struct {
	Announce     string
	ArchiveAfter time.Duration
}
