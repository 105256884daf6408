package pool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type count struct {
	done  []atomic.Int32
	extra func(part int)
}

func (c *count) Do(part int) {
	c.done[part].Add(1)
	if c.extra != nil {
		c.extra(part)
	}
}

func (c *count) check(t *testing.T) {
	t.Helper()
	for i := range c.done {
		if n := c.done[i].Swap(0); n != 1 {
			t.Fatalf("part %d of %d was done %d times", i, len(c.done), n)
		}
	}
}

func TestRunDoesEachPartOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, parts := range []int{0, 1, 2, 3, 7, 64, 1000, maxParts + 3} {
		c := &count{done: make([]atomic.Int32, parts)}
		for range 20 {
			Run(parts, c)
			c.check(t)
		}
	}
}

func TestRunAfterWorkersSlept(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	c := &count{done: make([]atomic.Int32, 5)}
	for _, pause := range []time.Duration{0, 100 * time.Microsecond, 400 * time.Microsecond, 5 * time.Millisecond} {
		for range 5 { // a worker that slept a short time waits longer for the next job
			time.Sleep(pause)
			Run(5, c)
			c.check(t)
		}
	}
}

func TestRunWaitsForSlowParts(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	c := &count{done: make([]atomic.Int32, 4), extra: func(part int) {
		time.Sleep(time.Duration(part) * time.Millisecond)
	}}
	for range 3 {
		Run(4, c)
		c.check(t)
	}
}

func TestRunInsideRunAndFromSeveralGoroutines(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			inner := make([]count, 8)
			for i := range inner {
				inner[i].done = make([]atomic.Int32, 3)
			}
			outer := &count{done: make([]atomic.Int32, len(inner)), extra: func(part int) { Run(3, &inner[part]) }}
			for range 50 {
				Run(len(inner), outer)
				outer.check(t)
				for i := range inner {
					inner[i].check(t)
				}
			}
		})
	}
	wg.Wait()
}

func TestAPanicReachesTheCallerWhenAllPartsAreDone(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	c := &count{done: make([]atomic.Int32, 64), extra: func(part int) {
		if part%10 == 3 {
			panic("bad part")
		}
	}}
	for range 50 {
		reason := func() (reason any) {
			defer func() { reason = recover() }()
			Run(len(c.done), c)
			return nil
		}()
		if reason != "bad part" {
			t.Fatalf("recovered %v", reason)
		}
		c.check(t)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	c := &count{done: make([]atomic.Int32, 8)}
	Run(8, c)
	if n := testing.AllocsPerRun(100, func() { Run(8, c) }); n != 0 {
		t.Errorf("a call allocates %v times", n)
	}
}

func BenchmarkRun(b *testing.B) {
	c := &count{done: make([]atomic.Int32, Size())}
	for b.Loop() {
		Run(len(c.done), c)
	}
}
