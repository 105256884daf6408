package measure

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"bellwether"
)

// JoinOptions configure [Join].
type JoinOptions struct {
	Rule   Rule
	AsOf   time.Time // nothing received later counts; decisions younger than the rule's windows are immature
	Prices Prices
	Person func(bellwether.Subject) bellwether.Subject // the canonical id of a person; nil: as it is
}

// Joined is every decision with what followed it.
type Joined struct {
	Rule     string
	Outcomes []bellwether.Outcome // one a decision, in the log's order
	Organic  []bellwether.EventID // outcomes that no decision is credited with
	Counts   JoinCounts

	touches []touch // aligned with Outcomes
	index   map[bellwether.DecisionID]int32
	options JoinOptions
}

// JoinCounts are what Join saw.
type JoinCounts struct {
	Decisions  int64 `json:"decisions"`
	Repeated   int64 `json:"repeated"` // decisions logged again under the same id; the first counts
	Credited   int64 `json:"credited"`
	Organic    int64 `json:"organic"`
	Unknown    int64 `json:"unknown"`     // organic because they name a decision that is not in the log
	NoRate     int64 `json:"no_rate"`     // sales in a currency without a rate: not counted
	NoCost     int64 `json:"no_cost"`     // sales of items whose cost is not known: no margin
	NoDecision int64 `json:"no_decision"` // people's events before any decision about them, part of Organic
}

// touch is what Join keeps of a decision.
type touch struct {
	person    bellwether.Subject
	surface   bellwether.Surface
	policy    bellwether.PolicyID
	at        time.Time
	holdout   bool
	slate     bool
	anyItem   bool // the action is not an item: what the person does with any item may follow from it
	actions   []string
	clicked   []time.Time // by position, zero: not clicked
	positions map[string][]float64
}

// Join credits each outcome event to at most one decision: the one that it names, or else
// the person's last touch within the windows that shows the item (SCIENCE §1, I5). events may
// come in any order; both sequences are ranged over once.
func Join(decisions iter.Seq2[bellwether.Decision, error], events iter.Seq2[bellwether.Event, error], o JoinOptions) (*Joined, error) {
	if o.AsOf.IsZero() {
		return nil, errors.New("join needs AsOf, the moment up to which outcomes are known")
	}
	o.Rule = o.Rule.withDefaults()
	if o.Person == nil {
		o.Person = func(s bellwether.Subject) bellwether.Subject { return s }
	}
	j := &Joined{Rule: o.Rule.String(), index: map[bellwether.DecisionID]int32{}, options: o}
	for d, err := range decisions {
		if err != nil {
			return nil, fmt.Errorf("read the decisions: %w", err)
		}
		j.addDecision(&d)
	}
	outcomes, err := j.collect(events)
	if err != nil {
		return nil, err
	}
	j.credit(outcomes)
	return j, nil
}

func (j *Joined) addDecision(d *bellwether.Decision) {
	if _, again := j.index[d.ID]; again {
		j.Counts.Repeated++
		return
	}
	if d.Time.After(j.options.AsOf) {
		return
	}
	actions := d.Chosen()
	_, item := j.options.Prices.Catalogue[bellwether.ItemID(actions[0])]
	t := touch{
		person: j.options.Person(d.Subject), surface: d.Surface, policy: d.Policy, at: d.Time, holdout: d.Holdout,
		slate: d.Slate, anyItem: !d.Slate && !item, actions: actions,
	}
	j.index[d.ID] = int32(len(j.touches))
	j.touches = append(j.touches, t)
	j.Outcomes = append(j.Outcomes, bellwether.Outcome{
		Decision: d.ID, Subject: t.person, Rule: j.Rule,
		Rewards: map[string]float64{Click: 0, Conversion: 0, Revenue: 0, Margin: 0, Engagement: 0},
		Matured: !j.options.AsOf.Before(d.Time.Add(j.options.Rule.longest())),
	})
	j.Counts.Decisions++
}

