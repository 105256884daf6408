package pipeline

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"bellwether"
	"bellwether/models/sequence"
	"bellwether/serve"
	"bellwether/train"
)

// Outlook is what the customer model expects a person to do next with items. Its numbers are point estimates.
type Outlook struct {
	Subject bellwether.Subject               `json:"subject"`
	Model   bellwether.ModelVersion          `json:"model"`
	Types   map[bellwether.EventType]float64 `json:"types,omitempty"`  // probability of each type for the next step; absent where there is one type only
	Within  []Within                         `json:"within,omitempty"` // absent where the model knows no times
}

// Within is the probability that the next step comes within so long from now.
type Within struct {
	Seconds     int64   `json:"seconds"`
	Probability float64 `json:"probability"`
}

// horizons are an hour, a day, a week, 30 and 90 days.
var horizons = []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour}

// Outlook asks the customer model in service what a person will do next. It returns ErrNoRun where none is in service that
// was trained on that question, and ErrStranger for a person without events that it knows.
func (e *Engine) Outlook(ctx context.Context, subject bellwether.Subject) (Outlook, error) {
	out := Outlook{Subject: subject}
	v := e.Service.Current("recommend")
	if v == nil {
		return out, fmt.Errorf("%w: no recommender is in service", ErrNoRun)
	}
	out.Model = v.Version
	m, err := e.customerModel(ctx, v)
	if err != nil {
		return out, err
	}
	if m == nil || len(m.Settings().Tasks) == 0 {
		return out, fmt.Errorf("%w: %s was not trained on what comes next but for the item: it takes events of several types, or with times", ErrNoRun, v.Version)
	}
	profile, err := e.profile(subject, "")
	if err != nil {
		return out, err
	}
	events, err := e.people.events(&profile)
	if err != nil {
		return out, err
	}
	steps := v.Steps(visitsOf(events, e.o.Currency))
	if len(steps) == 0 {
		return out, fmt.Errorf("%w: %s has no events that %s knows", ErrStranger, subject, v.Version)
	}
	answers, err := m.Outlook(ctx, [][]bellwether.Step{steps})
	if err != nil {
		return out, fmt.Errorf("asking %s: %w", v.Version, err)
	}
	if a := answers[0]; len(a.Types) > 1 {
		out.Types = make(map[bellwether.EventType]float64, len(a.Types))
		for i, p := range a.Types {
			out.Types[m.Types()[i]] = p
		}
	}
	if waits := answers[0].Waits; waits != nil {
		waited := e.o.Clock().Unix() - steps[len(steps)-1].Time
		for _, h := range horizons {
			out.Within = append(out.Within, Within{int64(h.Seconds()), within(waits, float64(max(waited, 0)), h.Seconds())})
		}
	}
	return out, nil
}

// beside is the customer model of a run of which a plainer row serves.
type beside struct {
	mu      sync.Mutex
	version bellwether.ModelVersion // guarded by mu, as is all below
	model   *sequence.Model
}

// customerModel is the Transformer in service, or else the one that was trained beside what serves; nil if there is none.
func (e *Engine) customerModel(ctx context.Context, v *serve.Serving) (*sequence.Model, error) {
	if m := train.Trunk(v.Scorer); m != nil {
		return m, nil
	}
	e.beside.mu.Lock()
	defer e.beside.mu.Unlock()
	if e.beside.version == v.Version {
		return e.beside.model, nil
	}
	r := run{Application: v.Application, Version: v.Version}
	if err := e.getJSON(ctx, r.path("run.json"), &r); err != nil {
		return nil, err
	}
	var found *sequence.Model
	for _, f := range r.Fits {
		if f.Family == sequence.Family {
			m, err := e.load(ctx, &r, f.Name, f.Family)
			if err != nil {
				return nil, err
			}
			found = train.Trunk(m)
		}
	}
	e.beside.version, e.beside.model = v.Version, found
	return found, nil
}

// within is the probability that a wait of which so many seconds have gone ends within so many more. waits are the
// probabilities of sequence.Outlook: bucket j > 0 begins at 2^(j−1) seconds.
func within(waits []float64, gone, seconds float64) float64 {
	before := ended(waits, gone)
	if before >= 1 {
		return 1
	}
	return (ended(waits, gone+seconds) - before) / (1 - before)
}

// ended is the probability that a wait is over after so many seconds; within a bucket it grows with the logarithm of time.
func ended(waits []float64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	sum, place := 0.0, math.Log2(seconds)+1
	for j, p := range waits {
		sum += p * min(max(place-float64(j), 0), 1)
	}
	return min(sum, 1)
}
