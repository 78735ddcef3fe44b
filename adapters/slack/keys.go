package slack

import (
	"errors"
	"sync"

	"tocsin/bot"
)

// maxKeys is the number of keys remembered. A task that is repeated is repeated
// within minutes.
const maxKeys = 20_000

// errConcurrent is returned while the message of a key is being written: the worker
// that asks has lost its lease, or is about to.
var errConcurrent = errors.New("another worker is writing the same message")

// keys remembers which messages this process has written, by their keys. What other
// processes have written is looked for in Slack.
type keys struct {
	mu    sync.Mutex
	all   map[string]outcome
	order []string
}

// outcome is the state of a key's message: it is being written, was written (at
// ref), or may have been written.
type outcome struct {
	busy bool
	ref  string
}

func newKeys() *keys { return &keys{all: map[string]outcome{}} }

// begin begins to write a key's message. It returns where the message is when it has
// been written, and whether it may have been.
func (k *keys) begin(key string) (at string, unclear bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, ok := k.all[key]
	switch {
	case was.busy:
		return "", false, errConcurrent
	case was.ref != "":
		return was.ref, false, nil
	}
	if !ok {
		if k.order = append(k.order, key); len(k.order) > maxKeys {
			delete(k.all, k.order[0])
			k.order = k.order[1:]
		}
	}
	k.all[key] = outcome{busy: true}
	return "", ok, nil
}

// end records how writing went. A message that Slack has refused, or put off, was
// not written.
func (k *keys) end(key, at string, unclear bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, later := bot.RetryDelay(err)
	if err != nil && !unclear && (later || bot.IsPermanent(err)) {
		delete(k.all, key)
		return
	}
	k.all[key] = outcome{ref: at}
}
