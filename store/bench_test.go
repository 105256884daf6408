package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bellwether/store"
)

// benchRecords is n records of the size and nature of stored events: about 120 bytes,
// of which the ids do not compress.
func benchRecords(n int) []store.Record {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	out := make([]store.Record, n)
	for i := range out {
		data := fmt.Sprintf("\x01view_item\x00%016x\x00web\x00item-%05d\x00USD %d\x00%x", rng.Uint64(), rng.IntN(10_000), rng.IntN(9999), rng.Uint64())
		out[i] = store.Record{Kind: store.KindEvent, ID: fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()), Data: []byte(data)}
	}
	return out
}

func benchProject(b *testing.B) *store.Project {
	b.Helper()
	return project(b, open(b, b.TempDir(), store.Options{}))
}

func perSecond(b *testing.B, events int) float64 {
	rate := float64(events) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "events/s")
	return rate
}

// BenchmarkAppend100x8writers appends batches of 100 from eight callers. Before and after
// it measures the raw fsync ceiling of the same disk; "of-fsync" is its share of that.
func BenchmarkAppend100x8writers(b *testing.B) {
	ceiling := rawRate(b)
	appendFrom(b, 8, 100)
	rate := perSecond(b, b.N*100)
	b.StopTimer()
	ceiling = (ceiling + rawRate(b)) / 2
	b.ReportMetric(ceiling, "fsync-events/s")
	b.ReportMetric(rate/ceiling, "of-fsync")
}

// BenchmarkAppendSingle appends single events from one caller.
func BenchmarkAppendSingle(b *testing.B) { appendFrom(b, 1, 1); perSecond(b, b.N) }

// BenchmarkAppendSingle64writers appends single events from 64 callers, which share batches.
func BenchmarkAppendSingle64writers(b *testing.B) { appendFrom(b, 64, 1); perSecond(b, b.N) }

// rawRate is the ceiling: events/s of one writer that writes batches of 100 records to a
// plain file and syncs it after each, for a fifth of a second.
func rawRate(b *testing.B) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var batch []byte
	for _, r := range benchRecords(100) {
		batch = append(append(batch, r.ID...), r.Data...)
	}
	begin, n := time.Now(), 0
	for ; time.Since(begin) < 200*time.Millisecond; n += 100 {
		if _, err := f.Write(batch); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}

func appendFrom(b *testing.B, writers, batch int) {
	b.Helper()
	p, records := benchProject(b), benchRecords(batch)
	var next atomic.Int64
	var group sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range writers {
		group.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if _, err := p.Log.Append(ctx, records...); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
}

// stored returns a project whose log holds batches of 100 records.
func stored(b *testing.B, batches int) *store.Project {
	b.Helper()
	p := benchProject(b)
	records := benchRecords(1000)
	for i := range batches {
		at := i % 10 * 100
		if _, err := p.Log.Append(ctx, records[at:at+100]...); err != nil {
			b.Fatal(err)
		}
	}
	return p
}

// BenchmarkRead reads a log of 100,000 events in batches of 100.
func BenchmarkRead(b *testing.B) {
	p, events := stored(b, 1000), 0
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Log.Read(ctx, 0, func(batch store.Batch) error { events += len(batch.Records); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, events)
}

// BenchmarkReadSingles reads a log of 5,000 batches of one event each.
func BenchmarkReadSingles(b *testing.B) {
	p, records, events := benchProject(b), benchRecords(1), 0
	for range 5000 {
		if _, err := p.Log.Append(ctx, records...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := p.Log.Read(ctx, 0, func(batch store.Batch) error { events += len(batch.Records); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, events)
}

// BenchmarkViewFold rebuilds a view that deduplicates and counts 100,000 events.
func BenchmarkViewFold(b *testing.B) {
	p := benchProject(b)
	for part := range 1000 {
		records := benchRecords(100)
		for i := range records {
			records[i].ID = fmt.Sprint(part, "-", i)
		}
		if _, err := p.Log.Append(ctx, records...); err != nil {
			b.Fatal(err)
		}
	}
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := v.Rebuild(ctx); err != nil {
			b.Fatal(err)
		}
		n += 100_000
	}
	perSecond(b, n)
}

// BenchmarkWait measures from an append's return to the view's holding it.
func BenchmarkWait(b *testing.B) {
	p, records := benchProject(b), benchRecords(1)
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		b.Fatal(err)
	}
	var waited time.Duration
	for b.Loop() {
		sequence, err := p.Log.Append(ctx, records...)
		if err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		if err := v.Wait(ctx, sequence); err != nil {
			b.Fatal(err)
		}
		waited += time.Since(begin)
	}
	b.ReportMetric(float64(waited.Microseconds())/float64(b.N), "µs-waited/op")
}
