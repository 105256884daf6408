//go:build slow

package lake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
)

// Many people need neither many open files nor their rows in memory, and a second pass over them writes what changed alone.
func TestManyPeople(t *testing.T) {
	const people, each = 200_000, 10
	target := Folder(t.TempDir())
	pass := func(extra int) (Report, float64, int, uint64) {
		w, err := NewWriter(context.Background(), target, Options{Scratch: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		before, most, heap := processor(), 0, uint64(0)
		look := func() {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			open, _ := os.ReadDir("/proc/self/fd")
			most, heap = max(most, len(open)), max(heap, m.HeapInuse)
		}
		for i := range people {
			n := each
			if i < extra {
				n++
			}
			if err := w.Add(spread(i, n)); err != nil {
				t.Fatal(err)
			}
			if i%20_000 == 0 {
				look()
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for w.ctx.Err() == nil {
				select {
				case done <- struct{}{}:
					return
				case <-time.After(50 * time.Millisecond):
					look()
				}
			}
		}()
		err = w.Done()
		<-done
		if err != nil {
			t.Fatal(err)
		}
		return w.Report(), processor() - before, most, heap
	}
	first, spent, files, heap := pass(0)
	t.Logf("first: %+v, %.1f µs of processor time an event, %d open files, %d MiB of heap", first, spent*1e6/(people*each), files, heap>>20)
	if first.Rows[Events] != people*each || files > 200 || heap > 400<<20 {
		t.Errorf("%+v, %d open files, %d MiB", first, files, heap>>20)
	}
	second, again, _, _ := pass(people / 100)
	t.Logf("second: %+v, %.0f %% of the first", second, 100*again/spent)
	if second.Changed != people/100 || second.Files > 64 || again > .4*spent {
		t.Errorf("%+v, %.2f of the first", second, again/spent)
	}
	if left, _ := filepath.Glob(filepath.Join(string(target), "*", "*", "*"+unfinished)); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

func processor() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// spread is a person with n events over 30 days; what is above ten is today's.
func spread(i, n int) *history.Person {
	who := bellwether.Subject(fmt.Sprint("user-", i))
	p := &history.Person{Subject: who, Identities: []history.Identity{{ID: who, Parent: -1}}}
	for k := range n {
		at := begin.AddDate(0, 0, (i+3*k)%30)
		if k >= 10 {
			at = begin.AddDate(0, 0, 31)
		}
		p.Events = append(p.Events, bellwether.Event{
			ID: bellwether.EventID(fmt.Sprintf("ev-%08d-%d", i, k)), Type: bellwether.ViewItem, Occurred: at, Received: at, Subject: who,
			Item: bellwether.ItemID(fmt.Sprint("item-", (i*7+k)%20_000)), Session: fmt.Sprint("s", i, k/3), Channel: "search",
			Price: bellwether.Money{Amount: int64(100 + i%900), Currency: "EUR"},
		})
		p.Owners = append(p.Owners, 0)
	}
	return p
}
