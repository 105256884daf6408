package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bellwether"
	"bellwether/history"
)

// ErrNoData means that the log holds too little to learn from; the text says what is missing.
var ErrNoData = errors.New("too little data to learn from")

// Protocol says how sequences are cut into a part to fit, validation targets and test targets.
type Protocol int

const (
	// LeaveOneOut asks for each person's last step (test) and the one before (validation).
	LeaveOneOut Protocol = iota
	// Temporal asks for what people did after a moment: one global cut for validation, a later one for test.
	Temporal
	// ByTimes is Temporal where times are real, and enough people did something after both cuts; else it is LeaveOneOut. Times are not
	// real where more than half of the people begin in one second, as those of a file that says no times do.
	ByTimes
)

// Known says from when on an event is taken as known.
type Known uint8

const (
	// KnownByData is KnownReceived, unless most events were received more than a day after they occurred:
	// then the history was imported after the fact, and it is KnownOccurred.
	KnownByData Known = iota
	// KnownReceived takes an event as known from when it was received.
	KnownReceived
	// KnownOccurred takes an event as known from when it occurred.
	KnownOccurred
)

// DefaultSteps is the budget of steps of a training set.
const DefaultSteps = 20_000_000

// SequenceOptions are the settings of NewSequences; the zero value works.
type SequenceOptions struct {
	Protocol Protocol
	Types    []bellwether.EventType // what becomes a step; none: every type about an item but lists, impressions, removals and refunds
	Targets  []bellwether.EventType // what may be a target; none: every step
	// Temporal: targets occurred after Validation, up to Test, or after Test.
	// Zero: the moments by which 80 % and 90 % of the steps were known.
	Validation, Test time.Time
	Known            Known
	// Collapse makes one step of a run of steps about one item: the next item is then always another
	// one. The step has the time of the first event and the type of the last: view, cart, purchase is a purchase;
	// channel and campaign are those that came first, be the campaign too rare to have a number.
	Collapse bool
	// Unprompted leaves out runs of steps about one item that are all prompted (bellwether.Event.Prompted): a
	// model that learns from what it showed itself learns its own habits. What was then put into a cart or bought stays.
	Unprompted bool
	Steps      int64                                  // budget: beyond it people are sampled; 0: DefaultSteps
	Currency   bellwether.Currency                    // prices in another one are not known to models
	Items      map[bellwether.ItemID]*bellwether.Item // the catalogue: categories, content, and when items may be offered
	Exclude    bellwether.Exclude                     // what the surface does not offer of a history
}

// Sequences is the reducer that builds one sequence a person from item events.
//
// Leave-one-out keeps the order of time; ties keep the log's order. A person with fewer than three
// steps, or without two targets after a first step, is all training. Temporal puts first, by time, the
// steps that were known at the first cut: only they may be fitted; then the others in the order in which they
// became known, so that a target's history holds nothing that was learned after it.
//
// People are in the order of their first step, items of the first step about them, types and channels of the first event,
// campaigns of their fifth (with fewer they have no number); those of one moment by their ids. Who and what has no step
// is left out, but types, channels and campaigns are those of everybody, sampled or not.
type Sequences struct {
	o      SequenceOptions
	budget *budget
	late   lateness

	items     index[bellwether.ItemID]
	types     index[bellwether.EventType]
	channels  index[bellwether.Channel]
	campaigns campaigns[bellwether.CampaignID]
	people    []member
	level     int       // of the budget, when people were last left out
	row       []stepRow // of Add

	out *bellwether.Sequences
	err error
}

// member is a person who is kept.
type member struct {
	subject bellwether.Subject
	steps   []step
	times   []moments // of steps, unless LeaveOneOut was asked for
	level   int32
}

// step is a step in the numbers of one reducer.
type step struct {
	price, time              int64
	item, campaign, quantity int32  // campaign: 1 + its number
	channel                  uint16 // 1 + its number
	kind                     uint8
	bought                   bool // a purchase is in it
}

