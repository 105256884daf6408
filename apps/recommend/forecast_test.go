package recommend

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/internal/apptest"
	"bellwether/learn"
)

// Bucket 1 is a wait of 1 to 2 seconds, 2 of 2 to 4, 3 of 4 to 8.
func TestWithin(t *testing.T) {
	waits := make([]float64, 32)
	waits[1], waits[2], waits[31] = .5, .25, .25
	for _, c := range []struct{ gone, seconds, want float64 }{
		{0, 1, 0},
		{0, 2, .5},
		{0, math.Sqrt2, .25},
		{0, 4, .75},
		{0, 1e6, .75},
		{0, 1e12, 1},
		{2, 2, .5},
		{4, 1e6, 0},
		{4, 1e12, 1},
		{1e12, 1, 1},
	} {
		if got := within(waits, c.gone, c.seconds); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("within %g s after %g: %g, want %g", c.seconds, c.gone, got, c.want)
		}
	}
}

func TestForecast(t *testing.T) {
	s := apptest.Open(t, Application())
	if _, err := NextSteps(t.Context(), s.Project, "p1"); !errors.Is(err, learn.ErrNoModel) {
		t.Errorf("without a model: %v", err)
	}
	s.Catalogue(30)
	for day := range 12 { // later and later
		at := apptest.Begin.Add(time.Duration(day*day) * 24 * time.Hour)
		s.SetClock(at.Add(time.Hour))
		var events []bellwether.Event
		for p := range 60 {
			kind := []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}[(p+day)%2]
			events = append(events, bellwether.Event{
				ID: bellwether.EventID(fmt.Sprint(p, "/", day)), Type: kind, Subject: apptest.Person(p), Item: apptest.Item((p + day) % 30),
				Occurred: at.Add(time.Duration(p*day) * time.Minute),
			})
		}
		s.Accept(events...)
	}
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	v, err := s.Registry.Serving(Name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NextSteps(t.Context(), s.Project, apptest.Person(1))
	if err != nil {
		t.Fatal(err)
	}
	sum, last := 0.0, 0.0
	for _, p := range f.Types {
		sum += p
	}
	for _, w := range f.Within {
		if w.Probability < last || w.Probability > 1 {
			t.Errorf("%v: probabilities within longer times must grow", f.Within)
		}
		last = w.Probability
	}
	if f.Model != v.Version || len(f.Types) < 2 || math.Abs(sum-1) > 1e-6 || len(f.Within) != len(horizons) || last == 0 {
		t.Errorf("%+v", f)
	}
	if _, err := NextSteps(t.Context(), s.Project, "nobody"); !errors.Is(err, app.ErrUnknownPerson) {
		t.Errorf("of somebody unknown: %v", err)
	}
}
