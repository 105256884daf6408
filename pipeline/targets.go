package pipeline

import (
	"iter"
	"maps"
	"math/rand/v2"
	"slices"

	"bellwether"
	"bellwether/decide"
	"bellwether/measure"
)

// maxActions is how many actions of a surface "always" policies are valued for.
const maxActions = 6

// targets are the policies that the report values from the log. Where one action is chosen: taking
// each of them always. For slates: showing candidates by chance, and following the scores twice as closely.
func (e *Engine) targets(decisions iter.Seq2[bellwether.Decision, error]) (map[bellwether.Surface][]measure.Target, error) {
	slates, actions := make(map[bellwether.Surface]bool), make(map[bellwether.Surface]map[string]bool)
	for d, err := range decisions {
		switch {
		case err != nil:
			return nil, err
		case d.Holdout || !d.Evaluable:
		case d.Slate:
			slates[d.Surface] = true
		default:
			if actions[d.Surface] == nil {
				actions[d.Surface] = make(map[string]bool)
			}
			for _, c := range d.Candidates {
				if known := actions[d.Surface]; len(known) < maxActions {
					known[c.Action] = true
				}
			}
		}
	}
	out := make(map[bellwether.Surface][]measure.Target)
	for s, names := range actions {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			out[s] = append(out[s], measure.Target{Name: "always " + name, Distribution: always(name)})
		}
	}
	for s := range slates {
		out[s] = append(out[s],
			measure.Target{Name: "by chance", Distribution: follow(decide.Uniform{})},
			measure.Target{Name: "closer to the scores", Distribution: follow(decide.Softmax{Temperature: e.o.Temperature / 2})})
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
