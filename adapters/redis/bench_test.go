package redis_test

import (
	"strconv"
	"testing"

	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// BenchmarkStore is over a real server on the same machine, which syncs before
// each answer.
func BenchmarkStore(b *testing.B) {
	server, n := redistest.Start(b, redistest.Config{}), 0
	bottest.Bench(b, func(b *testing.B) bot.Store {
		n++
		return open(b, server.URL()+"?namespace=b"+strconv.Itoa(n))
	})
}
