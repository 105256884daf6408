package sequence

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// hashedSettings are the preset "large" in little.
func hashedSettings(s *Settings) {
	s.Blocks, s.Experts, s.DenseBlocks = 2, 4, 1
	s.Hash = &Hash{Rows: 60, Width: 8, Own: 6, Rare: 4, People: true}
	s.Loss, s.Negatives, s.Clip = "sampled", 8, 1
	s.Optimizers = []Rule{{"hash.weight", "adagrad", 20}, {".experts.", "adafactor", 20}}
}

func TestHashedModel(t *testing.T) {
	modeltest.Run(t, modeltest.Family{
		Trainer: func(seed uint64, c bellwether.Checkpoint) bellwether.Trainer {
			s := small()
			hashedSettings(s)
			return Trainer{Settings: s, Seed: seed, Epochs: 3, Checkpoint: c}
		},
		Data:    func() *bellwether.Dataset { return known(walks(60, 20)) },
		Load:    load,
		Outputs: outputs,
		Poison:  func(d *bellwether.Dataset) { d.Sequences.Steps[7][1].Item = 20 },
		Overfit: func(t testing.TB) (float64, float64) { return overfit(t, hashedSettings), .07 },
	})
}

// trained is a small hashed model of walks(200, 20).
func trained(t testing.TB) *Model {
	t.Helper()
	s := small()
	hashedSettings(s)
	m, err := Trainer{Settings: s, Epochs: 3}.Train(context.Background(), known(walks(200, 20)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

// The loss of hashed items against finite differences, for the table and the projection.
func TestHashedGradients(t *testing.T) {
	s := small()
	hashedSettings(s)
	s.Dropout, s.Experts = 0, 0 // whose routes jump
	r, err := Trainer{Settings: s}.prepare(walks(4, 20))
	if err != nil {
		t.Fatal(err)
	}
	m := r.model
	loss := func() float64 {
		m.params.ZeroGrad()
		m.params.Pack()
		learned := r.pack([]Person{r.person(0), r.person(1), r.person(2), r.person(3)}, 1)
		return r.forwardBackward(1, learned)
	}
	h := m.embedding.hashed
	tensor.Scale(20, h.table.Value) // against which the differences' step is small
	loss()
	dense := make([]float32, len(h.table.Value))
	for i, row := range h.table.Rows() {
		copy(dense[int(row)*h.Width:], h.table.Grad[i*h.Width:(i+1)*h.Width])
	}
	weight := h.project.Weight
	modeltest.CheckGradients(t, .02, loss,
		modeltest.Gradient{Name: "table", Value: h.table.Value, Grad: dense},
		modeltest.Gradient{Name: "projection", Value: weight.Value, Grad: weight.Grad})
}

// Frequent items have rows of their own, rare ones share, and a table has vectors for all.
func TestHashedRows(t *testing.T) {
	h := &Hash{Rows: 10, Own: 2, Rare: 3}
	if own := h.frequent([]float64{2, 9, 3, 0, 4}); !bytes.Equal(own, []byte{0, 1, 0, 0, 1}) {
		t.Errorf("own rows %v, want those of the two most frequent items", own)
	}
	m := trained(t)
	hashed := m.embedding.hashed
	alone := 0
	for i := range m.items {
		a, b := hashed.vectors.Rows[0][i], hashed.vectors.Rows[1][i]
		switch {
		case m.own[i] != 0 && (int(a) != hashed.shared()+alone || b != -1):
			t.Errorf("item %d: rows %d and %d, want one of its own", i, a, b)
		case m.own[i] == 0 && (int(a) >= hashed.shared() || int(b) >= hashed.shared() || b < 0):
			t.Errorf("item %d: rows %d and %d, want two shared ones", i, a, b)
		}
		alone += int(m.own[i])
	}
	if alone != 6 {
		t.Errorf("%d items have rows of their own, want 6", alone)
	}
}

// Half of the people went without a name: scores exist with and without one, and differ.
func TestScoreAs(t *testing.T) {
	m, q := trained(t), known(walks(200, 20)).Sequences
	score := func(people []bellwether.Subject) []float32 {
		row := make([]float32, 20)
		if err := m.ScoreAs(context.Background(), people, [][]bellwether.Step{q.Steps[3]}, [][]float32{row}); err != nil {
			t.Fatal(err)
		}
		return row
	}
	nobody, same, named := score(nil), score([]bellwether.Subject{""}), score([]bellwether.Subject{"p3"})
	if nobody[0] != same[0] || nobody[0] == named[0] {
		t.Errorf("scores %g without people, %g with nobody, %g with p3", nobody[0], same[0], named[0])
	}
}

func TestWarmStartOfHashedRows(t *testing.T) {
	old := trained(t)
	s := small()
	hashedSettings(s)
	d := known(walks(200, 21))
	r, err := Trainer{Settings: s, Warm: old, Seed: 5}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]float32, 20*8), make([]float32, 20*8)
	for i := range 20 {
		r.model.embedding.hashed.vectors.Gather(got[8*i:8*i+8], []int32{int32(i)})
		old.embedding.hashed.vectors.Gather(want[8*i:8*i+8], []int32{int32(i)})
		if r.model.own[i] == 0 && old.own[i] != 0 {
			continue // it shares rows from now on
		}
		for k := range 8 {
			if got[8*i+k] != want[8*i+k] {
				t.Fatalf("item %d: vector %v, was %v", i, got[8*i:8*i+8], want[8*i:8*i+8])
			}
		}
	}
}

// walking is a stream of the people of walks.
func walking(t testing.TB) *Stream {
	q := walks(64, 20).Sequences
	return &Stream{Name: "walking", Items: q.Items, Types: q.Types, Epoch: 4, Batch: func(pass, size int) ([]Person, error) {
		var people []Person
		for i := range size {
			p := (pass*size + i) % len(q.Steps)
			people = append(people, Person{q.People[p], q.Steps[p]})
		}
		return people, nil
	}}
}

func streaming(c bellwether.Checkpoint) Trainer {
	s := small()
	hashedSettings(s)
	return Trainer{Settings: s, Seed: 2, Epochs: 6, Checkpoint: c}
}

// fileOf is m as it is saved.
func fileOf(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestStreamLearnsAndResumesToTheSameBits(t *testing.T) {
	var losses []float64
	whole, err := streaming(nil).TrainStream(context.Background(), walking(t), func(p bellwether.Progress) {
		if p.Note == "validated" {
			losses = append(losses, p.Loss)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(losses) != 6 || losses[5] > .9*losses[0] {
		t.Errorf("losses %v of 6 epochs do not fall", losses)
	}
	c := &modeltest.Memory{}
	ctx, cancel := context.WithCancel(context.Background())
	c.Stored = func(n int) {
		if n == 3 {
			cancel()
		}
	}
	if _, err := streaming(c).TrainStream(ctx, walking(t), nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	resumed, err := streaming(c).TrainStream(context.Background(), walking(t), nil)
	if err != nil || !bytes.Equal(fileOf(t, resumed), fileOf(t, whole)) {
		t.Errorf("a resumed run gives another model: %v", err)
	}
	other := walking(t)
	other.Items[3] = "renamed"
	if _, err := streaming(c).TrainStream(context.Background(), other, nil); !errors.Is(err, nn.ErrCheckpoint) {
		t.Errorf("a checkpoint of another vocabulary: %v", err)
	}
}

func TestStreamRefuses(t *testing.T) {
	ended := errors.New("the line is dead")
	for name, spoil := range map[string]func(s *Stream, tr *Trainer){
		"no items": func(s *Stream, _ *Trainer) { s.Items = nil },
		"no end":   func(_ *Stream, tr *Trainer) { tr.Epochs = 0 },
		"unknown item": func(s *Stream, _ *Trainer) {
			s.Batch = func(int, int) ([]Person, error) {
				return []Person{{Steps: []bellwether.Step{{Item: 20}, {Item: 1}}}}, nil
			}
		},
		"error":          func(s *Stream, _ *Trainer) { s.Batch = func(int, int) ([]Person, error) { return nil, ended } },
		"full loss":      func(_ *Stream, tr *Trainer) { tr.Settings.Loss = "full" },
		"optimiser":      func(_ *Stream, tr *Trainer) { tr.Settings.Optimizers[0].Optimizer = "newton" },
		"rate":           func(_ *Stream, tr *Trainer) { tr.Settings.Optimizers[0].Rate = 0 },
		"rows":           func(_ *Stream, tr *Trainer) { tr.Settings.Hash.Own = 60 },
		"width":          func(_ *Stream, tr *Trainer) { tr.Settings.Hash.Width = 0 },
		"a rate too big": func(_ *Stream, tr *Trainer) { tr.Settings.Rate = 1e30 },
	} {
		s, tr := walking(t), streaming(nil)
		spoil(s, &tr)
		if _, err := tr.TrainStream(context.Background(), s, nil); err == nil || name == "error" && !errors.Is(err, ended) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A mapped file answers as the model that wrote it, and damage has a name.
func TestOpen(t *testing.T) {
	m := trained(t)
	file := fileOf(t, m)
	open := func(content []byte) (*Model, error) {
		name := filepath.Join(t.TempDir(), "model.safetensors")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return Open(f)
	}
	opened, err := open(file)
	if err != nil {
		t.Fatal(err)
	}
	want, got := outputs(t, m), outputs(t, opened)
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("output %d is %g mapped, was %g", i, got[i], want[i])
		}
	}
	if !bytes.Equal(fileOf(t, opened), file) {
		t.Error("saving what was mapped gives another file")
	}
	opened.Close()
	altered := bytes.Clone(file)
	altered[len(altered)/2] ^= 1
	for want, bad := range map[error][]byte{nn.ErrFormat: file[:len(file)-1], nn.ErrChecksum: altered} {
		if _, err := open(bad); !errors.Is(err, want) || !strings.Contains(err.Error(), "model.safetensors") {
			t.Errorf("error %v, want %v with the file's name", err, want)
		}
	}
}

// What an optimiser's rule names has that optimiser; the rest has Adam.
func TestOptimizersByRule(t *testing.T) {
	s := small()
	hashedSettings(s)
	m := newModel(*s, vocabulary{items: walks(1, 20).Sequences.Items}, 1)
	o, err := s.optimizer(m.params)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, p := range o.State() {
		kind, name, _ := strings.Cut(p.Name, ":")
		kinds[kind] = true
		want := "adam"
		if name == "hash.weight" {
			want = "adagrad"
		} else if strings.Contains(name, ".experts.") {
			want = "adafactor"
		}
		if !strings.HasPrefix(kind, want+".") {
			t.Errorf("%s of %s, want %s", kind, name, want)
		}
	}
	if len(kinds) != 5 {
		t.Errorf("state %v", kinds)
	}
}

// A run that is stopped by the clock has an end, too.
func TestStreamKeepsToItsMinutes(t *testing.T) {
	tr := streaming(nil)
	now := time.Unix(0, 0)
	tr.Epochs, tr.Minutes, tr.Clock = 0, 1, func() time.Time { now = now.Add(10 * time.Second); return now }
	if _, err := tr.TrainStream(context.Background(), walking(t), nil); err != nil {
		t.Error(err)
	}
}
