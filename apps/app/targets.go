package app

import (
	"maps"
	"math/rand/v2"
	"slices"

	"bellwether"
	"bellwether/decide"
	"bellwether/measure"
)

// maxActions is how many actions of a surface "always" policies are valued for.
const maxActions = 6

// Targets are the policies that the report values from the log. Where one action is chosen: taking each of them always. For
// slates: showing candidates by chance, and following the scores twice as closely.
func (p *Project) Targets(_ bellwether.Surface, decisions []bellwether.Decision) ([]measure.Target, error) {
	slates, actions := false, map[string]bool{}
	for i := range decisions {
		d := &decisions[i]
		switch {
		case d.Holdout || !d.Evaluable:
		case d.Slate:
			slates = true
		default:
			for _, c := range d.Candidates {
				if len(actions) < maxActions {
					actions[c.Action] = true
				}
			}
		}
	}
	var out []measure.Target
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		out = append(out, measure.Target{Name: "always " + name, Distribution: always(name)})
	}
	if slates {
		out = append(out,
			measure.Target{Name: "by chance", Distribution: follow(decide.Uniform{})},
			measure.Target{Name: "closer to the scores", Distribution: follow(decide.Softmax{Temperature: p.Options.Temperature / 2})})
	}
	return out, nil
}

// always is the policy that takes one action.
func always(action string) func(*bellwether.Decision) ([]float64, error) {
	return func(d *bellwether.Decision) ([]float64, error) {
		p := make([]float64, len(d.Candidates))
		for i, c := range d.Candidates {
			if c.Action == action {
				p[i] = 1
			}
		}
		return p, nil
	}
}

// follow is a policy over the logged candidates and scores.
func follow(p decide.Policy) func(*bellwether.Decision) ([]float64, error) {
	return func(d *bellwether.Decision) ([]float64, error) {
		c := decide.Context{Subject: d.Subject, Surface: d.Surface, Time: d.Time, Features: d.Context}
		return p.Distribution(c, d.Candidates, rand.New(rand.NewPCG(d.Seed, 0)))
	}
}
