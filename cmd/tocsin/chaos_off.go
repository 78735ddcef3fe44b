//go:build !chaos

package main

import (
	"time"

	"tocsin/bot"
)

// Where chaos.go puts edges at which a process kills itself, there is nothing
// unless it is built with the tag chaos.

func shaken(s store) store { return s }

func shakenPagers(all map[string]bot.Pager) map[string]bot.Pager { return all }

func shakenAudit() time.Duration { return 0 }

func shakenClock(now func() time.Time) func() time.Time { return now }
