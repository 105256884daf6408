package learn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bellwether"
)

// TestFitAll: each candidate is told what came before it and what is left of the time; what the data do not allow is passed over.
func TestFitAll(t *testing.T) {
	now := begin
	var left []float64
	candidate := func(name string, err error) Candidate {
		return Candidate{Name: name, Train: func(_ context.Context, f Fitting) (bellwether.Model, error) {
			left = append(left, f.Left)
			if got, want := f.Find("first") != nil, name != "first"; got != want {
				t.Errorf("%s: the first is found: %v", name, got)
			}
			now = now.Add(4 * time.Minute)
			if err != nil {
				return nil, err
			}
			return &guess{}, nil
		}}
	}
	var notes []string
	report := func(p bellwether.Progress) { notes = append(notes, p.Note) }
	broken := errors.New("broken")
	fitted, err := FitAll(t.Context(), []Candidate{
		candidate("first", nil), candidate("second", fmt.Errorf("%w: too little", ErrSkip)), candidate("third", nil), candidate("fourth", broken),
	}, nil, 10, func() time.Time { return now }, report)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "train fourth") || len(fitted) != 2 || fitted[1].Name != "third" || fitted[1].FitSeconds != 240 {
		t.Errorf("%v, %v", fitted, err)
	}
	if got := fmt.Sprint(left); got != "[10 6 2 0.1]" {
		t.Errorf("minutes left: %s", got)
	}
	if got := strings.Join(notes, "|"); got != "first|second: skipped: too little|third" {
		t.Errorf("notes: %s", got)
	}
}
