package prepare

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
)

// Protocol says how sequences are cut into a part to fit, validation targets and test targets.
type Protocol int

const (
	// LeaveOneOut asks for each person's last step (test) and the one before (validation).
	LeaveOneOut Protocol = iota
	// Temporal asks for what people did after a moment: one global cut for validation, a later one for test.
	Temporal
)

// SequenceOptions are the settings of Sequences; the zero value works.
type SequenceOptions struct {
	Protocol Protocol
	Types    []bellwether.EventType // what becomes a step; none: every type about an item but lists, impressions, removals and refunds
	Targets  []bellwether.EventType // what may be a target; none: every step
	// Temporal: targets occurred after Validation, up to Test, or after Test.
	// Zero: the moments by which 80 % and 90 % of the steps were known.
	Validation, Test time.Time
	Backfilled       bool // see TableOptions
	// Collapse makes one step of a run of steps about one item: the next item is then always another
	// one. The step has the time of the first event and the type of the last: view, cart, purchase is a purchase;
	// channel and campaign are those that came first.
	Collapse bool
	// Unprompted leaves out runs of steps about one item that are all prompted (bellwether.Event.Prompted): a
	// model that learns from what it showed itself learns its own habits. What was then put into a cart or bought stays.
	Unprompted bool
}

// Sequences builds one sequence a person from c's item events.
//
// Leave-one-out keeps the order of time; ties keep the log's order. A person with fewer than three
// steps, or without two targets after a first step, is all training. Temporal puts first, by time, the
// steps that were known (received) at the first cut: only they may be fitted; then the others in the
// order in which they became known, so that a target's history holds nothing that was learned after it.
func Sequences(c *Cleaned, o SequenceOptions) (*bellwether.Sequences, error) {
	if o.Test.Before(o.Validation) && !o.Test.IsZero() {
		return nil, errors.New("prepare: the test cut lies before the validation cut: swap them")
	}
	b := newSequenceBuilder(o)
	b.chooseCampaigns(c.Events)
	for i := range c.Events {
		if e := &c.Events[i]; b.wanted(e) {
			b.add(e, c.Currency)
		}
	}
	for p := range b.rows {
		b.rows[p] = dropPrompted(b.rows[p])
	}
	if len(b.rows) == 0 {
		return nil, fmt.Errorf("prepare: none of %d events is a step of a sequence: name the types of events about items in SequenceOptions.Types", len(c.Events))
	}
	if len(b.out.Types) > math.MaxUint8 {
		return nil, fmt.Errorf("prepare: %d types of steps, more than %d: name fewer in SequenceOptions.Types", len(b.out.Types), math.MaxUint8)
	}
	if o.Protocol == Temporal {
		b.cutByTime()
	} else {
		b.leaveOneOut()
	}
	Describe(b.out, c.Items)
	return b.out, nil
}

// stepRow is a step with what the cut looks at.
type stepRow struct {
	bellwether.Step
	occurred, known int64 // Unix nanoseconds
	prompted        bool  // by decisions alone
}

type sequenceBuilder struct {
	o      SequenceOptions
	out    *bellwether.Sequences
	rows   [][]stepRow // by person
	items  map[bellwether.ItemID]int32
	types  map[bellwether.EventType]uint8
	people map[bellwether.Subject]int

	channels  map[bellwether.Channel]uint8
	campaigns map[bellwether.CampaignID]uint16
}

// rareCampaign is the number of events below which a campaign has no place in the vocabulary.
const rareCampaign = 5

// chooseCampaigns makes the vocabulary of campaigns, in the order in which they had enough events.
func (b *sequenceBuilder) chooseCampaigns(events []bellwether.Event) {
	count := map[bellwether.CampaignID]int{}
	for i := range events {
		e := &events[i]
		if e.Campaign == "" || !b.wanted(e) {
			continue
		}
		if count[e.Campaign]++; count[e.Campaign] == rareCampaign && len(b.out.Campaigns) < math.MaxUint16 {
			b.out.Campaigns = append(b.out.Campaigns, e.Campaign)
			b.campaigns[e.Campaign] = uint16(len(b.out.Campaigns))
		}
	}
}

// channel returns the number of a channel in the vocabulary, from 1; 0 for none, and where there are too many.
func (b *sequenceBuilder) channel(c bellwether.Channel) uint8 {
	n, known := b.channels[c]
	if !known && c != "" && len(b.out.Channels) < math.MaxUint8 {
		b.out.Channels = append(b.out.Channels, c)
		n = uint8(len(b.out.Channels))
		b.channels[c] = n
	}
	return n
}

func newSequenceBuilder(o SequenceOptions) *sequenceBuilder {
	return &sequenceBuilder{
		o: o, out: &bellwether.Sequences{}, items: map[bellwether.ItemID]int32{},
		types: map[bellwether.EventType]uint8{}, people: map[bellwether.Subject]int{},
		channels: map[bellwether.Channel]uint8{}, campaigns: map[bellwether.CampaignID]uint16{},
	}
}

func (b *sequenceBuilder) wanted(e *bellwether.Event) bool {
	if e.Item == "" || e.Subject == "" || !e.Type.Personal() {
		return false
	}
	if len(b.o.Types) > 0 {
		return slices.Contains(b.o.Types, e.Type)
	}
	switch e.Type {
	case bellwether.ViewItemList, bellwether.AdImpression, bellwether.RemoveFromCart, bellwether.Refund:
		return false
	}
	return true
}

