package nn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"bellwether"
	"bellwether/tensor"
)

// ErrDiverged says that the training loss grew instead of falling.
var ErrDiverged = errors.New("nn: training diverged: lower the learning rate")

// Fit is a training run: steps over epochs, validation, early stopping, and a
// checkpoint after each epoch from which an interrupted run resumes to the same bits.
type Fit struct {
	Name      string // of the run in its reports
	Params    Params
	Optimizer Optimizer
	Schedule  Schedule
	Clip      float64  // largest norm of the gradient, 0: none
	Average   *Average // nil: the weights themselves are validated and kept

	Batches    int // an epoch
	Accumulate int // batches whose mean gradient makes one step; 0 means 1
	// Batch runs one forward and backward pass, adds to the gradients of Params,
	// which are packed, and returns its loss. pass counts from 1 over the whole run:
	// dropouts are seeded by it.
	Batch func(epoch, batch, pass int) (float64, error)
	// Validate returns a figure of which more is better; nil keeps the last weights.
	Validate func(ctx context.Context) (float64, error)

	Epochs   int           // at most; 0: as many as Budget allows
	Budget   time.Duration // of training, validation and checkpoints together, 0: no limit
	Patience int           // epochs that were validated without a better figure before the end, 0: no limit
	Steps    int           // least steps between two validations, 0: each epoch; not a time, which would part other weights on another machine
	Every    time.Duration // least time between two checkpoints, 0: each epoch

	Checkpoint bellwether.Checkpoint // nil: none
	Identity   string                // of data and settings, limits aside: a checkpoint with another is refused
	Clock      func() time.Time
	Report     func(bellwether.Progress) // may be nil

	state fitState
	best  Params
	began time.Time // when it would have begun without interruptions
}

// fitState is what a checkpoint keeps beside the arrays.
type fitState struct {
	Identity  string        `json:"identity"`
	Epoch     int           `json:"epoch"`      // epochs done
	Step      int           `json:"step"`       // of the optimiser
	Pass      int           `json:"pass"`       // calls of Batch
	Loss      float64       `json:"loss"`       // mean of the last epoch
	FirstLoss float64       `json:"first_loss"` // of the first
	Best      float64       `json:"best"`       // validation figure of the kept weights
	BestEpoch int           `json:"best_epoch"`
	Valid     float64       `json:"valid"` // last figure
	Waited    int           `json:"waited"`
	Spent     time.Duration `json:"spent"`
	CheckedAt int           `json:"checked_at"`          // Step of the last validation that Steps asked for
	Stored    time.Duration `json:"stored"`              // Spent at the last checkpoint
	CutShort  bool          `json:"cut_short,omitempty"` // the budget ended an epoch before its last batch
}

// FitResult says how a run went.
type FitResult struct {
	Epochs, Steps int
	Loss          float64 // mean training loss of the last epoch
	Best          float64 // validation figure of the weights kept, 0 without validation
	BestEpoch     int
	Elapsed       time.Duration
	OutOfTime     bool // the budget ended it, neither the epochs nor the patience: with more time, or faster, it gives other weights
}

// Run trains until the epochs, the budget or the patience are used up and leaves
// the best weights, packed, in Params. When ctx ends it returns ctx's error; the
// checkpoint of the last epoch remains.
func (f *Fit) Run(ctx context.Context) (FitResult, error) {
	if f.Validate != nil || f.Average != nil { // else the last weights are the best
		f.best = state(f.Params, "best:", 0, nil)
	}
	f.state = fitState{Identity: f.Identity}
	if err := f.resume(ctx); err != nil {
		return FitResult{}, err
	}
	f.began = f.Clock().Add(-f.state.Spent)
	for !f.done() {
		if err := f.epoch(ctx); err != nil {
			return FitResult{}, fmt.Errorf("training %s, epoch %d: %w", f.Name, f.state.Epoch+1, err)
		}
	}
	if f.best != nil && f.state.BestEpoch > 0 {
		copyValues(f.Params, f.best)
	}
	f.Params.Pack()
	s := f.state
	return FitResult{Epochs: s.Epoch, Steps: s.Step, Loss: s.Loss, Best: s.Best, BestEpoch: s.BestEpoch, Elapsed: s.Spent, OutOfTime: s.CutShort || !f.finished()}, nil
}