// moments are when a step occurred and became known, Unix nanoseconds.
type moments struct{ occurred, received, last int64 }

// known is when a step could first be used.
func (m *moments) known(by Known) int64 {
	if by == KnownOccurred {
		return m.last
	}
	return m.received
}

// stepRow is a step under construction.
type stepRow struct {
	step
	moments
	prompted bool // by decisions alone
}

// lateness tells whether a history was imported after the fact.
type lateness struct{ events, late int64 }

func (l *lateness) add(p *history.Person) {
	for i := range p.Events {
		l.events++
		if e := &p.Events[i]; e.Received.Sub(e.Occurred) > 24*time.Hour {
			l.late++
		}
	}
}

func (l *lateness) merge(next lateness) { l.events, l.late = l.events+next.events, l.late+next.late }

// decide returns the setting, made of the data where they are to say.
func (l *lateness) decide(k Known) Known {
	switch {
	case k != KnownByData:
		return k
	case 2*l.late > l.events:
		return KnownOccurred
	}
	return KnownReceived
}

// NewSequences returns an empty reducer.
func NewSequences(o SequenceOptions) *Sequences {
	return &Sequences{o: o, budget: &budget{most: cmp.Or(o.Steps, DefaultSteps)}}
}

// Fork implements [history.Reducer].
func (s *Sequences) Fork() history.Reducer { return &Sequences{o: s.o, budget: s.budget} }

// Add implements [history.Reducer].
func (s *Sequences) Add(p *history.Person) error {
	s.late.add(p)
	level, rows := sampleLevel(p.Subject), s.row[:0]
	kept := s.budget.keeps(level)
	for i := range p.Events {
		e := &p.Events[i]
		if !s.o.wanted(e) {
			continue
		}
		row := s.words(e)
		if kept {
			s.fill(&row, e)
			rows = s.o.append(rows, row)
		}
	}
	rows = dropPrompted(rows)
	s.row = rows
	if len(rows) == 0 || !s.budget.take(level, len(rows)) {
		return nil
	}
	s.keep(p.Subject, level, rows)
	s.sample()
	return nil
}

// words gives a row the numbers of its words, which are counted for everybody.
func (s *Sequences) words(e *bellwether.Event) (row stepRow) {
	at := e.Occurred.UnixNano()
	row.kind = uint8(s.types.see(e.Type, at)) // Done refuses more than fit
	if e.Channel != "" {
		if n := s.channels.see(e.Channel, at); n < math.MaxUint16 {
			row.channel = uint16(n + 1)
		}
	}
	if e.Campaign != "" {
		row.campaign = s.campaigns.see(e.Campaign, at) + 1
	}
	return row
}

func (s *Sequences) fill(row *stepRow, e *bellwether.Event) {
	row.item = s.items.see(e.Item, 0)
	row.quantity, row.time = int32(min(e.Quantity, math.MaxInt32)), e.Occurred.Unix()
	if e.Price.Currency == s.o.Currency {
		row.price = e.Price.Amount
	}
	row.occurred, row.received = e.Occurred.UnixNano(), e.Received.UnixNano()
	row.last = row.occurred
	row.bought = e.Type == bellwether.Purchase
	row.prompted = s.o.Unprompted && e.Prompted()
}

func (o *SequenceOptions) wanted(e *bellwether.Event) bool {
	if e.Item == "" || !e.Type.Personal() {
		return false
	}
	if len(o.Types) > 0 {
		return slices.Contains(o.Types, e.Type)
	}
	switch e.Type {
	case bellwether.ViewItemList, bellwether.AdImpression, bellwether.RemoveFromCart, bellwether.Refund:
		return false
	}
	return true
}

