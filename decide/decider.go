package decide

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"
)

// DefaultHoldout is the share of people whom the product leaves alone, so that its worth can be measured.
const DefaultHoldout = 0.05

var (
	// ErrKeyReused means that an idempotency key came back with another subject or surface.
	ErrKeyReused = errors.New("the idempotency key was used for another subject or surface; make a new key for each request")
	// ErrRequest means that the request says something that no decision may hold: the text names the field.
	ErrRequest = errors.New("the request cannot be answered")
	// ErrNotFound means that there is no decision with that id.
	ErrNotFound = errors.New("no such decision")
)

// Options configure a [Decider]; the zero value works.
type Options struct {
	Clock        func() time.Time              // nil: time.Now
	NewKey       func() string                 // key of a request that brings none; nil: random
	HoldoutShare float64                       // 0: DefaultHoldout; negative: no holdout
	Policies     map[bellwether.Surface]Policy // by surface
	Default      Policy                        // on other surfaces; nil: Softmax{}
	Baseline     Policy                        // for people in the holdout; nil: Greedy{}
}

// Request asks for one decision.
type Request struct {
	Key        string // idempotency key: the decision's id and seed follow from it; "": a new one
	Subject    bellwether.Subject
	Bucket     int // the person's global holdout bucket
	Surface    bellwether.Surface
	Candidates []bellwether.Candidate // Action and Score set, after filters
	Baseline   []bellwether.Candidate // what the holdout gets; needed unless there is no holdout
	K          int                    // length of the slate; 0: a single action
	Model      bellwether.ModelVersion
	Snapshot   string             // of the features that the scores came from
	Context    map[string]float64 // features that policies and reward models may use
	Filters    []string           // every filter applied, with counts: "seen:12", "stock:0"
	Consent    []bellwether.Purpose
}

// PreviewOptions change what [Decider.Preview] computes.
type PreviewOptions struct {
	Holdout *bool // nil: as the person's bucket says
}

// Decider takes decisions for one project. It is safe for concurrent use.
type Decider struct {
	project bellwether.ProjectID
	o       Options
	ledger  *ledger
}

// New returns a Decider that writes to p's log and finds decisions again in past.
func New(p *store.Project, past Past, o Options) (*Decider, error) {
	o = o.withDefaults()
	if o.HoldoutShare >= 1 {
		return nil, fmt.Errorf("holdout share is %g; give a share below 1", o.HoldoutShare)
	}
	return &Decider{project: p.ID, o: o, ledger: newLedger(p.Log, past)}, nil
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.NewKey == nil {
		o.NewKey = rand.Text
	}
	if o.HoldoutShare == 0 {
		o.HoldoutShare = DefaultHoldout
	}
	if o.Default == nil {
		o.Default = Softmax{}
	}
	if o.Baseline == nil {
		o.Baseline = Greedy{}
	}
	return o
}

// Decide takes a decision and returns it once it is durable. A request whose Key was decided before,
// also by an earlier process, gets the stored decision; concurrent ones share a single decision.
func (d *Decider) Decide(ctx context.Context, r Request) (bellwether.Decision, error) {
	if err := r.checkSizes(); err != nil {
		return bellwether.Decision{}, err
	}
	fresh := r.Key == ""
	if fresh {
		r.Key = d.o.NewKey()
	}
	id, seed := identify(d.project, r.Key)
	take := func() (bellwether.Decision, error) { return d.take(r, id, seed, d.Holdout(r.Bucket)) }
	if fresh {
		dec, err := take()
		if err != nil {
			return dec, err
		}
		return dec, d.ledger.append(ctx, &dec)
	}
	dec, err := d.ledger.once(ctx, id, take)
	if err == nil && (dec.Subject != r.Subject || dec.Surface != r.Surface) {
		return bellwether.Decision{}, ErrKeyReused
	}
	return dec, err
}

// Preview computes what Decide would, and writes nothing.
func (d *Decider) Preview(r Request, o PreviewOptions) (bellwether.Decision, error) {
	if err := r.checkSizes(); err != nil {
		return bellwether.Decision{}, err
	}
	if r.Key == "" {
		r.Key = d.o.NewKey()
	}
	holdout := d.Holdout(r.Bucket)
	if o.Holdout != nil {
		holdout = *o.Holdout
	}
	id, seed := identify(d.project, r.Key)
	return d.take(r, id, seed, holdout)
}

// Holdout reports whether people of a bucket are in the global holdout.
func (d *Decider) Holdout(bucket int) bool {
	return float64(bucket) < d.o.HoldoutShare*bellwether.Buckets
}

// Decision returns the decision with that id, or [ErrNotFound].
func (d *Decider) Decision(_ context.Context, id bellwether.DecisionID) (bellwether.Decision, error) {
	dec, ok, err := d.ledger.find(id)
	if err == nil && !ok {
		err = fmt.Errorf("decision %q: %w", id, ErrNotFound)
	}
	return dec, err
}

// Recent returns the n decisions logged last, newest first.
func (d *Decider) Recent(ctx context.Context, n int) ([]bellwether.Decision, error) {
	return d.ledger.recent(ctx, n)
}

