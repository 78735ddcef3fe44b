package memory_test

import (
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

func TestConformance(t *testing.T) {
	bottest.Store(t, func(*testing.T) bot.Store { return memory.New() })
}

func TestLinearizable(t *testing.T) {
	bottest.Linearizable(t, func(*testing.T) []bot.Store { return []bot.Store{memory.New()} })
}

func TestRecordedExport(t *testing.T) { bottest.RecordedExport(t, memory.New(), false) }
