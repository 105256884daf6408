package lake

import (
	"sync"
	"time"
)

// A row of an old day changes when its device signs in, and for one row in a thousand its day's file would be written anew. So days in
// which few rows changed, and of which none came or went, wait until there are more of them. A day waits with all of its buckets or
// with none: where rows went from one person to another, they are with the one or with the other, never with both.

// Few is the share of a day's rows that usually may be under the device that somebody signed in on since, until an export asks for the files.
const Few = .01

// touched counts what changed in a day: the rows of people whose rows are not the same, and how many more there are.
type touched struct{ rows, more int64 }

// waiting returns the days that wait: none while a bucket is written anew, nor after a pass that found many changes.
func (w *Writer) waiting(m *Manifest) (map[day]bool, error) {
	people := 0
	for i := range w.before {
		if w.before[i].lost {
			return nil, nil
		}
		people += len(w.before[i].hashes)
	}
	if w.o.Wait <= 0 || w.spilled.Load() > int64(people/4) {
		return nil, nil
	}
	all, wait := make(map[day]touched), make(map[day]bool)
	var mu sync.Mutex // guards all
	err := w.parallel(func(_ *files, bucket int) error {
		c, err := w.change(bucket) // read again when it is applied: all of them together are too much to hold
		if err != nil || c == nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for d, t := range c.dirty {
			sum := all[d]
			all[d] = touched{sum.rows + t.rows, sum.more + t.more}
		}
		return nil
	})
	for d, t := range all {
		if t.more == 0 && float64(t.rows) <= w.o.Wait*float64(m.rows(d)) {
			wait[d] = true
			w.report.Waiting += t.rows
		}
	}
	return wait, err
}

// rows is how many rows there are of a day.
func (m *Manifest) rows(d day) (n int64) {
	table := m.Tables[tables[d.table]]
	if table == nil {
		return 0
	}
	for _, rows := range table.Days[dateOf(d)] {
		n += rows
	}
	return n
}

// dateOf is a day as it is written.
func dateOf(d day) string { return time.Unix(int64(d.day)*86_400, 0).UTC().Format(time.DateOnly) }

// compare finds the days on which rows came, changed or went.
func compare(before *state, fresh []known, gone map[uint64]bool) map[day]touched {
	dirty := make(map[day]touched)
	mark := func(d day, was, is *day) {
		if same(was, is) {
			return
		}
		old, now := rowsOn(was), rowsOn(is)
		t := dirty[d]
		dirty[d] = touched{t.rows + max(old, now), t.more + now - old}
	}
	for i := range fresh {
		var old []day
		if k, ok := before.find(fresh[i].hash); ok {
			old = k.days
		}
		pair(old, fresh[i].days, mark)
	}
	for i := range before.people {
		if k := &before.people[i]; gone[k.hash] {
			pair(k.days, nil, mark)
		}
	}
	return dirty
}

func same(was, is *day) bool { return was != nil && is != nil && was.digest == is.digest }

func rowsOn(d *day) int64 {
	if d == nil {
		return 0
	}
	return int64(d.rows)
}

// pair calls do with each day of a and b, both in order; nil stands for the one that lacks it.
func pair(a, b []day, do func(d day, in, and *day)) {
	for len(a) > 0 || len(b) > 0 {
		order := 0
		switch {
		case len(b) == 0:
			order = -1
		case len(a) == 0:
			order = 1
		default:
			order = compareDays(a[0], b[0])
		}
		var in, and *day
		var d day
		if order <= 0 {
			in, d, a = &a[0], a[0], a[1:]
		}
		if order >= 0 {
			and, d, b = &b[0], b[0], b[1:]
		}
		do(day{table: d.table, day: d.day}, in, and)
	}
}

// after is what is known from now on: of days that wait what was known before, and of people who have such days that they differ.
func (c *change) after(wait map[day]bool) *state {
	after, next := new(state), c.fresh
	for i := range c.before.people {
		k := &c.before.people[i]
		for len(next) > 0 && next[0].hash < k.hash {
			after.add(late(nil, next[0], wait))
			next = next[1:]
		}
		switch {
		case len(next) > 0 && next[0].hash == k.hash:
			after.add(late(k.days, next[0], wait))
			next = next[1:]
		case c.gone[k.hash]:
			after.add(late(k.days, known{hash: k.hash}, wait))
		default:
			after.people = append(after.people, *k)
		}
	}
	for _, f := range next {
		after.add(late(nil, f, wait))
	}
	return after
}

// add adds a person, but nobody of whom there is nothing.
func (s *state) add(k known) {
	if len(k.days) > 0 || k.digest != 0 {
		s.people = append(s.people, k)
	}
}

// late is a person with the days that wait as they were; then the digest is nobody's, so that the next pass looks again.
func late(old []day, now known, wait map[day]bool) known {
	var days []day
	pair(old, now.days, func(d day, was, is *day) {
		if wait[d] && !same(was, is) {
			is, now.digest = was, 0
		}
		if is != nil {
			days = append(days, *is)
		}
	})
	now.days = days
	return now
}
