package measure

import (
	"time"

	"bellwether"
	"bellwether/history"
)

// JoinOptions say how events are credited to decisions.
type JoinOptions struct {
	Rule     Rule
	AsOf     time.Time     // nothing received later counts; needed
	Lateness time.Duration // how long after it happened an event may arrive and still be credited; 0: 48 hours
	Prices   Prices

	// Known reports whether a decision about somebody else is in the log. It is asked for the decisions that a
	// person's events name and that are not the person's. nil: none is.
	Known func(bellwether.DecisionID) (bool, error)

	Person func(bellwether.Subject) bellwether.Subject // of [Join]: the canonical id of a person; nil: as it is
}

// DefaultLateness is how long after it happened an event may arrive and still be credited to a decision.
const DefaultLateness = 48 * time.Hour

// JoinCounts are what crediting saw.
type JoinCounts struct {
	Decisions   int64 `json:"decisions"`
	Settled     int64 `json:"settled"`  // decisions whose outcome will not change any more
	Repeated    int64 `json:"repeated"` // decisions logged again under the same id; the first counts
	Credited    int64 `json:"credited"`
	Organic     int64 `json:"organic"`      // outcomes that no decision is credited with; the next five say why of some
	Unknown     int64 `json:"unknown"`      // name a decision that is not in the log
	Elsewhere   int64 `json:"elsewhere"`    // name a decision about somebody else
	Late        int64 `json:"late"`         // of people with decisions: arrived after the allowance
	LateRefunds int64 `json:"late_refunds"` // would take back a credited sale, but come after its decision's windows or the allowance
	NoDecision  int64 `json:"no_decision"`  // of people about whom no decision was taken
	Refunds     int64 `json:"refunds"`      // refunds in all
	NoRate      int64 `json:"no_rate"`      // sales in a currency without a rate: not counted
	NoCost      int64 `json:"no_cost"`      // sales of items whose cost is not known: no margin
	Sales       int64 `json:"sales"`        // sales and refunds in all
}

// add takes in the counts of others.
func (c *JoinCounts) add(o JoinCounts) {
	c.Decisions, c.Settled, c.Repeated = c.Decisions+o.Decisions, c.Settled+o.Settled, c.Repeated+o.Repeated
	c.Credited, c.Organic, c.Unknown = c.Credited+o.Credited, c.Organic+o.Organic, c.Unknown+o.Unknown
	c.Elsewhere, c.Late, c.LateRefunds = c.Elsewhere+o.Elsewhere, c.Late+o.Late, c.LateRefunds+o.LateRefunds
	c.NoDecision, c.Refunds = c.NoDecision+o.NoDecision, c.Refunds+o.Refunds
	c.NoRate, c.NoCost, c.Sales = c.NoRate+o.NoRate, c.NoCost+o.NoCost, c.Sales+o.Sales
}

// Settle credits each of p's outcome events to at most one decision about p: the one that it names, or else the last
// touch within the windows that shows the item (docs/science.md §1, I5). settled are the outcomes of decisions whose longest
// window, and the allowance for late events after it, are over: they are written to the log and not computed again.
// open are those that may still change. Both are in the order of the decisions' time. Of the outcomes that were
// settled before, only the events count, so that none is credited twice.
//
// A settled outcome does not depend on when it was settled: an event that arrived later than the allowance
// is credited to nothing, whether or not the decision is still open (counts.Late), and a refund
// later than the decision's longest window does not change its outcome (counts.LateRefunds); give the rule a window for
// refunds where rewards shall have them taken off. People's totals have both.
func Settle(p *history.Person, o JoinOptions) (settled, open []bellwether.Outcome, counts JoinCounts, err error) {
	s := newSettler(o)
	if err := s.person(p); err != nil {
		return nil, nil, JoinCounts{}, err
	}
	for i := range s.touches {
		if t := &s.touches[i]; s.settles(t.outcome.Time) {
			settled = append(settled, t.outcome)
		} else {
			open = append(open, t.outcome)
		}
	}
	return settled, open, s.counts, nil
}

// settler credits the events of one person after the other.
type settler struct {
	o       JoinOptions
	name    string // of the rule
	longest time.Duration
	parts   map[bellwether.EventType]part

	// Of the person at hand.
	touches []touch                         // of the open decisions, in the order of time
	begun   int                             // touches up to the event at hand
	index   map[bellwether.DecisionID]int32 // of touches
	before  map[bellwether.DecisionID]bool  // of the outcomes that are settled
	fixed   map[bellwether.EventID]struct{} // credited by these
	orders  map[orderLine]place             // of sales
	counts  JoinCounts
	organic func(bellwether.EventID) // told of each organic outcome; may be nil
}

