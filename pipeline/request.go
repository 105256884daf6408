package pipeline

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"bellwether"
	"bellwether/decide"
	"bellwether/serve"
)

// RecommendRequest asks for a slate.
type RecommendRequest struct {
	Subject   bellwether.Subject
	Anonymous bellwether.AnonymousID // used when Subject is empty
	Surface   bellwether.Surface     // "": home
	K         int                    // 0: 10
	Key       string                 // idempotency key; "": a new decision
	Category  string                 // only items of it; "": all
	Exclude   string                 // "purchased" (the default), "seen" or "none"
	History   []serve.Visit          // replaces the stored one; nil: the stored one
	Preview   bool                   // compute and log nothing
	Holdout   *bool                  // preview only: as if the person were in the holdout, or not
}

// Answer is a decision with why its model answered.
type Answer struct {
	Decision bellwether.Decision
	Reason   string // "" when the model in service answered
}

// Recommend is the request of a slate, step by step: who, what did they do, what may be
// shown, what would they like, what is decided. The decision is durable when it returns.
func (e *Engine) Recommend(ctx context.Context, r RecommendRequest) (Answer, error) {
	r = r.withDefaults()
	// Who is it?
	profile, err := e.profile(r.Subject, r.Anonymous)
	if err != nil {
		return Answer{}, err
	}
	holdout := e.Decider.Holdout(e.bucket(profile.Subject))
	if r.Preview && r.Holdout != nil {
		holdout = *r.Holdout
	}
	// What did they do?
	history := r.History
	if history == nil {
		events, err := e.people.events(&profile)
		if err != nil {
			return Answer{}, err
		}
		history = visitsOf(events, e.o.Currency)
	}
	// What may be shown?
	filters, err := e.filters(&r, history)
	if err != nil {
		return Answer{}, err
	}
	// What would they like?
	popular, err := e.catalogue.popularAt(e.o.Clock())
	if err != nil {
		return Answer{}, err
	}
	e.Service.SetPopular(popular)
	prediction, err := e.Service.Recommend(ctx, serve.Query{
		Subject: profile.Subject, History: history, K: max(e.o.Candidates, r.K), Skip: filters.skip, Popular: holdout,
	})
	if err != nil {
		return Answer{}, err
	}
	if len(prediction.Scores) == 0 {
		return Answer{}, ErrNothingToRecommend
	}
	// What is decided?
	candidates := standardised(prediction.Scores)
	d, err := e.decide(ctx, decide.Request{
		Key: r.Key, Subject: profile.Subject, Bucket: e.bucket(profile.Subject), Surface: r.Surface, Candidates: candidates, Baseline: candidates,
		K: min(r.K, len(candidates)), Model: prediction.Model, Snapshot: profile.Snapshot,
		Context: map[string]float64{"history": float64(len(history))}, Filters: filters.counts(), Consent: profile.Consent,
	}, r.Preview, &holdout)
	return Answer{Decision: d, Reason: prediction.Reason}, err
}

// ActionRequest asks which of a few named actions to take for one person.
type ActionRequest struct {
	Subject   bellwether.Subject
	Anonymous bellwether.AnonymousID
	Surface   bellwether.Surface
	Actions   []string // the last one is what the holdout gets
	Key       string
	Context   map[string]float64
	History   []serve.Visit // preview only: replaces the stored one; nil: the stored one
	Preview   bool
	Holdout   *bool
}

