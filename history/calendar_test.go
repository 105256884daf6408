package history

import (
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// TestCalendar: counting people in two parts gives what counting by hand does.
func TestCalendar(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	event := func(kind bellwether.EventType, when time.Time) bellwether.Event {
		return bellwether.Event{Type: kind, Occurred: when}
	}
	people := []*Person{
		{Events: []bellwether.Event{event(bellwether.ViewItem, at(1, 9)), event(bellwether.Purchase, at(3, 23))}},
		{Events: []bellwether.Event{event(bellwether.ViewItem, at(3, 0))}},
		{},
	}
	var c CalendarCounter
	for _, p := range people {
		f := c.Fork()
		if err := f.Add(p); err != nil {
			t.Fatal(err)
		}
		if err := c.Merge(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Done(); err != nil {
		t.Fatal(err)
	}
	want := Calendar{
		First: at(1, 9), Last: at(3, 23), Days: []DayCount{{at(1, 0), 1}, {at(3, 0), 2}},
		Types: []OfType{{bellwether.ViewItem, 2, at(3, 0)}, {bellwether.Purchase, 1, at(3, 23)}},
	}
	if d := cmp.Diff(want, c.Calendar); d != "" {
		t.Error(d)
	}
}
