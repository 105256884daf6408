package measure

import (
	"time"

	"bellwether"
)

// expose notes when the person saw the decision.
func (j *Joined) expose(e *bellwether.Event, at place) {
	if at == nowhere {
		return
	}
	if o := &j.Outcomes[at.decision]; o.Exposed.IsZero() {
		o.Exposed = e.Occurred
	}
}

// apply adds e to the decision's rewards, or to the organic outcomes.
func (j *Joined) apply(e *bellwether.Event, p part, at place) {
	var s sale
	if p == conversion || p == refund {
		s = j.options.Prices.sale(e)
		j.count(s)
	}
	if at == nowhere {
		j.Organic = append(j.Organic, e.ID)
		j.Counts.Organic++
		return
	}
	o, t := &j.Outcomes[at.decision], &j.touches[at.decision]
	o.Events = append(o.Events, e.ID)
	j.Counts.Credited++
	set := func(metric string, change float64, binary bool) {
		o.Rewards[metric] = add(o.Rewards[metric], change, binary)
		t.addAt(metric, at.position, change, binary)
	}
	switch p {
	case click:
		t.click(at.position, e.Occurred)
		set(Click, 1, true)
	case conversion:
		set(Conversion, 1, true)
		set(Revenue, s.revenue, false)
		set(Margin, s.margin, false)
	case refund:
		set(Revenue, s.revenue, false)
		set(Margin, s.margin, false)
	case engagement:
		set(Engagement, e.Value, false)
	case answer:
		o.Rewards[Satisfaction] = e.Value
	}
}

func add(v, change float64, binary bool) float64 {
	if binary {
		return change
	}
	return v + change
}

// addAt adds to the reward of one position of a slate.
func (t *touch) addAt(metric string, position int, change float64, binary bool) {
	if !t.slate || position < 0 {
		return
	}
	if t.positions == nil {
		t.positions = map[string][]float64{}
	}
	if t.positions[metric] == nil {
		t.positions[metric] = make([]float64, len(t.actions))
	}
	t.positions[metric][position] = add(t.positions[metric][position], change, binary)
}

func (t *touch) click(position int, at time.Time) {
	if position < 0 {
		return // on a slate, and not said on what
	}
	if t.clicked == nil {
		t.clicked = make([]time.Time, len(t.actions))
	}
	t.clicked[position] = at
}

func (j *Joined) count(s sale) {
	if s.noRate {
		j.Counts.NoRate++
	}
	if s.noCost {
		j.Counts.NoCost++
	}
}

// Reward is what one mature decision earned in one metric.
type Reward struct {
	Total     float64
	Positions []float64 // of a slate, by position; nil for a single action
}

// Reward returns the rewards of mature decisions in a metric, for [Values]. ok is false for
// decisions that are immature or unknown.
func (j *Joined) Reward(metric string) func(bellwether.DecisionID) (r Reward, ok bool) {
	return func(id bellwether.DecisionID) (Reward, bool) {
		i, known := j.index[id]
		if !known || !j.Outcomes[i].Matured {
			return Reward{}, false
		}
		r := Reward{Total: j.Outcomes[i].Rewards[metric]}
		if t := &j.touches[i]; t.slate {
			if r.Positions = t.positions[metric]; r.Positions == nil {
				r.Positions = make([]float64, len(t.actions))
			}
		}
		return r, true
	}
}

// Checks reports what of the join limits its use.
func (j *Joined) Checks() []Check {
	c := j.Counts
	return []Check{
		check("decisions named by outcomes are in the log", c.Unknown > 0, Warning, float64(c.Unknown), 0,
			"outcomes that name an unknown decision are kept as organic; see that the log reaches back far enough"),
		check("every sale has an exchange rate", c.NoRate > 0, Warning, float64(c.NoRate), 0,
			"sales in a currency without a rate are left out; add the rate"),
		check("every item sold has a cost", c.NoCost > 0, Warning, float64(c.NoCost), 0,
			"sales of items without a cost add nothing to the margin; import the cost"),
	}
}