// orderLine finds the sale that a refund takes back.
type orderLine struct {
	order string
	item  bellwether.ItemID
}

// place is a decision and the position in it; position −1: none in particular.
type place struct {
	decision int32
	position int
}

// Places that are no open decision.
var (
	nowhere = place{-1, -1}
	frozen  = place{-2, -1} // in a settled outcome
)

func newSettler(o JoinOptions) *settler {
	o.Rule = o.Rule.withDefaults()
	if o.Lateness == 0 {
		o.Lateness = DefaultLateness
	}
	return &settler{
		o: o, name: o.Rule.String(), longest: o.Rule.longest(), parts: o.Rule.parts(),
		index: map[bellwether.DecisionID]int32{}, before: map[bellwether.DecisionID]bool{},
		fixed: map[bellwether.EventID]struct{}{}, orders: map[orderLine]place{},
	}
}

// matured reports whether the windows of a decision are over.
func (s *settler) matured(decided time.Time) bool { return !s.o.AsOf.Before(decided.Add(s.longest)) }

// settles reports whether nothing that may be credited to a decision can still arrive.
func (s *settler) settles(decided time.Time) bool {
	return !s.o.AsOf.Before(decided.Add(s.longest + s.o.Lateness))
}

// person credits p's events.
func (s *settler) person(p *history.Person) error {
	s.touches, s.begun, s.counts = s.touches[:0], 0, JoinCounts{}
	clear(s.index)
	clear(s.before)
	clear(s.fixed)
	clear(s.orders)
	for i := range p.Outcomes {
		s.keep(&p.Outcomes[i])
	}
	for i := range p.Decisions {
		s.touch(p, &p.Decisions[i])
	}
	for i := range p.Events {
		if err := s.event(p, &p.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// keep notes what a settled outcome was credited with.
func (s *settler) keep(o *bellwether.Outcome) {
	s.before[o.Decision] = true
	s.counts.Decisions++
	s.counts.Settled++
	for _, e := range o.Events {
		s.fixed[e] = struct{}{}
	}
}

// touch begins the outcome of a decision.
func (s *settler) touch(p *history.Person, d *bellwether.Decision) {
	if _, again := s.index[d.ID]; again || s.before[d.ID] {
		s.counts.Repeated++
		return
	}
	if d.Time.After(s.o.AsOf) {
		return
	}
	actions := d.Chosen()
	s.index[d.ID] = int32(len(s.touches))
	s.touches = append(s.touches, touch{
		anyItem: !d.Slate && s.o.Prices.Catalogue[bellwether.ItemID(actions[0])] == nil,
		outcome: bellwether.Outcome{
			Decision: d.ID, Time: d.Time, Subject: p.Subject, Surface: d.Surface, Policy: d.Policy, Model: d.Model,
			Holdout: d.Holdout, Slate: d.Slate, Evaluable: d.Evaluable, Actions: actions,
			Rule: s.name, Matured: s.matured(d.Time),
		},
	})
	s.counts.Decisions++
	if s.settles(d.Time) {
		s.counts.Settled++
	}
}

// event credits e.
func (s *settler) event(p *history.Person, e *bellwether.Event) error {
	kind := s.parts[e.Type]
	if kind == nothing || e.Received.After(s.o.AsOf) {
		return nil
	}
	for s.begun < len(s.touches) && !s.touches[s.begun].outcome.Time.After(e.Occurred) {
		s.begun++
	}
	var sold sale
	if kind == conversion || kind == refund {
		sold = s.o.Prices.sale(e)
		s.sale(kind, sold)
	}
	at, err := s.find(p, e, kind)
	if err != nil {
		return err
	}
	late := s.late(e)
	if late {
		if at.decision >= 0 {
			at = nowhere
		}
		if kind != exposure && len(p.Decisions)+len(p.Outcomes) > 0 {
			s.counts.Late++
		}
	}
	if kind == conversion && e.Order != "" && !late {
		s.orders[orderLine{e.Order, e.Item}] = at
	}
	switch {
	case at == frozen:
		s.counts.Credited++
	case at == nowhere && kind != exposure:
		s.counts.Organic++
		if s.organic != nil {
			s.organic(e.ID)
		}
	case at != nowhere:
		if s.touches[at.decision].credit(e, kind, sold, at.position); kind != exposure {
			s.counts.Credited++
		}
	}
	return nil
}

// late reports whether e arrived after the allowance.
func (s *settler) late(e *bellwether.Event) bool { return e.Received.Sub(e.Occurred) > s.o.Lateness }

func (s *settler) sale(kind part, v sale) {
	s.counts.Sales++
	if kind == refund {
		s.counts.Refunds++
	}
	if v.noRate {
		s.counts.NoRate++
	}
	if v.noCost {
		s.counts.NoCost++
	}
}
