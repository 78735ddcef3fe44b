package slack

import (
	"errors"
	"sync"

	"tocsin/bot"
)

// maxKeys is how many keys are remembered. A task comes again within minutes.
const maxKeys = 20_000

// errBeside is what comes while the same is being written: whoever asks has
// lost the lease, or is about to.
var errBeside = errors.New("the same is being written beside this")

// keys remembers what this process has written under which key, as far as it
// knows. Other processes are asked of Slack itself.
type keys struct {
	mu    sync.Mutex
	all   map[string]outcome
	order []string
}

// outcome is what is known of a key: it is being written, has been (at ref), or
// may have been.
type outcome struct {
	busy bool
	ref  string
}

func newKeys() *keys { return &keys{all: map[string]outcome{}} }

// begin begins to write under a key. It returns where it is when it has been
// written, and whether it may have been.
func (k *keys) begin(key string) (at string, unclear bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, known := k.all[key]
	switch {
	case was.busy:
		return "", false, errBeside
	case was.ref != "":
		return was.ref, false, nil
	}
	if !known {
		if k.order = append(k.order, key); len(k.order) > maxKeys {
			delete(k.all, k.order[0])
			k.order = k.order[1:]
		}
	}
	k.all[key] = outcome{busy: true}
	return "", known, nil
}

// ended notes how writing went. What Slack has refused, or put off, was not
// written.
func (k *keys) ended(key, at string, unclear bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, later := bot.RetryDelay(err)
	if err != nil && !unclear && (later || bot.IsPermanent(err)) {
		delete(k.all, key)
		return
	}
	k.all[key] = outcome{ref: at}
}
