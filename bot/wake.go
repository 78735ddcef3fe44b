package bot

import (
	"sync"

	"tocsin/workflow"
)

// wakers are the claiming loops of this process that can be woken when work may
// have become due.
type wakers struct {
	mu  sync.Mutex
	all []waker
}

// waker wakes one loop, which claims work of some classes.
type waker struct {
	classes Classes
	due     chan struct{}
}

// Due returns a channel that receives when work of the classes may be due now. It
// holds one signal: several before the loop receives are one.
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
			default: // a signal is waiting already
			}
			break
		}
	}
}
