package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
)

// build lays the steps out in vocabularies and cuts them.
func (s *Sequences) build() (*bellwether.Sequences, error) {
	if s.o.Test.Before(s.o.Validation) && !s.o.Test.IsZero() {
		return nil, errors.New("dataset: the test cut lies before the validation cut: swap them")
	}
	s.sample()
	if len(s.people) == 0 {
		return nil, fmt.Errorf("%w: none of %d events is a step of a sequence: import events about items, or name their types", ErrNoData, s.late.events)
	}
	if n := len(s.types.names); n > math.MaxUint8 {
		return nil, fmt.Errorf("dataset: %d types of steps, more than %d: name fewer in SequenceOptions.Types", n, math.MaxUint8)
	}
	out := &bellwether.Sequences{}
	s.sortPeople()
	convert := s.vocabularies(out)
	asked := make([]bool, len(out.Types))
	for i, t := range out.Types {
		asked[i] = len(s.o.Targets) == 0 || slices.Contains(s.o.Targets, t)
	}
	s.cut(&cutter{out: out, asked: asked}, convert)
	Describe(out, s.o.Items)
	out.Served = Offered(out.Items, s.o.Items, s.o.Exclude)
	return out, nil
}

// fewestAsked is how many people with targets after each cut make a temporal protocol.
const fewestAsked = 50

// cut gives every person's steps to c.
func (s *Sequences) cut(c *cutter, convert func([]step) []bellwether.Step) {
	temporal := s.o.Protocol == Temporal || s.o.Protocol == ByTimes && s.realTimes()
	if temporal {
		c.known = s.late.decide(s.o.Known)
		c.first, c.second = s.cuts(c.known)
	}
	if s.o.Protocol == ByTimes {
		temporal = temporal && s.asked(c)
	}
	for i := range s.people {
		steps := convert(s.people[i].steps)
		c.out.People = append(c.out.People, s.people[i].subject)
		times := s.people[i].times
		s.people[i] = member{} // its memory is for the next person's steps
		if temporal {
			c.byTime(steps, times)
		} else {
			c.leaveOneOut(steps)
		}
	}
}

// realTimes reports whether no more than half of the people begin in one second. People are in the order of their first step.
func (s *Sequences) realTimes() bool {
	most, run := 0, 0
	for i := range s.people {
		if i == 0 || s.people[i].steps[0].time != s.people[i-1].steps[0].time {
			run = 0
		}
		run++
		most = max(most, run)
	}
	return 2*most <= len(s.people)
}

// asked reports whether enough people have a step after each cut.
func (s *Sequences) asked(c *cutter) bool {
	validation, test := 0, 0
	for i := range s.people {
		v, t := false, false
		for k := range s.people[i].times {
			at := s.people[i].times[k].occurred
			v, t = v || at > c.first && at <= c.second, t || at > c.second
		}
		validation, test = validation+one(v), test+one(t)
	}
	return min(validation, test) >= fewestAsked
}

func one(is bool) int { return int(present(is)) }

// Offered is what a surface offers of items that a catalogue knows: stock is not kept over time, so that what is sold out now may be
// offered.
func Offered(items []bellwether.ItemID, catalogue map[bellwether.ItemID]*bellwether.Item, exclude bellwether.Exclude) bellwether.Offer {
	o := bellwether.Offer{Exclude: exclude}
	limited := false
	from, to := make([]int64, len(items)), make([]int64, len(items))
	for i, id := range items {
		it := catalogue[id]
		if it == nil {
			continue
		}
		if !it.From.IsZero() {
			from[i], limited = it.From.Unix(), true
		}
		if !it.To.IsZero() {
			to[i], limited = it.To.Unix(), true
		}
	}
	if limited {
		o.From, o.To = from, to
	}
	return o
}

// sortPeople puts people in the order of their first step, those of one second by their ids.
func (s *Sequences) sortPeople() {
	slices.SortFunc(s.people, func(p, q member) int {
		return cmp.Or(cmp.Compare(p.steps[0].time, q.steps[0].time), cmp.Compare(p.subject, q.subject))
	})
}

