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
	var s fitState
	err = f.arrays().Read(r, func(card json.RawMessage) error {
		if err := json.Unmarshal(card, &s); err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if s.Identity != f.Identity {
			return ErrCheckpoint
		}
		return nil
	})
	if errors.Is(err, ErrFormat) || errors.Is(err, ErrChecksum) {
		err = fmt.Errorf("%w (delete it to begin anew)", err)
	}
	if err != nil {
		return fmt.Errorf("loading the checkpoint of %s: %w", f.Name, err)
	}
	f.state = s
	return nil
}
