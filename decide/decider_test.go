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
	"pgregory.net/rapid"
)

var epoch = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

func fixedClock() time.Time { return epoch }

// openProject opens the store in dir and a project of it.
func openProject(t testing.TB, dir string) (*store.Project, func()) {
	t.Helper()
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Project(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return p, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func newDecider(t testing.TB, p *store.Project, o Options) *Decider {
	t.Helper()
	if o.Clock == nil {
		o.Clock = fixedClock
	}
	d, err := New(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// offline is a decider that only previews.
func offline(o Options) *Decider {
	if o.Clock == nil {
		o.Clock = fixedClock
	}
	return &Decider{project: "shop", o: o.withDefaults("shop")}
}

func request(subject, key string, scores ...float64) Request {
	return Request{
		Key: key, Subject: bellwether.Subject(subject), Surface: "home", Candidates: scored(scores...),
		Baseline: []bellwether.Candidate{{Action: "popular", Score: 2}, {Action: "second", Score: 1}},
		Model:    "recommend-000001", Snapshot: "s1", Context: map[string]float64{"visits": 3}, Filters: []string{"seen:2"},
	}
}

func logged(t testing.TB, p *store.Project, kind store.Kind) (records []store.Record) {
	t.Helper()
	err := p.Log.Read(context.Background(), 0, func(b store.Batch) error {
		for _, r := range b.Records {
			if r.Kind == kind {
				records = append(records, r)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// TestDecisionsAreValidAndReplay is I1, I2 and I3 for every policy, single actions and slates, in and out of the holdout.
func TestDecisionsAreValidAndReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(policies).Draw(t, "policy")
		d := offline(Options{Default: policy})
		r := request(rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "subject"), rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "key"))
		r.Candidates = drawCandidates(t)
		r.K = rapid.IntRange(0, 12).Draw(t, "k")
		holdout := rapid.Bool().Draw(t, "holdout")
		got, err := d.Preview(r, PreviewOptions{Holdout: &holdout})
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := d.Replay(got); err != nil {
			t.Fatal(err)
		}
		data, err := got.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var stored bellwether.Decision
		if err := stored.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if err := d.Replay(stored); err != nil {
			t.Fatalf("after storing: %v", err)
		}
		if again, err := d.Preview(r, PreviewOptions{Holdout: &holdout}); err != nil || !cmp.Equal(got, again) {
			t.Fatalf("the same request differs: %v\n%s", err, cmp.Diff(got, again))
		}
		if got.Holdout != holdout || holdout && got.Candidates[0].Action != "popular" {
			t.Fatalf("holdout %v got %v", holdout, got.Candidates)
		}
	})
}

func TestReplayFindsEveryDifference(t *testing.T) {
	d := offline(Options{})
	r := request("ann", "k1", 1, 2, 3, 4)
	r.K = 3
	for name, change := range map[string]func(*bellwether.Decision){
		"propensity":           func(d *bellwether.Decision) { d.Propensity *= 1 + 1e-15 },
		"candidate propensity": func(d *bellwether.Decision) { d.Candidates[1].Propensity *= 1 + 1e-15 },
		"score":                func(d *bellwether.Decision) { d.Candidates[1].Score += 1 },
		"action":               func(d *bellwether.Decision) { d.Actions[0], d.Actions[1] = d.Actions[1], d.Actions[0] },
		"seed":                 func(d *bellwether.Decision) { d.Seed++ },
		"policy":               func(d *bellwether.Decision) { d.Policy = "softmax/0" },
	} {
		out := false
		got, err := d.Preview(r, PreviewOptions{Holdout: &out})
		if err != nil {
			t.Fatal(err)
		}
		change(&got)
		if d.Replay(got) == nil {
			t.Errorf("a changed %s replays", name)
		}
	}
}

func TestGreedyIsNotEvaluable(t *testing.T) {
	out := false
	r := request("ann", "k", 1, 3, 2)
	r.K = 2
	got, err := offline(Options{Default: Greedy{}}).Preview(r, PreviewOptions{Holdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if got.Evaluable || got.Propensity != 1 || fmt.Sprint(got.Chosen()) != "[a1 a2]" {
		t.Errorf("greedy: evaluable %v, propensity %g, %v", got.Evaluable, got.Propensity, got.Chosen())
	}
}

func TestHoldoutIsStableAndSized(t *testing.T) {
	d := offline(Options{HoldoutShare: 0.2})
	in := 0
	for i := range 20_000 {
		s := bellwether.Subject(fmt.Sprint(i))
		if d.Holdout(s) {
			in++
		}
		if d.Holdout(s) != d.Holdout(s) {
			t.Fatal("assignment changes")
		}
	}
	if in < 3700 || in > 4300 { // 4000 ± 5 SE
		t.Errorf("%d of 20000 in a holdout of a fifth", in)
	}
	if offline(Options{HoldoutShare: -1}).Holdout("anyone") {
		t.Error("there is a holdout where none is wanted")
	}
}

func TestBadRequests(t *testing.T) {
	d := offline(Options{})
	for name, change := range map[string]func(*Request){
		"no candidates": func(r *Request) { r.Candidates = nil },
		"named twice":   func(r *Request) { r.Candidates[1].Action = "a0" },
		"no name":       func(r *Request) { r.Candidates[1].Action = "" },
		"no number":     func(r *Request) { r.Candidates[1].Score /= 0 * r.Candidates[1].Score },
		"no baseline":   func(r *Request) { r.Baseline = nil },
		"negative k":    func(r *Request) { r.K = -1 },
		"no subject":    func(r *Request) { r.Subject = "" },
		"no surface":    func(r *Request) { r.Surface = "" },
	} {
		r, out := request("ann", "k", 1, 2), false
		change(&r)
		if _, err := d.Preview(r, PreviewOptions{Holdout: &out}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

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
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closeStore()

	p, closeStore = openProject(t, dir)
	defer closeStore()
	d = newDecider(t, p, Options{Clock: func() time.Time { return epoch.Add(time.Hour) }})
	defer d.Close()
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
	defer d.Close()
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
	defer d.Close()
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
	defer d.Close()
	var wait sync.WaitGroup
	for i := range 1000 {
		wait.Go(func() {
			if _, err := d.Decide(ctx, request("ann", fmt.Sprint(i), 1, 2)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if err := d.ledger.view.Wait(ctx, d.ledger.last); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if _, err := d.Decide(ctx, request("ann", fmt.Sprint("more", i), 1, 2)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.ledger.fresh); n > 900 {
		t.Errorf("%d decisions are still held in memory", n)
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
		if _, err := dec.MarshalBinary(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNoAnswerWithoutTheLog: when nothing can be stored there is no decision.
func TestNoAnswerWithoutTheLog(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	p, closeStore := openProject(t, dir)
	newDecider(t, p, Options{}).Close()
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
	defer d.Close()
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
