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
		for p := range 400 {
			kind := []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}[(p+day)%2]
			events = append(events, bellwether.Event{
				ID: bellwether.EventID(fmt.Sprint(p, "/", day)), Type: kind, Subject: apptest.Person(p), Item: apptest.Item((p + day) % 30),
				Occurred: at.Add(time.Duration(p*day) * time.Minute),
			})
		}
		s.Accept(events...)
	}
	s.Training.Epochs = 8
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
