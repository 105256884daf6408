package nn

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/tensor"
)

// squared returns the mean of (y − target)² and sets dy to its gradient.
func squared(dy, y, target []float32) (loss float64) {
	n := float32(len(y))
	for i, v := range y {
		d := v - target[i]
		loss += float64(d*d) / float64(n)
		dy[i] = 2 * d / n
	}
	return loss
}

// descent goes down the gradient.
type descent struct{ Params }

func (descent) State() Params { return nil }

func (d descent) Step(_ int, rate float32) {
	for _, p := range d.Params {
		for i, g := range p.Grad {
			p.Value[i] -= rate * g
		}
	}
}

// toy is a run that fits y = 2x, with a clock that moves a second a look.
func toy(c bellwether.Checkpoint) (*Fit, *Param) {
	b := NewBuilder(3)
	d := b.Dense("d", 1, 1, tensor.Identity)
	d.First = true
	p := &Pass{Train: true}
	var now time.Time
	f := &Fit{
		Name: "toy", Params: b.Params(), Optimizer: NewAdam(b.Params(), Adam{}), Schedule: Schedule{Peak: .1},
		Batches: 4, Epochs: 5, Checkpoint: c, Identity: "toy",
		Clock: func() time.Time { now = now.Add(time.Second); return now },
		Batch: func(epoch, batch, _ int) (float64, error) {
			p.Begin(2, nil)
			x := []float32{float32(epoch), float32(batch)}
			dy := make([]float32, 2)
			loss := squared(dy, d.Forward(p, x), []float32{2 * x[0], 2 * x[1]})
			d.Backward(p, dy)
			return loss, nil
		},
	}
	return f, d.Weight
}

func TestFitKeepsTheBestWeights(t *testing.T) {
	f, w := toy(nil)
	figures, seen := []float64{1, 4, 3, 2, 1}, []float32{}
	f.Validate = func(context.Context) (float64, error) {
		seen = append(seen, w.Value[0])
		return figures[len(seen)-1], nil
	}
	f.Patience = 2
	r, err := f.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Epochs != 4 || r.BestEpoch != 2 || r.Best != 4 || r.Steps != 16 {
		t.Errorf("result %+v, want 4 epochs of which the second was best", r)
	}
	if w.Value[0] != seen[1] {
		t.Errorf("weight %g, want that of the best epoch %g", w.Value[0], seen[1])
	}
}

func TestFitKeepsToItsBudget(t *testing.T) {
	f, _ := toy(nil)
	f.Epochs, f.Budget = 0, 10*time.Second
	r, err := f.Run(context.Background())
	if err != nil || r.Elapsed < 10*time.Second || r.Elapsed > 14*time.Second {
		t.Errorf("a budget of 10 s was used for %v: %v", r.Elapsed, err)
	}
}

// An epoch of the toy is four steps and takes four seconds of its clock: with six steps between two validations, the second, the fourth
// and the last epoch are validated, and with ten seconds between two checkpoints, the third and the last are kept.
func TestFitValidatesBySteps(t *testing.T) {
	c := &modeltest.Memory{}
	f, _ := toy(c)
	f.Steps, f.Every = 6, 10*time.Second
	var at []int
	f.Validate = func(context.Context) (float64, error) {
		at = append(at, f.state.Epoch)
		return 1, nil
	}
	r, err := f.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(at, []int{2, 4, 5}) || c.Count != 2 {
		t.Errorf("validated after epochs %v with %d checkpoints, want 2, 4, 5 and two", at, c.Count)
	}
	if r.OutOfTime {
		t.Error("without a budget, time ended it")
	}
}

