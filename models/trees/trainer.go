package trees

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
	"bellwether/internal/tabular"
)

// Train implements bellwether.Trainer. Test rows are not looked at.
func (tr Trainer) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	tr = tr.withDefaults()
	m, err := tr.train(ctx, d, report)
	if err != nil {
		return nil, fmt.Errorf("trees: training: %w", err)
	}
	return m, nil
}

func (tr *Trainer) train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (*Model, error) {
	if err := tr.check(); err != nil {
		return nil, err
	}
	fit, valid, err := tr.split(d.Table)
	if err != nil {
		return nil, err
	}
	r, err := tr.prepare(d, fit, valid)
	if err != nil {
		return nil, err
	}
	r.report = report
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	return r.model, nil
}

// split returns the rows to fit and those that choose the round.
func (tr *Trainer) split(t *bellwether.Table) (fit, valid []int, err error) {
	share := tr.Validation
	if tr.Patience < 0 {
		share = 0
	}
	if fit, valid, err = tabular.Split(t, share, tr.Seed); err != nil {
		return nil, nil, err
	}
	if tr.Patience < 0 {
		fit, valid = append(fit, valid...), nil
	}
	slices.Sort(fit)
	slices.Sort(valid)
	return fit, valid, nil
}

// prepare finds bins and encodes the rows.
func (tr *Trainer) prepare(d *bellwether.Dataset, fit, valid []int) (*run, error) {
	y, vy := tabular.Targets(d.Table, fit), tabular.Targets(d.Table, valid)
	l, err := newLoss(tr.Objective, tr.Quantile, append(slices.Clone(y), vy...))
	if err != nil {
		return nil, err
	}
	columns, err := fitColumns(d.Table, fit, tr.Bins, tr.Seed)
	if err != nil {
		return nil, err
	}
	monotone, err := tr.monotone(columns)
	if err != nil {
		return nil, err
	}
	m, err := encode(columns, d.Table, fit)
	if err != nil {
		return nil, err
	}
	start := l.start(y)
	r := &run{booster: booster{
		Trainer: tr, loss: l, grower: newGrower(tr, columns, monotone, m), fit: newPart(m, y, start), slopes: make([]slope, len(fit)),
	}, identity: tr.identity(d, len(fit))}
	r.model = newModel(card{Family: Family, Objective: tr.Objective.String(), Columns: columns, Start: start, Positive: d.Table.Positive})
	r.rests = r.model.rests
	for f := range columns {
		if varies(m.bins[f]) {
			r.usable = append(r.usable, f)
		}
	}
	if len(r.usable) == 0 {
		return nil, errors.New("the table has no column whose values differ")
	}
	if len(valid) > 0 {
		vm, err := encode(columns, d.Table, valid)
		if err != nil {
			return nil, err
		}
		r.valid = newPart(vm, vy, start)
	}
	return r, nil
}

func varies(bins []uint8) bool {
	return slices.ContainsFunc(bins, func(b uint8) bool { return b != bins[0] })
}

// run is one training run.
type run struct {
	booster
	model    *Model
	state    state
	identity string
	report   func(bellwether.Progress)
}

// state is what a checkpoint says beside the trees.
type state struct {
	Identity string  `json:"identity"`
	Round    int     `json:"round"` // rounds done
	Best     int     `json:"best"`  // rounds with the best validation
	Loss     float64 `json:"loss"`  // that validation
	Done     bool    `json:"done"`
}

func (r *run) run(ctx context.Context) error {
	began := r.Clock()
	r.state = state{Identity: r.identity}
	if r.valid.m != nil {
		r.state.Loss = r.loss.value(r.valid.scores, r.valid.y)
	}
	if err := r.resume(ctx); err != nil {
		return err
	}
	every := max(1, r.Trees/10) // rounds between checkpoints
	for !r.state.Done {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.step(); err != nil {
			return err
		}
		r.tell(began)
		if r.state.Round%every == 0 || r.state.Done {
			if err := r.store(ctx); err != nil {
				return err
			}
		}
	}
	if r.valid.m != nil {
		r.model.cut(r.state.Best)
	}
	return nil
}

// step does a round and judges it.
func (r *run) step() error {
	s := &r.state
	trees := r.round(s.Round)
	for i := range trees {
		for _, v := range trees[i].values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("round %d: a leaf is not finite", s.Round+1)
			}
		}
	}
	r.model.trees = append(r.model.trees, trees...)
	s.Round++
	s.Done = s.Round >= r.Trees
	if r.valid.m == nil {
		return nil
	}
	if v := r.loss.value(r.valid.scores, r.valid.y); v < s.Loss {
		s.Best, s.Loss = s.Round, v
	} else if s.Round-s.Best >= r.Patience {
		s.Done = true
	}
	return nil
}

func (r *run) tell(began time.Time) {
	if r.report != nil {
		r.report(bellwether.Progress{Step: Family, Done: int64(r.state.Round), Total: int64(r.Trees), Elapsed: r.Clock().Sub(began), Valid: -r.state.Loss})
	}
}
