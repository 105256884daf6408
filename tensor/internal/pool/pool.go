// Package pool runs the independent parts of one kernel on every processor. A
// call costs about a microsecond when the last one was recent: workers wait for
// the next in a spin before they sleep, a long one where calls follow each
// other, because a processor that has gone to sleep takes some 50 µs to wake.
// Nothing is allocated.
package pool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Task is a computation in parts that do not depend on each other. Do may be
// called from several goroutines, once for each part; which goroutine takes
// which part is not fixed, so a part must not depend on it.
type Task interface{ Do(part int) }

// Size is the number of goroutines that share the parts: GOMAXPROCS.
func Size() int { return runtime.GOMAXPROCS(0) }

// Run calls t.Do for each part 0 … parts−1 and returns when all are done. If
// another call is running (or t itself calls Run), the parts are done here.
func Run(parts int, t Task) {
	if parts < 2 || Size() < 2 || !shared.mu.TryLock() {
		for i := range parts {
			t.Do(i)
		}
		return
	}
	defer shared.mu.Unlock()
	for first := 0; first < parts; first += maxParts {
		shared.run(first, min(maxParts, parts-first), t)
	}
}

var shared pool

const (
	maxParts = 1<<16 - 1
	spins    = 1000 // tries of a turn: some 30 µs
	turns    = 32   // before the caller sleeps, and a worker where jobs follow each other
	follows  = time.Millisecond
)

// pool has one job at a time. The word claims holds the job's number, its
// parts, and the next part to be taken (32, 16 and 16 bits): taking a part is
// one compare-and-swap, which fails if the job is no longer the one looked at.
type pool struct {
	mu      sync.Mutex // held by the call that is running; guards the next four
	workers []*worker
	task    Task // read only by those who hold a part
	first   int
	number  uint32

	claims  atomic.Uint64
	pending atomic.Int64 // parts that are not done
	waiting atomic.Bool  // the caller sleeps and must be woken through done
	done    chan struct{}
	failure atomic.Pointer[failure] // the first panic of a part
}

type failure struct{ reason any }

type worker struct {
	sleeping atomic.Bool
	wake     chan struct{}
}

func (p *pool) run(first, parts int, t Task) {
	p.start(Size() - 1)
	p.task, p.first = t, first
	p.pending.Store(int64(parts))
	p.number++
	p.claims.Store(uint64(p.number)<<32 | uint64(parts)<<16)
	for _, w := range p.workers[:min(len(p.workers), Size()-1, parts-1)] {
		if w.sleeping.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
	p.work()
	p.wait()
	p.task = nil
	if f := p.failure.Swap(nil); f != nil {
		panic(f.reason)
	}
}

// start brings the number of workers up to n. They live as long as the process.
func (p *pool) start(n int) {
	if p.done == nil {
		p.done = make(chan struct{}, 1)
	}
	for len(p.workers) < n {
		w := &worker{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		go p.serve(w)
	}
}

// work does parts of the present job until none is left to take.
func (p *pool) work() {
	for {
		claim := p.claims.Load()
		part, parts := int(claim&0xffff), int(claim>>16&0xffff)
		if part >= parts {
			return
		}
		if !p.claims.CompareAndSwap(claim, claim+1) {
			continue
		}
		p.do(part)
	}
}

// do does a part that was taken. A panic is kept for the caller, who alone may recover from it.
func (p *pool) do(part int) {
	defer func() {
		if reason := recover(); reason != nil {
			p.failure.CompareAndSwap(nil, &failure{reason})
		}
		if p.pending.Add(-1) == 0 && p.waiting.CompareAndSwap(true, false) {
			p.done <- struct{}{}
		}
	}()
	p.task.Do(p.first + part)
}

// wait returns when every part is done.
func (p *pool) wait() {
	for range turns * spins {
		if p.pending.Load() == 0 {
			return
		}
		pause()
	}
	p.waiting.Store(true)
	if p.pending.Load() == 0 && p.waiting.CompareAndSwap(true, false) {
		return
	}
	<-p.done
}

// serve waits one turn after a job that came alone. Once it has slept for less
// than a millisecond it waits for as long, until that was too short.
func (p *pool) serve(w *worker) {
	patience := 1
	for {
		seen := p.claims.Load() >> 32
		p.work()
		if p.newJob(seen, patience) {
			continue
		}
		slept := time.Now()
		w.sleeping.Store(true)
		if p.claims.Load()>>32 != seen && w.sleeping.CompareAndSwap(true, false) {
			continue
		}
		<-w.wake
		patience = 1
		if time.Since(slept) < follows {
			patience = turns
		}
	}
}

// newJob waits some turns for a job other than seen. Between two turns other goroutines may run.
func (p *pool) newJob(seen uint64, patience int) bool {
	for range patience {
		for range spins {
			if p.claims.Load()>>32 != seen {
				return true
			}
			pause()
		}
		runtime.Gosched()
	}
	return false
}
