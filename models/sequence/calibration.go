package sequence

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
)

// Calibration says how far a head's probabilities are from what happened to people who did not fit it.
type Calibration struct {
	Error   float64       `json:"error"`             // calibration error over 10 bins of equal mass
	Chance  float64       `json:"chance"`            // of it, what calibrated probabilities of so many cases have on average
	N       int           `json:"n"`                 // cases
	Horizon time.Duration `json:"horizon,omitempty"` // of waits: that the next step comes within so long
}

// Bounds beyond which probabilities are withheld.
const (
	worstCalibration = .05
	fewestCases      = 100
)

// Withheld says why probabilities may not be shown or decided on, "" that they may. A nil Calibration was never checked.
func (c *Calibration) Withheld() string {
	switch {
	case c == nil:
		return "whether its probabilities are calibrated was never checked: a turn trains a model that is"
	case c.N < fewestCases:
		return fmt.Sprintf("%d cases are too few to check whether its probabilities are calibrated, %d are needed", c.N, fewestCases)
	case !(c.Error-c.Chance <= worstCalibration):
		return fmt.Sprintf("its calibration error is %.3f, %.3f of it by chance; at most %.2f beyond chance is shown", c.Error, c.Chance, worstCalibration)
	}
	return ""
}

// outcome is a probability and whether it came true.
type outcome struct {
	p    float64
	true bool
}

// calibrationOf compares probabilities with what happened in 10 bins of equal mass.
func calibrationOf(cases []outcome) *Calibration {
	const bins = 10
	c := &Calibration{N: len(cases)}
	slices.SortStableFunc(cases, func(a, b outcome) int { return cmp.Compare(a.p, b.p) })
	for b := range bins {
		bin := cases[b*len(cases)/bins : (b+1)*len(cases)/bins]
		if len(bin) == 0 {
			continue
		}
		var p, happened, spread float64
		for _, o := range bin {
			p += o.p
			spread += o.p * (1 - o.p)
			if o.true {
				happened++
			}
		}
		c.Error += math.Abs(p-happened) / float64(len(cases))
		c.Chance += math.Sqrt(2/math.Pi*spread) / float64(len(cases))
	}
	return c
}

// checkedHorizons are those of which the longest that the data can show is checked.
var checkedHorizons = []time.Duration{90 * 24 * time.Hour, 30 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute}

// checkWaits compares, for people held out, the probability of a next step within a horizon from a moment with whether it came.
func (t *task) checkWaits(g *gaps, dim int, end int64) *Calibration {
	first := end
	for i := range g.rows {
		first = min(first, g.rows[i].start)
	}
	var horizon time.Duration
	for _, h := range checkedHorizons {
		if int64(h.Seconds()) <= (end-first)/3 {
			horizon = h
			break
		}
	}
	if horizon == 0 {
		return &Calibration{}
	}
	seconds := int64(horizon.Seconds())
	h := head{layer: t.layer, dim: dim}
	var cases []outcome
	for moment := end - seconds; moment > first && end-moment <= 3*seconds; moment -= seconds {
		for i := range g.rows {
			w := &g.rows[i]
			if !heldOut(w.person) || w.start > moment || w.start+w.length <= moment {
				continue
			}
			f := Forecast{Waits: waits(h.logits(g, []int32{int32(i)}))}
			cases = append(cases, outcome{f.Within(float64(moment-w.start), float64(seconds)), w.closed && w.start+w.length <= moment+seconds})
		}
	}
	c := calibrationOf(cases)
	c.Horizon = horizon
	return c
}

// fitTypes divides the logits of the next type by the temperature that makes validation targets most likely (Guo et al. 2017), and checks the
// probabilities of the likeliest types on the test targets.
func (r *run) fitTypes(ctx context.Context, t *task) (*Calibration, error) {
	logits, answers, err := r.typeLogits(ctx, t, r.data.Validation)
	if err != nil || len(answers) == 0 {
		return &Calibration{}, err
	}
	low, high := math.Log(.1), math.Log(10)
	for high-low > 1e-3 { // golden section
		a, b := high-(high-low)*.618033988749895, low+(high-low)*.618033988749895
		if surprise(logits, answers, math.Exp(a)) < surprise(logits, answers, math.Exp(b)) {
			high = b
		} else {
			low = a
		}
	}
	cool := float32(math.Exp(-(low + high) / 2))
	for _, values := range [][]float32{t.layer.Weight.Value, t.layer.Bias.Value} {
		for i := range values {
			values[i] *= cool
		}
	}
	if logits, answers, err = r.typeLogits(ctx, t, r.data.Test); err != nil {
		return nil, err
	}
	cases := make([]outcome, len(answers))
	for i, x := range logits {
		p := shares(x)
		best := 0
		for k := range p {
			if p[k] > p[best] {
				best = k
			}
		}
		cases[i] = outcome{p[best], int(answers[i]) == best}
	}
	return calibrationOf(cases), nil
}

// surprise is minus the mean log likelihood of answers at a temperature.
func surprise(logits [][]float32, answers []uint8, temperature float64) (sum float64) {
	scaled := []float32(nil)
	for i, x := range logits {
		scaled = scaled[:0]
		for _, v := range x {
			scaled = append(scaled, float32(float64(v)/temperature))
		}
		sum -= math.Log(max(shares(scaled)[answers[i]], 1e-12))
	}
	return sum / float64(len(logits))
}

// mostTyped is how many targets fit or check the probabilities of types.
const mostTyped = 5000

// typeLogits returns the head's logits before each of some targets, evenly spread, and the types of the targets.
func (r *run) typeLogits(ctx context.Context, t *task, targets []bellwether.Target) (logits [][]float32, answers []uint8, err error) {
	m, s := r.model, new(scratch)
	n := min(len(targets), mostTyped)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		k := targets[i*len(targets)/n]
		steps := r.data.Steps[k.Person]
		if k.At == 0 {
			continue
		}
		s.tokens.reset(len(m.settings.Fields))
		window, before := latest(steps[:k.At], m.settings.Length)
		s.tokens.append(m, window, before)
		if h := m.embedding.hashed; h != nil && h.People {
			s.tokens.name(h.person(r.person(k.Person).ID))
		}
		state := m.lastStates(&s.pass, &s.tokens)
		x := make([]float32, t.size)
		copy(x, t.layer.Bias.Value)
		for c := range x {
			for d, v := range t.layer.Weight.Value[c*m.settings.Dim : (c+1)*m.settings.Dim] {
				x[c] += v * state[d]
			}
		}
		logits, answers = append(logits, x), append(answers, steps[k.At].Type)
	}
	return logits, answers, nil
}

// calibrate fits the heads of tasks to what happened, the next item's loss aside, and checks them.
func (r *run) calibrate(ctx context.Context, d *bellwether.Dataset) error {
	m := r.model
	for _, t := range m.tasks {
		var err error
		switch t.name {
		case "wait":
			end := dataEnd(d)
			var g *gaps
			if g, err = r.gapsOf(ctx, end); err == nil {
				err = t.fitWaits(ctx, g, m.settings.Dim, r.Seed)
				m.calibration["wait"] = t.checkWaits(g, m.settings.Dim, end)
			}
		case "type":
			m.calibration["type"], err = r.fitTypes(ctx, t)
		}
		if err != nil {
			return fmt.Errorf("sequence: calibrating %s: %w", t.name, err)
		}
	}
	return nil
}

// Calibration returns the check of a task's probabilities, nil where there was none.
func (m *Model) Calibration(task string) *Calibration { return m.calibration[task] }
