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
	without []int32 // items that are no candidates
}

func newValidation(m *Model, q *bellwether.Sequences) (*validation, error) {
	v := &validation{model: m, data: q}
	for _, t := range q.Spread(q.Validation, validationSample) {
		if int(t.Person) >= len(q.Steps) || t.Person < 0 || t.At < 0 || int(t.At) >= len(q.Steps[t.Person]) {
			return nil, fmt.Errorf("sequence: validation target %v is not in the data", t)
		}
		steps := q.Steps[t.Person]
		if asked := &steps[t.At]; asked.Item >= 0 && t.At > 0 && q.Served.Allows(steps[:t.At], asked.Time, asked.Item) {
			v.targets = append(v.targets, t)
		}
	}
	return v, nil
}

// ndcg returns the mean NDCG@10 over the targets among what the surface offers
// (bellwether.Sequences.Served), ties at their mean rank.
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
		steps := v.data.Steps[t.Person]
		v.without = v.data.Served.Withhold(v.without[:0], steps[:t.At], steps[t.At].Time)
		if rank := rank(scores[i*n:(i+1)*n], v.without, steps[t.At].Item); rank < 10 {
			sum += 1 / math.Log2(rank+2)
		}
	}
	return sum
}

// rank returns how many candidates are scored above the target, which is one, equal ones counting
// half. Scores of the items without are overwritten.
func rank(scores []float32, without []int32, target int32) float64 {
	own := scores[target]
	for _, item := range without {
		scores[item] = float32(math.NaN())
	}
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