// append adds a row to a person's rows, or joins it to the last one.
func (o *SequenceOptions) append(rows []stepRow, row stepRow) []stepRow {
	last := len(rows) - 1
	if last >= 0 && rows[last].item != row.item {
		rows = dropPrompted(rows)
		last = len(rows) - 1
	}
	if last >= 0 && rows[last].item == row.item && (o.Collapse || rows[last].prompted) {
		rows[last].extend(&row)
		return rows
	}
	return append(rows, row)
}

// dropPrompted leaves out the last row if nothing but prompts are in it.
func dropPrompted(rows []stepRow) []stepRow {
	if n := len(rows); n > 0 && rows[n-1].prompted {
		return rows[:n-1]
	}
	return rows
}

// extend adds the next event about the same item to a collapsed step.
func (r *stepRow) extend(next *stepRow) {
	r.kind, r.quantity, r.bought = next.kind, max(r.quantity, next.quantity), r.bought || next.bought
	if next.price != 0 {
		r.price = next.price
	}
	if r.channel == 0 {
		r.channel = next.channel
	}
	if r.campaign == 0 {
		r.campaign = next.campaign
	}
	r.received, r.last = max(r.received, next.received), max(r.last, next.last)
	r.prompted = r.prompted && next.prompted
}

// keep copies a person's rows.
func (s *Sequences) keep(subject bellwether.Subject, level int, rows []stepRow) {
	steps := make([]step, len(rows))
	for i := range rows {
		steps[i] = rows[i].step
	}
	var times []moments
	if s.o.Protocol != LeaveOneOut {
		times = make([]moments, len(rows))
		for i := range rows {
			times[i] = rows[i].moments
		}
	}
	s.people = append(s.people, member{subject: bellwether.Subject(strings.Clone(string(subject))), steps: steps, times: times, level: int32(level)})
}

// sample leaves out the people whom the budget, when it was last lowered, no longer allows.
func (s *Sequences) sample() {
	if s.budget.keeps(s.level) {
		return
	}
	s.level = int(s.budget.level.Load())
	kept := 0
	for i := range s.people {
		if int(s.people[i].level) < s.level {
			continue
		}
		s.people[kept] = s.people[i]
		kept++
	}
	clear(s.people[kept:])
	s.people = s.people[:kept]
}

// Merge implements [history.Reducer].
func (s *Sequences) Merge(next history.Reducer) error {
	n, ok := next.(*Sequences)
	if !ok {
		return fmt.Errorf("dataset: sequences cannot take in a %T", next)
	}
	s.late.merge(n.late)
	n.sample()
	items, types := s.items.merge(&n.items), s.types.merge(&n.types)
	channels, marks := s.channels.merge(&n.channels), s.campaigns.merge(&n.campaigns)
	for i := range n.people {
		for k := range n.people[i].steps {
			st := &n.people[i].steps[k]
			st.item, st.kind = items[st.item], uint8(types[st.kind])
			if st.channel > 0 {
				st.channel = uint16(min(channels[st.channel-1]+1, math.MaxUint16))
			}
			if st.campaign > 0 {
				st.campaign = marks[st.campaign-1] + 1
			}
		}
	}
	s.people = append(s.people, n.people...)
	n.people = nil
	s.sample()
	return nil
}

// Done implements [history.Reducer].
func (s *Sequences) Done() error {
	s.out, s.err = s.build()
	*s = Sequences{o: s.o, budget: s.budget, late: s.late, out: s.out, err: s.err}
	return nil
}

// Data returns what was built, or why there is nothing to learn from (ErrNoData). It is called after Done.
func (s *Sequences) Data() (*bellwether.Sequences, error) { return s.out, s.err }

// Share is the share of people whom the budget of steps left in.
func (s *Sequences) Share() float64 { return s.budget.share() }

// Kept is how many steps the budget left in.
func (s *Sequences) Kept() int64 { return s.budget.kept() }

// Backfilled reports whether most events were received more than a day after they occurred.
func (s *Sequences) Backfilled() bool { return s.late.decide(KnownByData) == KnownOccurred }
