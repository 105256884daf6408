package pipeline

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"bellwether"
	"bellwether/collect"
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

func TestOutlook(t *testing.T) {
	s := newShop(t)
	if _, err := s.engine.Outlook(t.Context(), "p1"); !errors.Is(err, ErrNoRun) {
		t.Errorf("without a model: %v", err)
	}
	s.catalogue(30)
	for day := range 12 { // later and later
		at := begin.Add(time.Duration(day*day) * 24 * time.Hour)
		s.now.Store(at.Add(time.Hour).UnixNano())
		var in []collect.Incoming
		for p := range 60 {
			kind := []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}[(p+day)%2]
			e := bellwether.Event{ID: bellwether.EventID(fmt.Sprint(p, "/", day)), Type: kind, Subject: name(p), Item: item((p + day) % 30), Occurred: at.Add(time.Duration(p*day) * time.Minute)}
			in = append(in, collect.Incoming{Event: e, Source: "test"})
		}
		if _, err := s.engine.Collector.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	s.flush()
	r, err := s.engine.Turn(t.Context(), nil)
	if err != nil || s.engine.Service.Current("recommend") == nil {
		t.Fatalf("%+v: %v", r, err)
	}
	o, err := s.engine.Outlook(t.Context(), name(1))
	if err != nil {
		t.Fatal(err)
	}
	sum, last := 0.0, 0.0
	for _, p := range o.Types {
		sum += p
	}
	for _, w := range o.Within {
		if w.Probability < last || w.Probability > 1 {
			t.Errorf("%v: probabilities within longer times must grow", o.Within)
		}
		last = w.Probability
	}
	if o.Model != s.engine.Service.Current("recommend").Version || len(o.Types) < 2 || math.Abs(sum-1) > 1e-6 || len(o.Within) != len(horizons) || last == 0 {
		t.Errorf("%+v", o)
	}
	if _, err := s.engine.Outlook(t.Context(), "nobody"); !errors.Is(err, ErrStranger) {
		t.Errorf("of a stranger: %v", err)
	}
}