// take computes a decision: nothing but its arguments and the clock goes in.
func (d *Decider) take(r Request, id bellwether.DecisionID, seed uint64, holdout bool) (bellwether.Decision, error) {
	if len(r.Baseline) == 0 && d.o.HoldoutShare > 0 {
		return bellwether.Decision{}, errors.New("the request has no baseline candidates; name what people in the holdout get")
	}
	policy, candidates := d.policy(r.Surface), r.Candidates
	if holdout {
		policy, candidates = d.o.Baseline, r.Baseline
	}
	if err := checkCandidates(candidates, r.K); err != nil {
		return bellwether.Decision{}, err
	}
	dec := bellwether.Decision{
		ID: id, Time: d.o.Clock().UTC(), Subject: r.Subject, Surface: r.Surface, Snapshot: r.Snapshot, Context: r.Context,
		Candidates: append([]bellwether.Candidate(nil), candidates...), Filters: r.Filters, Slate: r.K > 0,
		Policy: policy.ID(), Model: r.Model, Seed: seed, Floor: policy.Exploration(), Holdout: holdout,
		Evaluable: policy.Exploration() > 0, Consent: r.Consent,
	}
	if err := draw(&dec, policy, r.K); err != nil {
		return bellwether.Decision{}, err
	}
	if err := dec.Validate(); err != nil {
		var field *bellwether.FieldError
		if errors.As(err, &field) && slices.Contains([]string{"subject", "surface"}, field.Field) {
			return bellwether.Decision{}, fmt.Errorf("%w: %w", ErrRequest, err)
		}
		return bellwether.Decision{}, fmt.Errorf("policy %s gave an invalid decision: %w", dec.Policy, err)
	}
	return dec, nil
}

func (d *Decider) policy(s bellwether.Surface) Policy {
	if p, ok := d.o.Policies[s]; ok {
		return p
	}
	return d.o.Default
}

// draw fills in the candidates' propensities, the actions and their propensity.
func draw(d *bellwether.Decision, p Policy, k int) error {
	rng := source(d.Seed)
	weights, err := p.Distribution(Context{d.Subject, d.Surface, d.Time, d.Context}, d.Candidates, rng)
	if err != nil {
		return fmt.Errorf("policy %s: %w", d.Policy, err)
	}
	if len(weights) != len(d.Candidates) {
		return fmt.Errorf("policy %s gave %d probabilities for %d candidates", d.Policy, len(weights), len(d.Candidates))
	}
	for i, w := range weights {
		d.Candidates[i].Propensity = w
	}
	switch {
	case !d.Evaluable:
		d.Actions, d.Propensity = rank(weights, d.Candidates, max(k, 1)), 1
	case d.Slate:
		d.Actions = drawSlate(weights, k, rng)
		d.Propensity, d.LogPropensity = bellwether.SlatePropensity(weights, d.Actions), bellwether.SlateLogPropensity(weights, d.Actions)
	default:
		a := drawOne(weights, rng)
		d.Actions, d.Propensity = []int{a}, weights[a]
	}
	return nil
}

func checkCandidates(candidates []bellwether.Candidate, k int) error {
	if len(candidates) == 0 {
		return errors.New("the request has no candidates; add at least one action")
	}
	if k < 0 {
		return fmt.Errorf("the slate's length is %d; give 0 for a single action or a positive length", k)
	}
	seen := make(map[string]struct{}, len(candidates))
	for _, c := range candidates {
		if _, twice := seen[c.Action]; twice || c.Action == "" {
			return fmt.Errorf("candidate %q is empty or named twice; each action is named once", c.Action)
		}
		if math.IsNaN(c.Score) || math.IsInf(c.Score, 0) {
			return fmt.Errorf("candidate %q has the score %g; scores are finite", c.Action, c.Score)
		}
		seen[c.Action] = struct{}{}
	}
	return nil
}

// Replay recomputes d from its policy, candidates and seed, and reports the first bit that
// differs from the record (docs/science.md §1, I3).
func Replay(d bellwether.Decision, p Policy) error {
	if p.ID() != d.Policy {
		return fmt.Errorf("decision %q was taken by policy %s, not %s", d.ID, d.Policy, p.ID())
	}
	again := d
	again.Candidates = append([]bellwether.Candidate(nil), d.Candidates...)
	for i := range again.Candidates {
		again.Candidates[i].Propensity = 0
	}
	if err := draw(&again, p, len(d.Actions)); err != nil {
		return err
	}
	for i, c := range again.Candidates {
		if math.Float64bits(c.Propensity) != math.Float64bits(d.Candidates[i].Propensity) {
			return fmt.Errorf("decision %q: candidate %q has propensity %v, replayed %v", d.ID, c.Action, d.Candidates[i].Propensity, c.Propensity)
		}
	}
	for i, a := range again.Actions {
		if a != d.Actions[i] {
			return fmt.Errorf("decision %q: action %d is %q, replayed %q", d.ID, i+1, d.Candidates[d.Actions[i]].Action, again.Candidates[a].Action)
		}
	}
	if math.Float64bits(again.Propensity) != math.Float64bits(d.Propensity) {
		return fmt.Errorf("decision %q: propensity is %v, replayed %v", d.ID, d.Propensity, again.Propensity)
	}
	if d.LogPropensity != 0 && math.Float64bits(again.LogPropensity) != math.Float64bits(d.LogPropensity) { // older programs kept none
		return fmt.Errorf("decision %q: the propensity's logarithm is %v, replayed %v", d.ID, d.LogPropensity, again.LogPropensity)
	}
	return nil
}

// Replay is [Replay] with the policy that this Decider knows under d's policy id.
func (d *Decider) Replay(dec bellwether.Decision) error {
	for _, p := range d.o.Policies {
		if p.ID() == dec.Policy {
			return Replay(dec, p)
		}
	}
	for _, p := range []Policy{d.o.Default, d.o.Baseline} {
		if p.ID() == dec.Policy {
			return Replay(dec, p)
		}
	}
	return fmt.Errorf("decision %q was taken by policy %s, which is not configured", dec.ID, dec.Policy)
}