// vocabularies writes them to out and returns what turns a person's steps into theirs.
func (s *Sequences) vocabularies(out *bellwether.Sequences) func([]step) []bellwether.Step {
	for i := range s.items.first {
		s.items.first[i] = math.MaxInt64
	}
	for i := range s.people {
		for _, st := range s.people[i].steps {
			s.items.first[st.item] = min(s.items.first[st.item], st.time)
		}
	}
	var items, types, channels, marks []int32
	seen := func(n int32) bool { return s.items.first[n] < math.MaxInt64 }
	out.Items, items = s.items.vocabulary(s.items.byTime(len(s.items.names), seen), 0, -1)
	out.Types, types = s.types.vocabulary(s.types.byTime(math.MaxUint8, nil), 0, 0)
	out.Channels, channels = s.channels.vocabulary(s.channels.byTime(math.MaxUint8, nil), 1, 0)
	out.Campaigns, marks = s.campaigns.vocabulary(s.campaigns.byTime(math.MaxUint16, s.campaigns.often), 1, 0)
	return func(steps []step) []bellwether.Step {
		to := make([]bellwether.Step, len(steps))
		for i, st := range steps {
			to[i] = bellwether.Step{Item: items[st.item], Type: uint8(types[st.kind]), Bought: st.bought, Quantity: st.quantity, Price: st.price, Time: st.time}
			if st.channel > 0 {
				to[i].Channel = uint8(channels[st.channel-1])
			}
			if st.campaign > 0 {
				to[i].Campaign = uint16(marks[st.campaign-1])
			}
		}
		return to
	}
}

// cuts returns the options' cuts, or the moments by which 80 % and 90 % of the steps were known.
func (s *Sequences) cuts(by Known) (first, second int64) {
	var known []int64
	if s.o.Validation.IsZero() || s.o.Test.IsZero() {
		n := 0
		for i := range s.people {
			n += len(s.people[i].times)
		}
		known = make([]int64, 0, n)
		for i := range s.people {
			for k := range s.people[i].times {
				known = append(known, s.people[i].times[k].known(by))
			}
		}
		slices.Sort(known)
	}
	at := func(t time.Time, share float64) int64 {
		if !t.IsZero() {
			return t.UnixNano()
		}
		return known[int(share*float64(len(known)-1))]
	}
	first = at(s.o.Validation, .8)
	return first, max(first, at(s.o.Test, .9))
}

// cutter adds people to out, one after the other.
type cutter struct {
	out           *bellwether.Sequences
	asked         []bool // by type: it may be a target
	known         Known
	first, second int64
}

func (c *cutter) emit(steps []bellwether.Step, end int) {
	c.out.Steps, c.out.TrainEnd = append(c.out.Steps, steps), append(c.out.TrainEnd, end)
}

func (c *cutter) leaveOneOut(steps []bellwether.Step) {
	end := len(steps)
	last := c.lastTarget(steps, end)
	if before := c.lastTarget(steps, last); before > 0 {
		c.out.Validation = append(c.out.Validation, c.target(before))
		c.out.Test = append(c.out.Test, c.target(last))
		end = before
	}
	c.emit(steps, end)
}

// target is one of the person who is added next.
func (c *cutter) target(at int) bellwether.Target {
	return bellwether.Target{Person: int32(len(c.out.Steps)), At: int32(at)}
}

// lastTarget returns the place of the last target before end, −1 when there is none.
func (c *cutter) lastTarget(steps []bellwether.Step, end int) int {
	for end--; end >= 0 && !c.asked[steps[end].Type]; end-- {
	}
	return end
}

func (c *cutter) byTime(steps []bellwether.Step, times []moments) {
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		a, b := times[x].known(c.known), times[y].known(c.known)
		if a > c.first || b > c.first {
			return cmp.Compare(a, b)
		}
		return 0 // both may be fitted: they are in the order of time
	})
	sorted, end := make([]bellwether.Step, len(steps)), 0
	for at, from := range order {
		sorted[at] = steps[from]
		switch occurred := times[from].occurred; {
		case times[from].known(c.known) <= c.first:
			end = at + 1
		case occurred <= c.first || !c.asked[steps[from].Type]: // late news, or not asked for
		case occurred <= c.second:
			c.out.Validation = append(c.out.Validation, c.target(at))
		default:
			c.out.Test = append(c.out.Test, c.target(at))
		}
	}
	c.emit(sorted, end)
}