func (b *sequenceBuilder) add(e *bellwether.Event, main bellwether.Currency) {
	p, ok := b.people[e.Subject]
	if !ok {
		p = len(b.rows)
		b.people[e.Subject] = p
		b.rows, b.out.People = append(b.rows, nil), append(b.out.People, e.Subject)
	}
	item, ok := b.items[e.Item]
	if !ok {
		item = int32(len(b.out.Items))
		b.items[e.Item] = item
		b.out.Items = append(b.out.Items, e.Item)
	}
	kind, ok := b.types[e.Type]
	if !ok {
		kind = uint8(len(b.out.Types))
		b.types[e.Type] = kind
		b.out.Types = append(b.out.Types, e.Type)
	}
	row := stepRow{occurred: e.Occurred.UnixNano(), known: known(e, b.o.Backfilled).UnixNano()}
	row.Step = bellwether.Step{
		Item: item, Type: kind, Channel: b.channel(e.Channel), Campaign: b.campaigns[e.Campaign],
		Quantity: int32(min(e.Quantity, math.MaxInt32)), Time: e.Occurred.Unix(),
	}
	if e.Price.Currency == main {
		row.Price = e.Price.Amount
	}
	row.prompted = b.o.Unprompted && e.Prompted()
	b.rows[p] = b.o.append(b.rows[p], row)
}

// append adds a row to a person's rows, or joins it to the last one.
func (o *SequenceOptions) append(rows []stepRow, row stepRow) []stepRow {
	last := len(rows) - 1
	if last >= 0 && rows[last].Item != row.Item {
		rows = dropPrompted(rows)
		last = len(rows) - 1
	}
	if last >= 0 && rows[last].Item == row.Item && (o.Collapse || rows[last].prompted) {
		rows[last].extend(row)
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
func (r *stepRow) extend(next stepRow) {
	r.Type, r.Quantity = next.Type, max(r.Quantity, next.Quantity)
	if next.Price != 0 {
		r.Price = next.Price
	}
	if r.Channel == 0 {
		r.Channel = next.Channel
	}
	if r.Campaign == 0 {
		r.Campaign = next.Campaign
	}
	r.known = max(r.known, next.known)
	r.prompted = r.prompted && next.prompted
}

// known is when an event could first be used.
func known(e *bellwether.Event, backfilled bool) time.Time {
	if backfilled {
		return e.Occurred
	}
	return e.Received
}

// target reports whether a step may be asked for.
func (b *sequenceBuilder) target(s stepRow) bool {
	return len(b.o.Targets) == 0 || slices.Contains(b.o.Targets, b.out.Types[s.Type])
}

func (b *sequenceBuilder) leaveOneOut() {
	for p, rows := range b.rows {
		end := len(rows)
		last := b.lastTarget(rows, end)
		if before := b.lastTarget(rows, last); before > 0 {
			b.out.Validation = append(b.out.Validation, bellwether.Target{Person: int32(p), At: int32(before)})
			b.out.Test = append(b.out.Test, bellwether.Target{Person: int32(p), At: int32(last)})
			end = before
		}
		b.emit(rows, end)
	}
}

// lastTarget returns the place of the last target before end, −1 when there is none.
func (b *sequenceBuilder) lastTarget(rows []stepRow, end int) int {
	for end--; end >= 0 && !b.target(rows[end]); end-- {
	}
	return end
}

func (b *sequenceBuilder) cutByTime() {
	first, second := b.cuts()
	for p, rows := range b.rows {
		slices.SortStableFunc(rows, func(x, y stepRow) int {
			if x.known > first || y.known > first {
				return cmp.Compare(x.known, y.known)
			}
			return 0 // both may be fitted: they are in the order of time
		})
		end := 0
		for at, row := range rows {
			switch {
			case row.known <= first:
				end = at + 1
			case row.occurred <= first || !b.target(row): // late news, or not asked for
			case row.occurred <= second:
				b.out.Validation = append(b.out.Validation, bellwether.Target{Person: int32(p), At: int32(at)})
			default:
				b.out.Test = append(b.out.Test, bellwether.Target{Person: int32(p), At: int32(at)})
			}
		}
		b.emit(rows, end)
	}
}

// cuts returns the options' cuts, or the moments by which 80 % and 90 % of the steps were known.
func (b *sequenceBuilder) cuts() (first, second int64) {
	times := make([]int64, 0, len(b.rows))
	for _, rows := range b.rows {
		for _, r := range rows {
			times = append(times, r.known)
		}
	}
	slices.Sort(times)
	at := func(t time.Time, share float64) int64 {
		if !t.IsZero() {
			return t.UnixNano()
		}
		return times[int(share*float64(len(times)-1))]
	}
	first = at(b.o.Validation, .8)
	return first, max(first, at(b.o.Test, .9))
}

func (b *sequenceBuilder) emit(rows []stepRow, end int) {
	steps := make([]bellwether.Step, len(rows))
	for i, r := range rows {
		steps[i] = r.Step
	}
	b.out.Steps, b.out.TrainEnd = append(b.out.Steps, steps), append(b.out.TrainEnd, end)
}
