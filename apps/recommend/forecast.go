package recommend

import (
	"context"
	"fmt"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/learn"
	"bellwether/models/sequence"
)

// Forecast is what the customer model expects a person to do next with items. Its numbers are point estimates.
type Forecast struct {
	Subject bellwether.Subject               `json:"subject"`
	Model   bellwether.ModelVersion          `json:"model"`
	Types   map[bellwether.EventType]float64 `json:"types,omitempty"`  // probability of each type for the next step; absent where there is one type only
	Within  []Within                         `json:"within,omitempty"` // absent where the model knows no times
	// Withheld says, by what is absent, "types" or "within", why the model's probabilities are not shown.
	Withheld map[string]string `json:"withheld,omitempty"`
}

// Within is the probability that the next step comes within so long from now.
type Within struct {
	Seconds     int64   `json:"seconds"`
	Probability float64 `json:"probability"`
}

// horizons are an hour, a day, a week, 30 and 90 days.
var horizons = []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour}

// NextSteps asks the customer model what a person will do next. It returns learn.ErrNoModel where none is in service that
// was trained on that question, and app.ErrUnknownPerson for a person without events that it knows.
func NextSteps(ctx context.Context, p *app.Project, subject bellwether.Subject) (Forecast, error) {
	out := Forecast{Subject: subject}
	v, err := p.Registry.Serving(Name)
	if err != nil {
		return out, err
	}
	out.Model = v.Version
	m, err := inService(ctx, p, v)
	if err != nil {
		return out, err
	}
	if m == nil || len(m.Settings().Tasks) == 0 {
		return out, fmt.Errorf("%w: %s was not trained on what comes next but for the item: it takes events of several types, or with times", learn.ErrNoModel, v.Version)
	}
	who, err := p.Person(ctx, subject, "")
	if err != nil {
		return out, err
	}
	steps := v.Steps(who.Events)
	if len(steps) == 0 {
		return out, fmt.Errorf("%w: %s has no events that %s knows", app.ErrUnknownPerson, subject, v.Version)
	}
	answers, err := m.Forecast(ctx, [][]bellwether.Step{steps})
	if err != nil {
		return out, fmt.Errorf("asking %s: %w", v.Version, err)
	}
	for name, task := range map[string]string{"types": "type", "within": "wait"} {
		if why := m.Calibration(task).Withheld(); why != "" && m.Settings().Tasks[task] > 0 {
			if out.Withheld == nil {
				out.Withheld = map[string]string{}
			}
			out.Withheld[name] = why
		}
	}
	if a := answers[0]; len(a.Types) > 1 && out.Withheld["types"] == "" {
		out.Types = make(map[bellwether.EventType]float64, len(a.Types))
		for i, share := range a.Types {
			out.Types[m.Types()[i]] = share
		}
	}
	if answers[0].Waits != nil && out.Withheld["within"] == "" {
		waited := p.Clock().Unix() - steps[len(steps)-1].Time
		for _, h := range horizons {
			out.Within = append(out.Within, Within{int64(h.Seconds()), answers[0].Within(float64(max(waited, 0)), h.Seconds())})
		}
	}
	return out, nil
}

// inService is the Transformer in service, or else the one of the same run, of which a plainer row serves; nil if there is none.
func inService(ctx context.Context, p *app.Project, v *learn.Serving) (*sequence.Model, error) {
	if m := customerModel(v.Model); m != nil {
		return m, nil
	}
	m, err := p.Registry.Companion(ctx, v, sequence.Family)
	return customerModel(m), err
}
