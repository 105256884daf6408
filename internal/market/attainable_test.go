//go:build slow

package market

import (
	"math"
	"testing"

	"bellwether"
)

// A demo's size follows from what personalisation can bring and from how much customers differ. This test prints
// both, for a recommender as plain as item-kNN and for the oracle, and holds that the market rewards knowing people.
//
// A world lives warm days with bestsellers; then each arm lives through the others.
func TestAttainableLift(t *testing.T) {
	const warm, days = 30, 90
	for seed := uint64(1); seed <= 3; seed++ {
		w := mustNew(t, Sized(4000, 200, days), seed)
		a := newArms(t, w, warm)
		base := a.margins(t, func(int, []Event, State) []int { return a.popular })
		mean, sd := moments(base)
		t.Logf("%s: margin after day %d per customer seen since: %.0f, CV %.2f, n %d", w.Name(), warm, mean, sd/mean, len(base))
		for _, arm := range []struct {
			name  string
			slate func(i int, history []Event, s State) []int
			least float64
		}{
			{"item-kNN", func(_ int, history []Event, _ State) []int { return top(a.score(history, false), 10) }, .10},
			{"item-kNN, bought ones excluded", func(_ int, history []Event, _ State) []int { return top(a.score(history, true), 10) }, 0},
			{"oracle", func(i int, _ []Event, s State) []int { return top(w.NextItem(i, warm, s), 10) }, .25},
		} {
			m := a.margins(t, arm.slate)
			got, gotSD := moments(m)
			diff := make([]float64, len(m))
			for k := range m {
				diff[k] = m[k] - base[k]
			}
			_, effectSD := moments(diff)
			lift := got/mean - 1
			t.Logf("  %-32s lift %+.3f, CV %.2f, sd of the effect %.2f of the mean", arm.name, lift, gotSD/got, effectSD/mean)
			if lift < arm.least {
				t.Errorf("%s lifts by %.3f, want %.2f or more", arm.name, lift, arm.least)
			}
		}
	}
}

// arms are what the lives after the warm days share.
type arms struct {
	w         *World
	warm      int
	states    []State
	histories [][]Event
	popular   []int
	count     []float64
	together  [][]float64 // views of two items by one customer within five views, weighted 1/lag
}

func newArms(t *testing.T, w *World, warm int) *arms {
	a := &arms{
		w: w, warm: warm, states: make([]State, len(w.Customers)), histories: make([][]Event, len(w.Customers)),
		count: make([]float64, len(w.Items)), together: make([][]float64, len(w.Items)),
	}
	for j := range a.together {
		a.together[j] = make([]float64, len(w.Items))
	}
	first := Fixed{Items: w.Bestsellers(10)}
	for i := range w.Customers {
		for day := range warm {
			events, s, err := w.Day(i, day, a.states[i], first)
			if err != nil {
				t.Fatal(err)
			}
			a.states[i], a.histories[i] = s, append(a.histories[i], views(events)...)
		}
		a.learn(a.histories[i])
	}
	a.popular = top(a.count, 10)
	return a
}

// views are the events that a recommender learns from.
func views(events []Event) []Event {
	var out []Event
	for _, e := range events {
		if e.Type == bellwether.ViewItem || e.Type == bellwether.Purchase {
			out = append(out, e)
		}
	}
	return out
}

func (a *arms) learn(history []Event) {
	var last []int
	for _, e := range history {
		if e.Type != bellwether.ViewItem || e.Slate {
			continue
		}
		a.count[e.Item]++
		for lag := range min(5, len(last)) {
			j := last[len(last)-1-lag]
			a.together[j][e.Item] += 1 / float64(lag+1)
			a.together[e.Item][j] += 1 / float64(lag+1)
		}
		last = append(last, e.Item)
	}
}

// score is item-kNN over the last 20 organic views.
func (a *arms) score(history []Event, exclude bool) []float64 {
	out := make([]float64, len(a.count))
	for j := range out {
		out[j] = 1e-9 * a.count[j]
	}
	weight := 1.0
	for k := len(history) - 1; k >= 0 && weight > .1; k-- {
		if e := &history[k]; e.Type == bellwether.ViewItem && !e.Slate {
			for j := range out {
				out[j] += weight * a.together[e.Item][j] / (math.Sqrt(a.count[e.Item]*a.count[j]) + 10)
			}
			weight *= .9
		}
	}
	if exclude {
		for k := range history {
			if history[k].Type == bellwether.Purchase {
				out[history[k].Item] = -1
			}
		}
	}
	return out
}

// margins are what the customers who visit after the warm days earn from then on.
func (a *arms) margins(t *testing.T, slate func(i int, history []Event, s State) []int) []float64 {
	var out []float64
	for i := range a.w.Customers {
		l := &living{slate: slate, history: append([]Event(nil), a.histories[i]...)}
		s, sum := a.states[i], int64(0)
		for day := a.warm; day < a.w.Days; day++ {
			events, next, err := a.w.Day(i, day, s, l)
			if err != nil {
				t.Fatal(err)
			}
			s, sum = next, sum+a.w.Margin(events)
			l.history = append(l.history, views(events)...)
		}
		if l.asked {
			out = append(out, float64(sum))
		}
	}
	return out
}

// living is the host of one customer.
type living struct {
	slate   func(i int, history []Event, s State) []int
	history []Event
	asked   bool
}

func (l *living) Slate(q Question) ([]int, error) {
	l.asked = true
	return l.slate(q.Customer, l.history, q.State), nil
}

func (l *living) Contact(Question) (bool, error) { l.asked = true; return false, nil }

func moments(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, math.Sqrt(sd)
}
