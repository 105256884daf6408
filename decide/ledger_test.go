package decide

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// TestDecisionIsDurableAndIdempotent is I4: what was answered is in the log, once, also across a restart.
func TestDecisionIsDurableAndIdempotent(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	p, closeStore := openProject(t, dir)
	d := newDecider(t, p, Options{})
	first, err := d.Decide(ctx, request("ann", "k1", 1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	records := logged(t, p, store.KindDecision)
	if len(records) != 1 || records[0].ID != string(first.ID) {
		t.Fatalf("%d records after one answer", len(records))
	}
	// The same key with other scores, at another time: the stored decision.
	again, err := d.Decide(ctx, request("ann", "k1", 9, 1, 1, 1))
	if err != nil || !cmp.Equal(first, again) {
		t.Fatalf("%v\n%s", err, cmp.Diff(first, again))
	}
	if _, err := d.Decide(ctx, request("bob", "k1", 1, 2)); !errors.Is(err, ErrKeyReused) {
		t.Errorf("another person with the key got %v", err)
	}
	closeStore()

	p, closeStore = openProject(t, dir)
	defer closeStore()
	d = newDecider(t, p, Options{Clock: func() time.Time { return epoch.Add(time.Hour) }})
	after, err := d.Decide(ctx, request("ann", "k1", 4, 4))
	if err != nil || !cmp.Equal(first, after) {
		t.Fatalf("after a restart: %v\n%s", err, cmp.Diff(first, after))
	}
	if n := len(logged(t, p, store.KindDecision)); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	if got, err := d.Decision(ctx, first.ID); err != nil || !cmp.Equal(first, got) {
		t.Errorf("by id: %v", err)
	}
	if _, err := d.Decision(ctx, "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown id gives %v", err)
	}
}

func TestConcurrentRequestsWithOneKeyShareADecision(t *testing.T) {
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	d := newDecider(t, p, Options{})
	const people, each = 20, 16
	answers := make([][each]bellwether.Decision, people)
	var wait sync.WaitGroup
	for i := range people {
		for j := range each {
			wait.Go(func() {
				got, err := d.Decide(context.Background(), request(fmt.Sprint("p", i), fmt.Sprint("k", i), 1, 2, 3))
				if err != nil {
					t.Error(err)
				}
				answers[i][j] = got
			})
		}
	}
	wait.Wait()
	for i := range answers {
		for j := range answers[i] {
			if !cmp.Equal(answers[i][0], answers[i][j]) {
				t.Fatalf("person %d got two answers", i)
			}
		}
	}
	if n := len(logged(t, p, store.KindDecision)); n != people {
		t.Errorf("%d records for %d keys", n, people)
	}
}

func TestRecentIsNewestFirstAndPreviewLogsNothing(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	d := newDecider(t, p, Options{})
	var want []bellwether.DecisionID
	for i := range 5 {
		got, err := d.Decide(ctx, request("ann", "", 1, float64(i)))
		if err != nil {
			t.Fatal(err)
		}
		want = append([]bellwether.DecisionID{got.ID}, want...)
		if _, err := d.Preview(request("ann", "", 1, 2), PreviewOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	recent, err := d.Recent(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []bellwether.DecisionID
	for _, r := range recent {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff(want[:3], got); diff != "" {
		t.Error(diff)
	}
	if n := len(logged(t, p, store.KindDecision)); n != 5 {
		t.Errorf("%d records, want 5", n)
	}
}

func TestSweepForgetsWhatTheViewHolds(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	d := newDecider(t, p, Options{})
	decide := func(key string) {
		if _, err := d.Decide(ctx, request("ann", key, 1, 2)); err != nil {
			t.Error(err)
		}
	}
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() { decide(fmt.Sprint(i)) })
	}
	wait.Wait()
	if err := d.ledger.past.Wait(ctx, d.ledger.last); err != nil {
		t.Fatal(err)
	}
	d.ledger.sweepAt = 0 // the next decision sweeps
	decide("next")
	if n := len(d.ledger.fresh); n > 1 {
		t.Errorf("%d decisions are still held in memory", n)
	}
	if d.ledger.sweepAt < 256 {
		t.Errorf("sweeps again at %d", d.ledger.sweepAt)
	}
}

// BenchmarkPreview is a decision's own work over 100 candidates: everything but the durable append.
func BenchmarkPreview(b *testing.B) {
	d := offline(Options{})
	scores := make([]float64, 100)
	for i := range scores {
		scores[i] = float64(i%17) / 3
	}
	r, out := request("ann", "k", scores...), false
	r.K = 10
	for b.Loop() {
		dec, err := d.Preview(r, PreviewOptions{Holdout: &out})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Encode(&dec); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNoAnswerWithoutTheLog: when nothing can be stored there is no decision.
func TestNoAnswerWithoutTheLog(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	p, closeStore := openProject(t, dir)
	newDecider(t, p, Options{})
	closeStore()
	s, err := store.Open(ctx, dir, store.Options{MinFree: 1 << 60}) // the disk counts as full
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if p, err = s.Project(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	d := newDecider(t, p, Options{})
	for _, key := range []string{"", "k", "k"} {
		if got, err := d.Decide(ctx, request("ann", key, 1, 2)); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("key %q: answered %v, %v on a full disk", key, got.ID, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.Decide(cancelled, request("ann", "", 1, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled request gives %v", err)
	}
}
