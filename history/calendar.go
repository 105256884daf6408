package history

import (
	"cmp"
	"slices"
	"time"

	"bellwether"
)

// calendarDays is how many of the newest days a Calendar names.
const calendarDays = 366

// Calendar is how many clean events there are by day and by type.
type Calendar struct {
	First time.Time  `json:"first,omitzero"`
	Last  time.Time  `json:"last,omitzero"`
	Days  []DayCount `json:"days,omitempty"`  // with events, oldest first; the newest 366
	Types []OfType   `json:"types,omitempty"` // most first
}

// DayCount is the events of one day in UTC.
type DayCount struct {
	Day    time.Time `json:"day"`
	Events int64     `json:"events"`
}

// OfType is the events of one type.
type OfType struct {
	Type   bellwether.EventType `json:"type"`
	Events int64                `json:"events"`
	Last   time.Time            `json:"last"`
}

// CalendarCounter is the reducer that counts a Calendar. Its zero value is ready.
type CalendarCounter struct {
	Calendar // once Done was called
	days     map[int64]int64
	types    map[bellwether.EventType]*OfType
}

// Fork implements [Reducer].
func (c *CalendarCounter) Fork() Reducer { return new(CalendarCounter) }

// Add implements [Reducer].
func (c *CalendarCounter) Add(p *Person) error {
	for i := range p.Events {
		e := &p.Events[i]
		c.add(dayOf(e.Occurred), e.Type, 1, e.Occurred)
		c.span(e.Occurred, e.Occurred)
	}
	return nil
}

func (c *CalendarCounter) add(day int64, t bellwether.EventType, n int64, last time.Time) {
	if c.days == nil {
		c.days, c.types = map[int64]int64{}, map[bellwether.EventType]*OfType{}
	}
	c.days[day] += n
	c.ofType(t, n, last)
}

func (c *CalendarCounter) ofType(t bellwether.EventType, n int64, last time.Time) {
	row := c.types[t]
	if row == nil {
		t = bellwether.EventType([]byte(t)) // the pass takes its strings back
		row = &OfType{Type: t}
		c.types[t] = row
	}
	row.Events += n
	if last.After(row.Last) {
		row.Last = last
	}
}

func (c *CalendarCounter) span(first, last time.Time) {
	if c.First.IsZero() || first.Before(c.First) {
		c.First = first
	}
	if last.After(c.Last) {
		c.Last = last
	}
}

// Merge implements [Reducer].
func (c *CalendarCounter) Merge(next Reducer) error {
	o := next.(*CalendarCounter)
	if len(o.days) == 0 {
		return nil
	}
	if c.days == nil {
		c.days, c.types = map[int64]int64{}, map[bellwether.EventType]*OfType{}
	}
	for day, n := range o.days {
		c.days[day] += n
	}
	for t, row := range o.types {
		c.ofType(t, row.Events, row.Last)
	}
	c.span(o.First, o.Last)
	return nil
}

// Done implements [Reducer].
func (c *CalendarCounter) Done() error {
	for day, n := range c.days {
		c.Days = append(c.Days, DayCount{time.Unix(day*86400, 0).UTC(), n})
	}
	slices.SortFunc(c.Days, func(a, b DayCount) int { return a.Day.Compare(b.Day) })
	c.Days = c.Days[max(0, len(c.Days)-calendarDays):]
	for _, row := range c.types {
		c.Types = append(c.Types, *row)
	}
	slices.SortFunc(c.Types, func(a, b OfType) int { return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Type, b.Type)) })
	return nil
}
