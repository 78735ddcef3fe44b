package bot

import (
	"sync"

	"tocsin/workflow"
)

// wakers tells the loops that claim work that something of their classes may be
// due at once.
type wakers struct {
	mu  sync.Mutex
	all []waker
}

type waker struct {
	classes Classes
	due     chan struct{}
}

// Due returns a channel that receives when something of the classes may have
// fallen due at once. What nobody has received yet is told once.
func (e *Engine) Due(classes Classes) <-chan struct{} {
	w := waker{classes: classes, due: make(chan struct{}, 1)}
	e.wakers.mu.Lock()
	defer e.wakers.mu.Unlock()
	e.wakers.all = append(e.wakers.all, w)
	return w.due
}

// Wake wakes the loops that claim work of these classes, and no others.
func (e *Engine) Wake(classes ...workflow.Class) {
	e.wakers.mu.Lock()
	defer e.wakers.mu.Unlock()
	for _, w := range e.wakers.all {
		for _, c := range classes {
			if c < w.classes.From || c > w.classes.To {
				continue
			}
			select {
			case w.due <- struct{}{}:
			default: // told already
			}
			break
		}
	}
}
