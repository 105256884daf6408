package measure

import (
	"slices"
	"strings"

	"bellwether"
)

// DefaultSample is how many of a surface's newest mature decisions are kept to value policies on.
const DefaultSample = 5000

// newest keeps the newest mature decisions of a surface: mature first, then newest, so that a busy
// surface, whose newest decisions are all immature, is valued too.
type newest struct {
	limit int
	kept  []earned // up to twice the limit
	floor int64    // older ones are not among the newest any more
}

// earned is one mature decision and what it brought, small enough to keep thousands.
type earned struct {
	at      int64 // Unix nanoseconds
	id      bellwether.DecisionID
	places  int32 // of a slate; 0: a single action
	rewards []rewarded
}

// rewarded is a reward that is not 0.
type rewarded struct {
	metric uint8 // index in rewardNames
	place  int16 // −1: of the whole
	value  float64
}

var rewardNames = []string{Click, Conversion, Revenue, Margin, Engagement, Satisfaction}

// add keeps a copy of o if it is among the newest.
func (n *newest) add(o *bellwether.Outcome) {
	at := o.Time.UnixNano()
	if at < n.floor {
		return
	}
	e := earned{at: at, id: bellwether.DecisionID(strings.Clone(string(o.Decision)))}
	if o.Slate {
		e.places = int32(len(o.Actions))
	}
	for m, name := range rewardNames {
		if v, ok := o.Rewards[name]; ok && v != 0 {
			e.rewards = append(e.rewards, rewarded{uint8(m), -1, v})
		}
		for k, v := range o.Positions[name] {
			if v != 0 {
				e.rewards = append(e.rewards, rewarded{uint8(m), int16(k), v})
			}
		}
	}
	n.push(e)
}

func (n *newest) push(e earned) {
	if n.kept = append(n.kept, e); len(n.kept) >= 2*n.limit {
		n.trim()
	}
}

// trim drops all but the newest, ties by id, and leaves them with the newest first.
func (n *newest) trim() {
	slices.SortFunc(n.kept, func(a, b earned) int {
		switch {
		case a.at > b.at:
			return -1
		case a.at < b.at:
			return 1
		}
		return strings.Compare(string(b.id), string(a.id))
	})
	if len(n.kept) > n.limit {
		clear(n.kept[n.limit:])
		n.kept = n.kept[:n.limit]
		n.floor = n.kept[n.limit-1].at
	}
}

func (n *newest) merge(o *newest) {
	for _, e := range o.kept {
		if e.at >= n.floor {
			n.push(e)
		}
	}
}

// Sample is a surface's newest decisions with mature outcomes, people in the holdout left out.
type Sample struct {
	surface bellwether.Surface
	newest  *newest
	index   map[bellwether.DecisionID]int32
}

// IDs names the decisions, the oldest first.
func (s *Sample) IDs() []bellwether.DecisionID {
	out := make([]bellwether.DecisionID, len(s.newest.kept))
	for i, e := range s.newest.kept {
		out[len(out)-1-i] = e.id
	}
	return out
}

// Reward returns the decisions' rewards in a metric, for [Values]. ok is false for others.
func (s *Sample) Reward(metric string) func(bellwether.DecisionID) (r Reward, ok bool) {
	m := slices.Index(rewardNames, metric)
	return func(id bellwether.DecisionID) (Reward, bool) {
		i, known := s.index[id]
		if !known {
			return Reward{}, false
		}
		e := &s.newest.kept[i]
		r := Reward{}
		if e.places > 0 {
			r.Positions = make([]float64, e.places)
		}
		for _, w := range e.rewards {
			switch {
			case int(w.metric) != m:
			case w.place < 0:
				r.Total = w.value
			default:
				r.Positions[w.place] = w.value
			}
		}
		return r, true
	}
}

func (n *newest) sample(surface bellwether.Surface) *Sample {
	n.trim()
	s := &Sample{surface: surface, newest: n, index: make(map[bellwether.DecisionID]int32, len(n.kept))}
	for i := range n.kept {
		s.index[n.kept[i].id] = int32(i)
	}
	return s
}

// RewardOf is what an outcome brought in a metric.
func RewardOf(o *bellwether.Outcome, metric string) Reward {
	r := Reward{Total: o.Rewards[metric]}
	if o.Slate {
		if r.Positions = o.Positions[metric]; r.Positions == nil {
			r.Positions = make([]float64, len(o.Actions))
		}
	}
	return r
}

// Reward is what one mature decision earned in one metric.
type Reward struct {
	Total     float64
	Positions []float64 // of a slate, by position; nil for a single action
}