func (f *Fit) epoch(ctx context.Context) error {
	var total float64
	batch := 0
	for batch < f.Batches && !f.spent() {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(max(f.Accumulate, 1), f.Batches-batch)
		loss, err := f.step(batch, n)
		if err != nil {
			return err
		}
		total += loss
		batch += n
		f.look()
		f.report("", batch)
	}
	f.state.Epoch++
	if batch > 0 {
		f.state.Loss = total / float64(batch)
	}
	if f.state.Epoch == 1 {
		f.state.FirstLoss = f.state.Loss
	}
	if f.state.Loss > 3*f.state.FirstLoss+1 {
		return fmt.Errorf("%w: the loss went from %.4g to %.4g", ErrDiverged, f.state.FirstLoss, f.state.Loss)
	}
	f.state.CutShort = f.state.CutShort || batch < f.Batches
	if f.due() {
		if err := f.check(ctx); err != nil {
			return err
		}
		f.look()
		f.report("validated", 0)
	}
	if !f.keeps() {
		return nil
	}
	f.state.Stored = f.state.Spent
	return f.store(ctx)
}

// due says whether the weights are validated after this epoch: by the steps since the last time, at the end, and without figures, where
// it costs nothing, before a checkpoint.
func (f *Fit) due() bool {
	if f.Validate == nil {
		return f.keeps()
	}
	if f.state.Step-f.state.CheckedAt >= f.Steps {
		f.state.CheckedAt = f.state.Step
		return true
	}
	return f.done()
}

// keeps says whether a checkpoint is written after this epoch.
func (f *Fit) keeps() bool { return f.done() || f.state.Spent-f.state.Stored >= f.Every }

// done says whether the epochs, the budget or the patience are used up.
func (f *Fit) done() bool { return f.spent() || f.finished() }

// finished says whether the epochs or the patience are used up.
func (f *Fit) finished() bool {
	return f.Epochs > 0 && f.state.Epoch >= f.Epochs || f.Patience > 0 && f.state.Waited >= f.Patience
}

// look notes the time that was spent.
func (f *Fit) look() { f.state.Spent = f.Clock().Sub(f.began) }

func (f *Fit) spent() bool { return f.Budget > 0 && f.state.Spent >= f.Budget }

// step moves the weights once, by the mean gradient of n batches, and returns
// the sum of their losses.
func (f *Fit) step(batch, n int) (float64, error) {
	s := &f.state
	f.Params.ZeroGrad()
	f.Params.Pack()
	s.Step++
	var loss float64
	for i := range n {
		s.Pass++
		one, err := f.Batch(s.Epoch, batch+i, s.Pass)
		if err != nil {
			return 0, err
		}
		loss += one
	}
	if n > 1 {
		for _, p := range f.Params {
			tensor.Scale(1/float32(n), p.Grad)
		}
	}
	norm := f.Params.GradNorm()
	if !finite(loss) || !finite(norm) {
		return 0, f.Params.notFinite(s.Step)
	}
	f.Params.ClipGrad(norm, f.Clip)
	f.Optimizer.Step(s.Step, f.Schedule.At(s.Step))
	if f.Average != nil {
		f.Average.Update(s.Step)
	}
	return loss, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// check validates the weights, or their average, and keeps them if they are the best so far.
func (f *Fit) check(ctx context.Context) error {
	if f.Average != nil {
		f.Average.Swap()
		defer f.Average.Swap()
	}
	s := &f.state
	figure := 0.0
	if f.Validate != nil {
		f.Params.Pack()
		var err error
		if figure, err = f.Validate(ctx); err != nil {
			return fmt.Errorf("validating: %w", err)
		}
		if !finite(figure) {
			return f.Params.notFinite(s.Step)
		}
	}
	s.Valid = figure
	if s.BestEpoch == 0 || figure > s.Best || f.Validate == nil {
		s.Best, s.BestEpoch, s.Waited = figure, s.Epoch, 0
		if f.best != nil {
			copyValues(f.best, f.Params)
		}
	} else {
		s.Waited++
	}
	return nil
}

func copyValues(dst, src Params) {
	for i, p := range src {
		copy(dst[i].Value, p.Value)
	}
}

func (f *Fit) report(note string, batch int) {
	if f.Report == nil {
		return
	}
	s := f.state
	f.Report(bellwether.Progress{
		Step: f.Name, Done: int64(s.Epoch*f.Batches + batch), Total: int64(f.Epochs * f.Batches),
		Elapsed: s.Spent, Loss: s.Loss, Valid: s.Valid, Note: note,
	})
}
