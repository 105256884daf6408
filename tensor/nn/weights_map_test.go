package nn

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mapFile writes a file and maps it.
func mapFile(t *testing.T, content []byte) (*Weights, *Memory, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := &Memory{}
	w, err := MapWeights(f, m)
	t.Cleanup(m.Release)
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, content) {
		t.Errorf("the file was changed: %v", err)
	}
	return w, m, err
}

// The second array makes the third begin at an odd place.
func TestMappedWeightsEqualReadOnes(t *testing.T) {
	file := written(t, map[string]int{"epochs": 3}, sample...)
	w, _, err := mapFile(t, file)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := ReadWeights(bytes.NewReader(file))
	if d := cmp.Diff(want, w); d != "" {
		t.Error(d)
	}
}

func TestMappedWeightsAreCopiedWhenWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "weights")
	content := written(t, nil, sample...)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := os.Open(name)
	defer f.Close()
	m := &Memory{}
	defer m.Release()
	w, err := MapWeights(f, m)
	if err != nil {
		t.Fatal(err)
	}
	w.Arrays[0].Floats[1] = 99
	if after, _ := os.ReadFile(name); !bytes.Equal(after, content) || w.Arrays[0].Floats[1] != 99 {
		t.Error("writing to an array changed the file, or not the array")
	}
}

func TestMappingNoticesEveryAlteredBit(t *testing.T) {
	file := written(t, "card", sample...)
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if _, _, err := mapFile(t, bad); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrChecksum) {
			t.Errorf("byte %d altered: %v", i, err)
		}
		if _, _, err := mapFile(t, file[:i]); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at byte %d: %v", i, err)
		}
	}
}

// What is read in place changes the values and nothing else, and only after its card was accepted.
func TestParamsReadFromAFile(t *testing.T) {
	make := func() (*Builder, *Param) {
		b := NewBuilder(1)
		return b, b.Param("x", Normal(1), 3, 2)
	}
	b, x := make()
	file := written(t, "mine", append(b.Params().Arrays(), Array{Name: "words", Shape: []int{3}, Bytes: []byte("abc")})...)
	other, y := make()
	clear(y.Value)
	refused := errors.New("refused")
	if err := other.Params().Read(bytes.NewReader(file), func(json.RawMessage) error { return refused }); err != refused || y.Value[0] != 0 {
		t.Errorf("error %v, value %g: the card was refused", err, y.Value[0])
	}
	accept := func(card json.RawMessage) error {
		if string(card) != `"mine"` {
			t.Errorf("card %s", card)
		}
		return nil
	}
	if err := other.Params().Read(bytes.NewReader(file), accept); err != nil {
		t.Fatal(err)
	}
	near(t, "values", y.Value, x.Value)
	wider := NewBuilder(1)
	wider.Param("x", Normal(1), 3, 3)
	if err := wider.Params().Read(bytes.NewReader(file), accept); !errors.Is(err, ErrMismatch) {
		t.Errorf("another shape: %v", err)
	}
	for _, bad := range [][]byte{file[:len(file)-1], append(bytes.Clone(file), 0)} {
		if err := other.Params().Read(bytes.NewReader(bad), accept); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes of %d: %v", len(bad), len(file), err)
		}
	}
}

func TestLoaderTakesTheFilesArrays(t *testing.T) {
	w := &Weights{Arrays: []Array{{Name: "x", Shape: []int{2}, Floats: []float32{3, 4}}, {Name: "t", Shape: []int{2, 1}, Floats: []float32{5, 6}}}}
	b := NewLoader(w)
	x, table := b.Param("x", Constant(0), 2), b.Table("t", Constant(0), 2, 1)
	if err := b.Err(); err != nil || &x.Value[0] != &w.Arrays[0].Floats[0] || table.Row(1)[0] != 6 || x.Grad != nil {
		t.Errorf("x %v, table %v: %v", x, table, err)
	}
	b.Within("y").Param("z", Constant(0), 2)
	b.Param("x", Constant(0), 3)
	if err := b.Err(); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "y.z") {
		t.Errorf("error %v, want the first that is missing", err)
	}
}
