package sequence

import (
	"context"
	"fmt"
	"math"

	"bellwether"
	"bellwether/tensor"
)

// validationSample is the largest number of targets that a validation looks at:
// enough for a standard error of about 2 % of an NDCG@10 near .05.
const validationSample = 10_000

// validation ranks validation targets while a model is trained.
type validation struct {
	model   *Model
	data    *bellwether.Sequences
	targets []bellwether.Target
	scratch scratch
}

func newValidation(m *Model, q *bellwether.Sequences) (*validation, error) {
	v := &validation{model: m, data: q}
	n := len(q.Validation)
	for i := range min(n, validationSample) {
		t := q.Validation[i*n/min(n, validationSample)]
		if int(t.Person) >= len(q.Steps) || t.Person < 0 || t.At < 0 || int(t.At) >= len(q.Steps[t.Person]) {
			return nil, fmt.Errorf("sequence: validation target %v is not in the data", t)
		}
		if q.Steps[t.Person][t.At].Item >= 0 && t.At > 0 {
			v.targets = append(v.targets, t)
		}
	}
	return v, nil
}

// ndcg returns the mean NDCG@10 over the targets: all items ranked, the history
// but not the target left out, ties at their mean rank.
func (v *validation) ndcg(ctx context.Context) (float64, error) {
	v.model.pack()
	var sum float64
	step := v.model.together()
	for first := 0; first < len(v.targets); first += step {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		sum += v.gains(v.targets[first:min(len(v.targets), first+step)])
	}
	return sum / float64(len(v.targets)), nil
}

func (v *validation) gains(targets []bellwether.Target) float64 {
	m, s := v.model, &v.scratch
	s.tokens.reset(len(m.settings.Fields))
	for _, t := range targets {
		window, before := latest(v.data.Steps[t.Person][:t.At], m.settings.Length)
		s.tokens.append(m, window, before)
	}
	n := len(m.items)
	state := m.lastStates(&s.pass, &s.tokens)
	scores := s.pass.Buffer(len(targets) * n)
	tensor.MatMulPacked(scores, state, m.packed, len(targets), tensor.Tail{})
	var sum float64
	for i, t := range targets {
		if rank := rank(scores[i*n:(i+1)*n], v.data.Steps[t.Person], int(t.At)); rank < 10 {
			sum += 1 / math.Log2(rank+2)
		}
	}
	return sum
}

// rank returns how many items are scored above the target, equal ones counting
// half. Scores of the history are overwritten.
func rank(scores []float32, steps []bellwether.Step, at int) float64 {
	target := steps[at].Item
	own := scores[target]
	for _, s := range steps[:at] {
		if s.Item >= 0 {
			scores[s.Item] = float32(math.Inf(-1))
		}
	}
	scores[target] = own
	above, equal := 0, -1
	for _, s := range scores {
		if s > own {
			above++
		} else if s == own {
			equal++
		}
	}
	return float64(above) + float64(equal)/2
}
