package nn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrCheckpoint says that a checkpoint is of other data or other settings.
var ErrCheckpoint = errors.New("nn: the checkpoint is of another data set, vocabulary or setting: delete it, or train with what it was made with")

// arrays lists everything that a run changes.
func (f *Fit) arrays() Params {
	all := append(Params{}, f.Params...)
	all = append(all, f.Optimizer.State()...)
	all = append(all, f.best...)
	if f.Average != nil {
		all = append(all, f.Average.State()...)
	}
	return all
}

func (f *Fit) store(ctx context.Context) error {
	if f.Checkpoint == nil {
		return nil
	}
	err := f.Checkpoint.Store(ctx, func(w io.Writer) error {
		return WriteWeights(w, f.state, f.arrays().Arrays())
	})
	if err != nil {
		return fmt.Errorf("storing the checkpoint: %w", err)
	}
	return nil
}

// resume takes up the newest checkpoint, if there is one.
func (f *Fit) resume(ctx context.Context) error {
	if f.Checkpoint == nil {
		return nil
	}
	r, err := f.Checkpoint.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading the checkpoint of %s: %w", f.Name, err)
	}
	if r == nil {
		return nil
	}
	defer r.Close()
	w, err := ReadWeights(r)
	if err != nil {
		return fmt.Errorf("loading the checkpoint of %s: %w (delete it to begin anew)", f.Name, err)
	}
	var s fitState
	if err := json.Unmarshal(w.Card, &s); err != nil {
		return fmt.Errorf("loading the checkpoint of %s: %w: %w", f.Name, ErrFormat, err)
	}
	if s.Identity != f.Identity {
		return fmt.Errorf("loading the checkpoint of %s: %w", f.Name, ErrCheckpoint)
	}
	if err := f.arrays().Restore(w); err != nil {
		return fmt.Errorf("loading the checkpoint of %s: %w", f.Name, err)
	}
	f.state = s
	return nil
}