// collect returns the events that can be outcomes, in the order in which they occurred.
func (j *Joined) collect(events iter.Seq2[bellwether.Event, error]) ([]bellwether.Event, error) {
	var out []bellwether.Event
	for e, err := range events {
		if err != nil {
			return nil, fmt.Errorf("read the events: %w", err)
		}
		if j.options.Rule.part(e.Type) == nothing || e.Received.After(j.options.AsOf) {
			continue
		}
		e.Subject = j.options.Person(personOf(&e))
		e.Raw, e.Traits, e.UserAgent = nil, nil, "" // not needed, and most of the memory
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
	return out, nil
}

// personOf is the subject of an event, or the device when nobody had signed in.
func personOf(e *bellwether.Event) bellwether.Subject {
	return cmp.Or(e.Subject, bellwether.Subject(e.Anonymous))
}

// credit goes through the outcomes in order.
func (j *Joined) credit(events []bellwether.Event) {
	byPerson := map[bellwether.Subject][]int32{}
	for i := range j.touches {
		byPerson[j.touches[i].person] = append(byPerson[j.touches[i].person], int32(i))
	}
	for _, list := range byPerson {
		slices.SortStableFunc(list, func(a, b int32) int { return j.touches[a].at.Compare(j.touches[b].at) })
	}
	orders := map[orderLine]place{}
	for i := range events {
		e := &events[i]
		p := j.options.Rule.part(e.Type)
		at := j.find(e, p, byPerson[e.Subject], orders)
		if p == exposure {
			j.expose(e, at)
			continue
		}
		j.apply(e, p, at)
		if p == conversion && e.Order != "" {
			orders[orderLine{e.Order, e.Item}] = at
		}
	}
}

// orderLine finds the sale that a refund takes back.
type orderLine struct {
	order string
	item  bellwether.ItemID
}

// place is a decision and the position in it; decision −1: none, position −1: none in particular.
type place struct {
	decision int32
	position int
}

var nowhere = place{-1, -1}

// find returns the decision that e is credited to.
func (j *Joined) find(e *bellwether.Event, p part, touches []int32, orders map[orderLine]place) place {
	if p == refund && e.Order != "" {
		if at, ok := orders[orderLine{e.Order, e.Item}]; ok {
			return at
		}
	}
	if e.Decision != "" {
		i, known := j.index[e.Decision]
		if !known {
			j.Counts.Unknown++
			return nowhere
		}
		position, _ := j.touches[i].shows(e)
		if j.touches[i].within(e.Occurred, j.options.Rule.window(e.Type, true)) {
			return place{i, position}
		}
		return nowhere
	}
	if p == exposure {
		return nowhere // it is no proof that this decision was seen
	}
	return j.last(e, p, touches)
}

// last returns the person's last touch that e can follow from.
func (j *Joined) last(e *bellwether.Event, p part, touches []int32) place {
	best, when := nowhere, time.Time{}
	longest := j.options.Rule.longest()
	for k := len(touches) - 1; k >= 0; k-- {
		t := &j.touches[touches[k]]
		if e.Occurred.Sub(t.at) > longest {
			break // the earlier ones are older still
		}
		position, ok := t.shows(e)
		if !ok || t.at.After(e.Occurred) {
			continue
		}
		clickedAt, clicked := t.clickedAt(position)
		if !t.within(e.Occurred, j.options.Rule.window(e.Type, clicked || p == click)) {
			continue
		}
		touched := t.at
		if clicked {
			touched = clickedAt
		}
		if best == nowhere || touched.After(when) {
			best, when = place{touches[k], position}, touched
		}
	}
	if len(touches) == 0 {
		j.Counts.NoDecision++
	}
	return best
}

// shows reports whether e can follow from t, and at which position: an event without an
// item, or an action that is no item, has none in particular.
func (t *touch) shows(e *bellwether.Event) (position int, ok bool) {
	switch {
	case t.anyItem:
		return 0, true
	case e.Item == "" && e.Position >= 1 && int(e.Position) <= len(t.actions):
		return int(e.Position) - 1, true
	case e.Item == "":
		return -1, true
	}
	position = slices.Index(t.actions, string(e.Item))
	return position, position >= 0
}

func (t *touch) within(at time.Time, window time.Duration) bool {
	return !at.Before(t.at) && at.Sub(t.at) <= window
}

// clickedAt returns when the position, or any for −1, was clicked.
func (t *touch) clickedAt(position int) (time.Time, bool) {
	if t.clicked == nil {
		return time.Time{}, false
	}
	if position >= 0 {
		return t.clicked[position], !t.clicked[position].IsZero()
	}
	latest := slices.MaxFunc(t.clicked, time.Time.Compare)
	return latest, !latest.IsZero()
}
