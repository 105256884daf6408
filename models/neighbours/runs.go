package neighbours

import (
	"errors"
	"fmt"
	"math"

	"bellwether"
)

// longest bounds the distinct items of one person that are paired with each other, so that a
// robot's history of n items does not cost n² pairs; the newest are kept.
const longest = 1000

// runs is the training part of all histories end to end, with the places of each item in it.
type runs struct {
	items []int32 // −1 stands before the first and after each person's last
	start []int   // places of item i are at[start[i]:start[i+1]]
	at    []int32
}

func (r *runs) places(item int) []int32 { return r.at[r.start[item]:r.start[item+1]] }

// check reports sequences that cannot be fitted.
func check(d *bellwether.Dataset) (*bellwether.Sequences, error) {
	if d == nil || d.Sequences == nil {
		return nil, errors.New("the dataset has no sequences; it takes the history of people as sequences")
	}
	q := d.Sequences
	if len(q.Items) == 0 {
		return nil, errors.New("the dataset has no items; import events that name an item")
	}
	if len(q.TrainEnd) != len(q.Steps) {
		return nil, fmt.Errorf("the dataset has %d histories but %d training ends", len(q.Steps), len(q.TrainEnd))
	}
	for p, steps := range q.Steps {
		if end := q.TrainEnd[p]; end < 0 || end > len(steps) {
			return nil, fmt.Errorf("history %d has %d steps, its training part ends at %d", p, len(steps), end)
		}
		for s, step := range steps {
			if int(step.Item) >= len(q.Items) || step.Item < -1 {
				return nil, fmt.Errorf("history %d, step %d has item %d, the vocabulary ends at %d", p, s, step.Item, len(q.Items)-1)
			}
		}
	}
	if q.Count() > math.MaxInt32/2 {
		return nil, fmt.Errorf("%d steps are too many for one table of neighbours; choose a shorter period", q.Count())
	}
	return q, nil
}

// ordered keeps every known step in order.
func ordered(q *bellwether.Sequences) *runs {
	r := &runs{items: []int32{-1}}
	for p, steps := range q.Steps {
		for _, s := range steps[:q.TrainEnd[p]] {
			if s.Item >= 0 {
				r.items = append(r.items, s.Item)
			}
		}
		r.items = append(r.items, -1)
	}
	return r.index(len(q.Items))
}

// distinct keeps each of a person's items once.
func distinct(q *bellwether.Sequences) *runs {
	r := &runs{items: []int32{-1}}
	seen := make([]int32, len(q.Items)) // the last person, counted from 1, who had the item
	for p, steps := range q.Steps {
		count := 0
		for s := q.TrainEnd[p] - 1; s >= 0 && count < longest; s-- {
			if item := steps[s].Item; item >= 0 && seen[item] != int32(p+1) {
				seen[item] = int32(p + 1)
				r.items = append(r.items, item)
				count++
			}
		}
		r.items = append(r.items, -1)
	}
	return r.index(len(q.Items))
}

// pairs counts the other items of the person at whose item a place is.
func (r *runs) pairs(a *accumulator, at int) {
	for k := at - 1; r.items[k] >= 0; k-- {
		a.add(r.items[k], 1)
	}
	for k := at + 1; r.items[k] >= 0; k++ {
		a.add(r.items[k], 1)
	}
}

// index notes the places of each of n items.
func (r *runs) index(n int) *runs {
	r.start = make([]int, n+1)
	for _, i := range r.items {
		if i >= 0 {
			r.start[i+1]++
		}
	}
	for i := range n {
		r.start[i+1] += r.start[i]
	}
	r.at = make([]int32, r.start[n])
	next := append([]int(nil), r.start...)
	for at, i := range r.items {
		if i >= 0 {
			r.at[next[i]] = int32(at)
			next[i]++
		}
	}
	return r
}
