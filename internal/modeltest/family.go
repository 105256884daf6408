package modeltest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"testing"

	"bellwether"
)

// Family is what Run needs to know of a model family. Settings and data are
// small: each test trains in a second or less.
type Family struct {
	// Trainer makes a trainer with a seed; checkpoint may be nil.
	Trainer func(seed uint64, checkpoint bellwether.Checkpoint) bellwether.Trainer
	Data    func() *bellwether.Dataset
	Load    func(r io.Reader) (bellwether.Model, error)
	// Outputs are the model's answers about some of Data.
	Outputs func(t testing.TB, m bellwether.Model) []float64

	// Overfit trains on one batch until it is known by heart and returns how
	// far the answers are from it, and how far they may be. nil: skipped.
	Overfit func(t testing.TB) (distance, limit float64)
	// Poison puts a value into the data that no model may accept: a NaN, an
	// infinity, an index out of range. nil: skipped.
	Poison func(d *bellwether.Dataset)
	// Seedless marks a family that draws nothing and keeps no checkpoints.
	Seedless bool
}

// Run runs the tests as subtests.
func Run(t *testing.T, f Family) {
	t.Run("save and load", func(t *testing.T) { saveAndLoad(t, f) })
	t.Run("damaged file", func(t *testing.T) { damaged(t, f) })
	t.Run("same seed same model", func(t *testing.T) { sameSeed(t, f) })
	if f.Overfit != nil {
		t.Run("overfits one batch", func(t *testing.T) {
			if distance, limit := f.Overfit(t); !(distance <= limit) {
				t.Errorf("one batch, learned by heart, is %g off: more than %g", distance, limit)
			}
		})
	}
	if f.Poison != nil {
		t.Run("not finite", func(t *testing.T) {
			d := f.Data()
			f.Poison(d)
			if _, err := f.Trainer(1, nil).Train(context.Background(), d, ignore); err == nil {
				t.Error("poisoned data trained without an error")
			}
		})
	}
	if !f.Seedless {
		t.Run("cancel", func(t *testing.T) { cancelled(t, f) })
		t.Run("resume gives the same bits", func(t *testing.T) { resume(t, f) })
	}
}

func ignore(bellwether.Progress) {}

func train(t testing.TB, f Family, seed uint64, c bellwether.Checkpoint) bellwether.Model {
	t.Helper()
	m, err := f.Trainer(seed, c).Train(context.Background(), f.Data(), ignore)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func save(t testing.TB, m bellwether.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func saveAndLoad(t *testing.T, f Family) {
	m := train(t, f, 1, nil)
	if got, want := m.Family(), f.Trainer(1, nil).Family(); got != want {
		t.Errorf("the model's family is %q, its trainer's %q", got, want)
	}
	file := save(t, m)
	back, err := f.Load(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want, got := f.Outputs(t, m), f.Outputs(t, back)
	for i := range want {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Fatalf("output %d is %g after loading, was %g", i, got[i], want[i])
		}
	}
	if !bytes.Equal(save(t, back), file) {
		t.Error("saving what was loaded gives another file")
	}
}

func damaged(t *testing.T, f Family) {
	file := save(t, train(t, f, 1, nil))
	for _, n := range []int{0, 1, len(file) / 2, len(file) - 1} {
		if _, err := f.Load(bytes.NewReader(file[:n])); err == nil {
			t.Errorf("%d of %d bytes load without an error", n, len(file))
		}
	}
	for i := range 16 {
		bad := bytes.Clone(file)
		bad[i*(len(bad)-1)/15] ^= 0x10
		if _, err := f.Load(bytes.NewReader(bad)); err == nil {
			t.Errorf("a file with byte %d altered loads without an error", i*(len(bad)-1)/15)
		}
	}
}

func sameSeed(t *testing.T, f Family) {
	one, two := save(t, train(t, f, 7, nil)), save(t, train(t, f, 7, nil))
	if !bytes.Equal(one, two) {
		t.Error("one seed gave two models")
	}
	if !f.Seedless && bytes.Equal(one, save(t, train(t, f, 8, nil))) {
		t.Error("two seeds gave one model")
	}
}

func cancelled(t *testing.T, f Family) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Trainer(1, nil).Train(ctx, f.Data(), ignore); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended, Train returned %v", err)
	}
}

func resume(t *testing.T, f Family) {
	want := save(t, train(t, f, 3, nil))
	c := &Memory{}
	ctx, cancel := context.WithCancel(context.Background())
	c.Stored = func(n int) {
		if n == 2 {
			cancel()
		}
	}
	if _, err := f.Trainer(3, c).Train(ctx, f.Data(), ignore); !errors.Is(err, context.Canceled) {
		t.Fatalf("the run was to be cancelled at its second checkpoint: %v", err)
	}
	stopped := c.Count
	if got := save(t, train(t, f, 3, c)); !bytes.Equal(got, want) {
		t.Error("a run that was stopped and resumed gives another model")
	}
	if c.Count <= stopped {
		t.Error("the resumed run stored no checkpoint")
	}
	again := c.Count
	if got := save(t, train(t, f, 3, c)); !bytes.Equal(got, want) || c.Count != again {
		t.Error("a finished run, resumed, trains again or gives another model")
	}
	if _, err := f.Trainer(4, c).Train(context.Background(), f.Data(), ignore); err == nil {
		t.Error("a checkpoint of another seed was accepted")
	}
}

// Memory is a checkpoint in memory.
type Memory struct {
	Count  int         // of stores
	Stored func(n int) // called after the nth store; may be nil
	state  []byte
}

// Load implements bellwether.Checkpoint.
func (m *Memory) Load(context.Context) (io.ReadCloser, error) {
	if m.state == nil {
		return nil, nil
	}
	return io.NopCloser(bytes.NewReader(m.state)), nil
}

// Store implements bellwether.Checkpoint.
func (m *Memory) Store(_ context.Context, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	m.state = b.Bytes()
	m.Count++
	if m.Stored != nil {
		m.Stored(m.Count)
	}
	return nil
}
