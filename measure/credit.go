package measure

import (
	"slices"
	"time"

	"bellwether"
)

// touch is a decision with what is credited to it so far.
type touch struct {
	outcome bellwether.Outcome
	anyItem bool        // the action is not an item: what the person does with any item may follow from it
	clicked []time.Time // by position, zero: not clicked
}

// shows reports whether e can follow from t, and at which position: an event without an
// item, or an action that is no item, has none in particular.
func (t *touch) shows(e *bellwether.Event) (position int, ok bool) {
	actions := t.outcome.Actions
	switch {
	case t.anyItem:
		return 0, true
	case e.Item == "" && e.Position >= 1 && int(e.Position) <= len(actions):
		return int(e.Position) - 1, true
	case e.Item == "":
		return -1, true
	}
	position = slices.Index(actions, string(e.Item))
	return position, position >= 0
}

func (t *touch) within(at time.Time, window time.Duration) bool {
	return within(t.outcome.Time, at, window)
}

// within reports whether at lies in the window that begins at from.
func within(from, at time.Time, window time.Duration) bool {
	return !at.Before(from) && at.Sub(from) <= window
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

// credit adds e to the outcome.
func (t *touch) credit(e *bellwether.Event, kind part, s sale, position int) {
	if kind == exposure {
		if t.outcome.Exposed.IsZero() {
			t.outcome.Exposed = e.Occurred
		}
		return
	}
	t.outcome.Events = append(t.outcome.Events, e.ID)
	if t.outcome.Rewards == nil {
		t.outcome.Rewards = map[string]float64{}
	}
	switch kind {
	case click:
		t.click(position, e.Occurred)
		t.reward(Click, position, 1, true)
	case conversion:
		t.reward(Conversion, position, 1, true)
		t.reward(Revenue, position, s.revenue, false)
		t.reward(Margin, position, s.margin, false)
	case refund:
		t.reward(Revenue, position, s.revenue, false)
		t.reward(Margin, position, s.margin, false)
	case engagement:
		t.reward(Engagement, position, e.Value, false)
	case answer:
		t.outcome.Rewards[Satisfaction] = e.Value
	}
}

// reward adds to the reward of the decision, and of the position of a slate.
func (t *touch) reward(metric string, position int, change float64, binary bool) {
	o := &t.outcome
	o.Rewards[metric] = add(o.Rewards[metric], change, binary)
	if !o.Slate || position < 0 {
		return
	}
	if o.Positions == nil {
		o.Positions = map[string][]float64{}
	}
	if o.Positions[metric] == nil {
		o.Positions[metric] = make([]float64, len(o.Actions))
	}
	o.Positions[metric][position] = add(o.Positions[metric][position], change, binary)
}

func add(v, change float64, binary bool) float64 {
	if binary {
		return change
	}
	return v + change
}

func (t *touch) click(position int, at time.Time) {
	if position < 0 {
		return // on a slate, and not said on what
	}
	if t.clicked == nil {
		t.clicked = make([]time.Time, len(t.outcome.Actions))
	}
	t.clicked[position] = at
}
