package trees

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"bellwether"
	"bellwether/tensor/nn"
)

// identity names what a checkpoint depends on.
func (tr *Trainer) identity(d *bellwether.Dataset, rows int) string {
	text, _ := json.Marshal([]any{
		tr.Objective, tr.Quantile, tr.Trees, tr.Leaves, tr.Rate, tr.Rows, tr.Columns, tr.MinRows, tr.MinHessian, tr.L2, tr.Bins, tr.Monotone,
		tr.Patience, tr.Validation, tr.Seed, d.Digest, rows,
	})
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// saved is a checkpoint's card.
type saved struct {
	State state           `json:"state"`
	Model json.RawMessage `json:"model"`
}

func (r *run) store(ctx context.Context) error {
	if r.Checkpoint == nil {
		return nil
	}
	w, err := r.model.weights()
	if err == nil {
		err = r.Checkpoint.Store(ctx, func(out io.Writer) error { return nn.WriteWeights(out, saved{r.state, w.Card}, w.Arrays) })
	}
	if err != nil {
		return fmt.Errorf("storing the checkpoint: %w", err)
	}
	return nil
}

// resume takes up the newest checkpoint, if there is one: its trees are added in the order in which they were grown.
func (r *run) resume(ctx context.Context) error {
	if r.Checkpoint == nil {
		return nil
	}
	in, err := r.Checkpoint.Load(ctx)
	if err != nil || in == nil {
		return wrapCheckpoint(err)
	}
	defer in.Close()
	w, err := nn.ReadWeights(in)
	var s saved
	if err == nil {
		err = json.Unmarshal(w.Card, &s)
	}
	if err != nil {
		return wrapCheckpoint(fmt.Errorf("%w (delete it to begin anew)", err))
	}
	if s.State.Identity != r.identity {
		return wrapCheckpoint(nn.ErrCheckpoint)
	}
	w.Card = s.Model
	m, err := restore(w)
	if err == nil && len(m.trees) != s.State.Round*r.loss.outputs {
		err = errors.New("it has another number of trees than of rounds")
	}
	if err != nil {
		return wrapCheckpoint(fmt.Errorf("%w (delete it to begin anew)", err))
	}
	r.model.trees, r.state = m.trees, s.State
	for i := range m.trees {
		k := i % r.loss.outputs
		r.fit.add(&m.trees[i], r.rests, k)
		if r.valid.m != nil {
			r.valid.add(&m.trees[i], r.rests, k)
		}
	}
	return nil
}

func wrapCheckpoint(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("loading the checkpoint: %w", err)
}