// A budget that is not used up changes no bit, however slow the clock is, and a run that is interrupted between two validations neither.
// One that is used up ends the run, which says so.
func TestFitBudgetOnlyEnds(t *testing.T) {
	run := func(c *modeltest.Memory, budget, slow time.Duration) (FitResult, float32) {
		for {
			ctx, cancel := context.WithCancel(context.Background())
			f, w := toy(c)
			f.Steps, f.Budget, f.Patience, f.Epochs, f.Every = 6, budget, 2, 0, budget/60
			inner, late := f.Clock, time.Duration(0)
			f.Clock = func() time.Time { late += slow; return inner().Add(late) }
			f.Validate = func(context.Context) (float64, error) { // the fourth epoch is the best
				return -math.Abs(float64(f.state.Epoch - 4)), nil
			}
			if c != nil {
				c.Stored = func(int) { cancel() }
			} else {
				f.Checkpoint = nil
			}
			r, err := f.Run(ctx)
			cancel()
			if err == nil {
				return r, w.Value[0]
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	}
	whole, want := run(nil, 0, 0)
	if whole.BestEpoch != 4 || whole.Epochs != 8 || whole.OutOfTime {
		t.Fatalf("%+v: want the fourth of eight epochs, ended by patience", whole)
	}
	for _, slow := range []time.Duration{0, time.Second, time.Minute} {
		if r, got := run(nil, 10*time.Hour, slow); got != want || r.OutOfTime {
			t.Errorf("weight %g beside a budget and a clock %v late a look, want %g: %+v", got, slow, want, r)
		}
		if r, got := run(&modeltest.Memory{}, 10*time.Hour, slow); got != want || r.OutOfTime {
			t.Errorf("weight %g after interruptions, want %g: %+v", got, want, r)
		}
	}
	for budget, epochs := range map[time.Duration]int{6 * time.Second: 2, 12 * time.Second: 3} { // in an epoch, and about at its end
		if r, _ := run(nil, budget, 0); !r.OutOfTime || r.Epochs != epochs {
			t.Errorf("a budget of %v: %+v: want that time ended %d epochs", budget, r, epochs)
		}
	}
}

func TestFitStopsAtTheFirstNaN(t *testing.T) {
	f, w := toy(nil)
	inner := f.Batch
	f.Batch = func(epoch, batch, step int) (float64, error) {
		if step == 6 {
			w.Value[0] = float32(math.NaN())
		}
		return inner(epoch, batch, step)
	}
	_, err := f.Run(context.Background())
	var bad *NotFiniteError
	if !errors.As(err, &bad) || bad.Name != "d.weight" || bad.Step != 7 || bad.What != "weight" {
		t.Errorf("error %v, want the weight of d at step 7, the first that computes with it", err)
	}
	if err == nil || !strings.Contains(err.Error(), "epoch 2") {
		t.Errorf("error %v does not name the epoch", err)
	}
}

func TestFitNoticesDivergence(t *testing.T) {
	f, _ := toy(nil)
	f.Optimizer, f.Schedule.Peak = descent{f.Params}, .25
	if _, err := f.Run(context.Background()); !errors.Is(err, ErrDiverged) {
		t.Errorf("error %v, want ErrDiverged", err)
	}
}

func TestFitResumesToTheSameBits(t *testing.T) {
	whole, want := toy(nil)
	whole.Average = NewAverage(whole.Params, .9)
	if _, err := whole.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := &modeltest.Memory{}
	for stop := 1; stop < 5; stop++ { // a run a day: each stops at its first checkpoint
		ctx, cancel := context.WithCancel(context.Background())
		f, _ := toy(c)
		f.Average = NewAverage(f.Params, .9)
		c.Stored = func(int) { cancel() }
		if _, err := f.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	c.Stored = nil
	f, got := toy(c)
	f.Average = NewAverage(f.Params, .9)
	r, err := f.Run(context.Background())
	if err != nil || got.Value[0] != want.Value[0] || r.Steps != 20 {
		t.Errorf("weight %g after %d steps, want %g after 20: %v", got.Value[0], r.Steps, want.Value[0], err)
	}
}

// Four batches accumulated are one step by the gradient of all four.
func TestFitAccumulates(t *testing.T) {
	f, w := toy(nil)
	f.Optimizer, f.Schedule.Peak, f.Epochs, f.Accumulate = descent{f.Params}, .01, 1, 3
	b := f.Params[1]
	w0, b0 := w.Value[0], b.Value[0]
	var sum float32 // of the gradients of b over the first three batches, x = 0 and 0, 1, 2
	for batch := range 3 {
		for _, x := range []float32{0, float32(batch)} {
			sum += w0*x + b0 - 2*x
		}
	}
	inner, seen := f.Batch, 0
	f.Batch = func(epoch, batch, pass int) (float64, error) {
		if seen++; pass != seen {
			t.Errorf("pass %d is called %d", seen, pass)
		}
		if batch == 3 { // the first step is done
			if want := b0 - .01*sum/3; math.Abs(float64(b.Value[0]-want)) > 1e-6 {
				t.Errorf("bias %g after a step of three batches, want %g", b.Value[0], want)
			}
		}
		return inner(epoch, batch, pass)
	}
	r, err := f.Run(context.Background())
	if err != nil || r.Steps != 2 || seen != 4 {
		t.Errorf("%d steps of %d batches, want 2 of 4: %v", r.Steps, seen, err)
	}
}

// A finished run goes on from its checkpoint when it is given more epochs.
func TestFitGoesOn(t *testing.T) {
	whole, want := toy(nil)
	if _, err := whole.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := &modeltest.Memory{}
	f, _ := toy(c)
	f.Epochs = 2
	if _, err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	f, got := toy(c)
	r, err := f.Run(context.Background())
	if err != nil || r.Steps != 20 || got.Value[0] != want.Value[0] {
		t.Errorf("weight %g after %d steps, want %g after 20: %v", got.Value[0], r.Steps, want.Value[0], err)
	}
}

func TestFitRefusesADamagedCheckpoint(t *testing.T) {
	c := &modeltest.Memory{}
	f, _ := toy(c)
	if _, err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, _ := c.Load(context.Background())
	state, _ := io.ReadAll(r)
	for _, bad := range [][]byte{state[:len(state)-1], append(append([]byte{}, state[:len(state)-1]...), ^state[len(state)-1])} {
		_ = c.Store(context.Background(), func(w io.Writer) error { _, err := w.Write(bad); return err })
		f, _ = toy(c)
		if _, err := f.Run(context.Background()); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrChecksum) || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("error %v does not say what to do", err)
		}
	}
}

func TestFitRefusesAnotherRunsCheckpoint(t *testing.T) {
	c := &modeltest.Memory{}
	f, _ := toy(c)
	if _, err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	f, _ = toy(c)
	f.Identity = "another"
	if _, err := f.Run(context.Background()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("error %v, want ErrCheckpoint", err)
	}
}
