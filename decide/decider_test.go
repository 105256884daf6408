package decide

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
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
	past, err := history.Open(context.Background(), p, history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = past.Close() }) // closing again is fine
	d, err := New(p, past, o)
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
	return &Decider{project: "shop", o: o.withDefaults()}
}

func request(subject, key string, scores ...float64) Request {
	return Request{
		Key: key, Subject: bellwether.Subject(subject), Bucket: bellwether.HoldoutBucket("shop", bellwether.Subject(subject)), Surface: "home", Candidates: scored(scores...),
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
		data, err := store.Encode(&got)
		if err != nil {
			t.Fatal(err)
		}
		var stored bellwether.Decision
		if err := store.Decode(data, &stored); err != nil {
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
		if d.Holdout(bellwether.HoldoutBucket("shop", bellwether.Subject(fmt.Sprint(i)))) {
			in++
		}
	}
	if in < 3700 || in > 4300 { // 4000 ± 5 SE
		t.Errorf("%d of 20000 in a holdout of a fifth", in)
	}
	if offline(Options{HoldoutShare: -1}).Holdout(0) {
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

// What a caller says and no decision may hold is the caller's mistake, not the program's.
func TestRequestsThatCannotBeAnswered(t *testing.T) {
	d := offline(Options{})
	for name, change := range map[string]func(*Request){
		"no subject":   func(r *Request) { r.Subject = "" },
		"long subject": func(r *Request) { r.Subject = bellwether.Subject(strings.Repeat("a", 300)) },
		"control":      func(r *Request) { r.Subject = "a\x00b" },
		"no text":      func(r *Request) { r.Subject = "\xff\xfe" },
		"odd key":      func(r *Request) { r.Key = "a\x00" },
		"long surface": func(r *Request) { r.Surface = bellwether.Surface(strings.Repeat("s", 300)) },
	} {
		r, out := request("ann", "k", 1, 2), false
		change(&r)
		if _, err := d.Preview(r, PreviewOptions{Holdout: &out}); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A slate of 1,000 places has a probability that no float64 holds: its logarithm is logged, and replays.
func TestLongSlates(t *testing.T) {
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	d := newDecider(t, p, Options{HoldoutShare: -1})
	r := Request{Key: "long", Subject: "ann", Surface: "home", K: 1000}
	for i := range 1200 {
		r.Candidates = append(r.Candidates, bellwether.Candidate{Action: fmt.Sprint(i), Score: float64(i%40) / 10})
	}
	got, err := d.Decide(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Actions) != 1000 || got.Propensity != 0 || got.LogPropensity > -1000 {
		t.Errorf("%d places with probability %g, logarithm %g", len(got.Actions), got.Propensity, got.LogPropensity)
	}
	if err := d.Replay(got); err != nil {
		t.Error(err)
	}
	got.LogPropensity += 1e-12
	if d.Replay(got) == nil {
		t.Error("another logarithm replays")
	}
}
