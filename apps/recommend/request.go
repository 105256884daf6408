package recommend

import (
	"context"
	"errors"
	"math"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
	"bellwether/history"
)

// Popularity is the model that an answer names when popularity gave it.
const Popularity bellwether.ModelVersion = "popularity"

// ErrNothing means that no item is known, or that none may be shown to this person.
var ErrNothing = errors.New("no item may be recommended: import a catalogue or events with items, or loosen the filters")

// Request asks for a slate.
type Request struct {
	Subject   bellwether.Subject
	Anonymous bellwether.AnonymousID // used when Subject is empty
	Surface   bellwether.Surface     // "": home
	K         int                    // 0: 10
	Key       string                 // idempotency key; "": a new decision
	Category  string                 // only items of it; "": all
	Exclude   string                 // "purchased" (the default), "seen" or "none"
	History   []bellwether.Event     // in the order of time: replaces what is known; nil: what is known
	Preview   bool                   // compute and log nothing
	Holdout   *bool                  // preview only: as if the person were in the holdout, or not
}

func (r Request) withDefaults() Request {
	if r.Surface == "" {
		r.Surface = "home"
	}
	if r.K <= 0 {
		r.K = 10
	}
	if r.Exclude == "" {
		r.Exclude = "purchased"
	}
	return r
}

// Recommend is the request of a slate, step by step: who is it, and what did they do; what may be shown; what would they like; what is
// decided. The decision is durable when it returns.
func Recommend(ctx context.Context, p *app.Project, r Request) (app.Answer, error) {
	r = r.withDefaults()
	// Who is it, and what did they do?
	who, err := p.Person(ctx, r.Subject, r.Anonymous)
	if err != nil {
		return app.Answer{}, err
	}
	if r.History != nil {
		if who, err = p.WithHistory(who, r.History); err != nil {
			return app.Answer{}, err
		}
	}
	// What may be shown?
	f, err := newFilters(p, &r, who)
	if err != nil {
		return app.Answer{}, err
	}
	// What would they like?
	holdout := p.Decider.Holdout(who.Bucket)
	if r.Preview && r.Holdout != nil {
		holdout = *r.Holdout
	}
	scores, model, reason, err := rank(ctx, p, who, max(p.Options.Candidates, r.K), f.skip, holdout)
	if err != nil {
		return app.Answer{}, err
	}
	if len(scores) == 0 {
		return app.Answer{}, ErrNothing
	}
	// What is decided?
	candidates := standardised(scores)
	d, err := p.Decide(ctx, decide.Request{
		Key: r.Key, Subject: who.Subject, Bucket: who.Bucket, Surface: r.Surface, Candidates: candidates, Baseline: candidates,
		K: min(r.K, len(candidates)), Model: model, Context: map[string]float64{"history": float64(withItems(who))},
		Filters: f.counts(), Consent: who.Consent,
	}, r.Preview, &holdout)
	return app.Answer{Decision: d, Reason: reason}, err
}

// rank returns at most k items for a person, best first, which model ranked them, and why if it was popularity.
func rank(ctx context.Context, p *app.Project, who *history.Person, k int, skip func(bellwether.ItemID) bool, holdout bool) (best []bellwether.ScoredItem, model bellwether.ModelVersion, reason string, err error) {
	slot, err := p.Registry.Slot(Name)
	if err != nil {
		return nil, "", "", err
	}
	v := slot.Load()
	switch {
	case holdout:
		reason = "popularity was asked for"
	case v == nil:
		reason = "no model is in service"
	default:
		best, reason, err = v.Best(ctx, who.Subject, who.Events, k, skip)
		if err != nil || len(best) > 0 {
			return best, v.Version, "", err
		}
	}
	best, err = popular(p, k, skip)
	return best, Popularity, reason, err
}

// popular returns the most popular items that may be shown.
func popular(p *app.Project, k int, skip func(bellwether.ItemID) bool) ([]bellwether.ScoredItem, error) {
	list, err := p.History.Popular(p.Clock())
	if err != nil {
		return nil, err
	}
	out := make([]bellwether.ScoredItem, 0, min(k, len(list)))
	for _, it := range list {
		if len(out) == k {
			break
		}
		if !skip(it.Item) {
			out = append(out, it)
		}
	}
	return out, nil
}

// withItems counts the events about items.
func withItems(who *history.Person) (n int) {
	for i := range who.Events {
		if who.Events[i].Item != "" {
			n++
		}
	}
	return n
}

// standardised returns scores as candidates whose scores have mean 0 and standard deviation 1, so
// that one temperature suits every model.
func standardised(scores []bellwether.ScoredItem) []bellwether.Candidate {
	mean, variance := 0.0, 0.0
	for _, s := range scores {
		mean += s.Score / float64(len(scores))
	}
	for _, s := range scores {
		variance += (s.Score - mean) * (s.Score - mean) / float64(len(scores))
	}
	sd := math.Sqrt(variance)
	if sd == 0 {
		sd = 1
	}
	out := make([]bellwether.Candidate, len(scores))
	for i, s := range scores {
		out[i] = bellwether.Candidate{Action: string(s.Item), Score: (s.Score - mean) / sd}
	}
	return out
}
