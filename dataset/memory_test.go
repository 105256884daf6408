package dataset

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
)

// TestMemoryOfAStep holds what a step that is kept takes at the peak: all forks before they are merged, and what Done makes of them.
func TestMemoryOfAStep(t *testing.T) {
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, protocol := range []Protocol{LeaveOneOut, Temporal} {
		before, rng := live(), rand.New(rand.NewPCG(1, 2))
		root := NewSequences(SequenceOptions{Protocol: protocol, Steps: 1_000_000})
		forks, events := [4]history.Reducer{}, make([]bellwether.Event, 20)
		for i := range forks {
			forks[i] = root.Fork()
		}
		for n := range 60_000 {
			p := history.Person{Subject: bellwether.Subject(fmt.Sprintf("customer-%09d", n))}
			p.Events = events[:5+rng.IntN(15)]
			for i := range p.Events {
				at := day(0).Add(time.Duration(n+i) * time.Minute)
				p.Events[i] = view(string(p.Subject), fmt.Sprint("item ", rng.IntN(5000)), at)
			}
			if err := forks[n%4].Add(&p); err != nil {
				t.Fatal(err)
			}
		}
		peak := live() - before
		for i := range forks {
			if err := root.Merge(forks[i]); err != nil {
				t.Fatal(err)
			}
			forks[i] = nil
		}
		peak = max(peak, live()-before)
		if err := root.Done(); err != nil {
			t.Fatal(err)
		}
		peak = max(peak, live()-before)
		q, err := root.Data()
		if err != nil {
			t.Fatal(err)
		}
		each := float64(peak) / float64(q.Count())
		t.Logf("protocol %d: %d steps, %.1f bytes each at the peak", protocol, q.Count(), each)
		if each > 80 {
			t.Errorf("protocol %d: a step takes %.1f bytes at the peak, more than 80", protocol, each)
		}
		runtime.KeepAlive(q)
	}
}