// Act is the request of one action. Each action but the last scores the probability that
// the behaviour model in service gives for the person; without a model all score 0.
func (e *Engine) Act(ctx context.Context, r ActionRequest) (Answer, error) {
	if len(r.Actions) == 0 {
		return Answer{}, fmt.Errorf("%w: actions is empty; name at least one", ErrBadRequest)
	}
	profile, err := e.profile(r.Subject, r.Anonymous)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{}
	score, version := 0.0, bellwether.ModelVersion("none")
	if e.Service.Current("behaviour") == nil {
		answer.Reason = "no model is in service"
	} else if p, err := e.predictProfile(ctx, &profile, r.History); err != nil {
		answer.Reason = err.Error()
	} else {
		score, version = *p.Probability, p.Model
	}
	candidates := make([]bellwether.Candidate, len(r.Actions))
	for i, a := range r.Actions {
		candidates[i].Action = a
		if i < len(r.Actions)-1 {
			candidates[i].Score = score
		}
	}
	answer.Decision, err = e.decide(ctx, decide.Request{
		Key: r.Key, Subject: profile.Subject, Bucket: e.bucket(profile.Subject), Surface: r.Surface, Candidates: candidates, Baseline: candidates[len(candidates)-1:],
		Model: version, Snapshot: profile.Snapshot, Context: r.Context, Consent: profile.Consent,
	}, r.Preview, r.Holdout)
	return answer, err
}

func (e *Engine) decide(ctx context.Context, r decide.Request, preview bool, holdout *bool) (bellwether.Decision, error) {
	if preview {
		return e.Decider.Preview(r, decide.PreviewOptions{Holdout: holdout})
	}
	return e.Decider.Decide(ctx, r)
}

func (e *Engine) bucket(s bellwether.Subject) int {
	return bellwether.HoldoutBucket(string(e.project.ID), s)
}

func (e *Engine) profile(s bellwether.Subject, a bellwether.AnonymousID) (bellwether.Profile, error) {
	if s == "" && a == "" {
		return bellwether.Profile{}, fmt.Errorf("%w: subject and anonymous are empty; name a person", ErrBadRequest)
	}
	who, err := e.people.resolve(s, a)
	if err != nil {
		return bellwether.Profile{}, fmt.Errorf("looking up who is asked for: %w", err)
	}
	p, err := e.people.profile(who)
	if err != nil {
		return p, fmt.Errorf("reading the profile of %s: %w", who, err)
	}
	return p, nil
}

func (r RecommendRequest) withDefaults() RecommendRequest {
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

// filters says what may not be shown, and counts what it held back of the items that came up for the answer.
type filters struct {
	request *RecommendRequest
	items   map[bellwether.ItemID]*bellwether.Item
	done    map[bellwether.ItemID]bool // bought or seen, as asked
	now     time.Time
	held    map[string]int
}

func (e *Engine) filters(r *RecommendRequest, history []serve.Visit) (*filters, error) {
	items, err := e.catalogue.all()
	if err != nil {
		return nil, err
	}
	f := &filters{request: r, items: items, done: make(map[bellwether.ItemID]bool), now: e.o.Clock(), held: make(map[string]int)}
	switch r.Exclude {
	case "none":
	case "seen", "purchased":
		for _, v := range history {
			if r.Exclude == "seen" || v.Type == bellwether.Purchase {
				f.done[v.Item] = true
			}
		}
	default:
		return nil, fmt.Errorf("%w: exclude is %q; it can be purchased, seen or none", ErrBadRequest, r.Exclude)
	}
	return f, nil
}

// skip reports whether an item may not be shown. An item that is not in the catalogue may be.
func (f *filters) skip(id bellwether.ItemID) bool {
	reason := ""
	it := f.items[id]
	switch {
	case f.done[id]:
		reason = f.request.Exclude
	case it == nil:
		if f.request.Category != "" {
			reason = "category"
		}
	case it.Stock != nil && *it.Stock <= 0:
		reason = "stock"
	case !it.From.IsZero() && f.now.Before(it.From), !it.To.IsZero() && !f.now.Before(it.To):
		reason = "validity"
	case f.request.Category != "" && it.Category != f.request.Category:
		reason = "category"
	}
	if reason != "" {
		f.held[reason]++
	}
	return reason != ""
}

// counts names every filter with how many items it held back: decisions with the same filters can be
// compared, so that a filter which held nothing is named too.
func (f *filters) counts() []string {
	var out []string
	for _, name := range []string{f.request.Exclude, "stock", "validity", "category"} {
		out = append(out, name+":"+strconv.Itoa(f.held[name]))
	}
	return out
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
