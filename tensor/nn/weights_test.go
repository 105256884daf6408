package nn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func written(t testing.TB, card any, arrays ...Array) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteWeights(&b, card, arrays); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var sample = []Array{
	{Name: "b", Shape: []int{2, 2}, Floats: []float32{1, -2, float32(math.Inf(1)), 4}},
	{Name: "words", Shape: []int{3}, Bytes: []byte("abc")},
	{Name: "a", Shape: []int{}, Floats: []float32{7}},
	{Name: "none", Shape: []int{0, 5}, Floats: []float32{}},
}

func TestWeightsRoundTrip(t *testing.T) {
	w, err := ReadWeights(bytes.NewReader(written(t, map[string]int{"epochs": 3}, sample...)))
	if err != nil {
		t.Fatal(err)
	}
	if string(w.Card) != `{"epochs":3}` {
		t.Errorf("card %s", w.Card)
	}
	if d := cmp.Diff(sample, w.Arrays); d != "" {
		t.Error(d)
	}
}

func TestWeightsRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringN(1, 8, 20), rapid.ID[string]).Draw(t, "names")
		var arrays []Array
		for _, name := range names {
			if name == metadataKey {
				continue
			}
			bits := rapid.SliceOf(rapid.Uint32()).Draw(t, "bits")
			a := Array{Name: name, Shape: []int{len(bits)}, Floats: make([]float32, len(bits))}
			for i, b := range bits {
				a.Floats[i] = math.Float32frombits(b)
			}
			arrays = append(arrays, a)
		}
		var b bytes.Buffer
		if err := WriteWeights(&b, nil, arrays); err != nil {
			t.Fatal(err)
		}
		w, err := ReadWeights(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := WriteWeights(&again, w.Card, w.Arrays); err != nil || !bytes.Equal(again.Bytes(), b.Bytes()) {
			t.Fatalf("another file after a round trip: %v", err)
		}
	})
}

func TestEveryAlteredBitIsNoticed(t *testing.T) {
	file := written(t, "card", sample...)
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if _, err := ReadWeights(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d altered: no error", i)
		}
		if _, err := ReadWeights(bytes.NewReader(file[:i])); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at byte %d: %v", i, err)
		}
	}
	last := bytes.Clone(file)
	last[len(last)-1] ^= 1
	if _, err := ReadWeights(bytes.NewReader(last)); !errors.Is(err, ErrChecksum) {
		t.Errorf("last byte altered: %v, want ErrChecksum", err)
	}
}

func headed(json string, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(json))), json+data...)
}

// A file of another program has neither card nor checksum.
func TestForeignFile(t *testing.T) {
	w, err := ReadWeights(bytes.NewReader(headed(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  `, "\x00\x00\x80\x3f")))
	if err != nil || w.Array("x").Floats[0] != 1 || w.Array("y") != nil {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestHostileHeaders(t *testing.T) {
	for name, file := range map[string][]byte{
		"huge header":     binary.LittleEndian.AppendUint64(nil, 1<<62),
		"claimed header":  binary.LittleEndian.AppendUint64(nil, 90<<20),
		"not JSON":        headed("{", ""),
		"list":            headed("[]", ""),
		"huge array":      headed(`{"x":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}`, "abcd"),
		"overflow":        headed(`{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ""),
		"negative":        headed(`{"x":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, "abcd"),
		"backwards":       headed(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, "a"),
		"overlap":         headed(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "abc"),
		"gap":             headed(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "ab"),
		"rank":            headed(`{"x":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}`, "a"),
		"type":            headed(`{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, "ab"),
		"trailing":        headed(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "ab"),
		"card":            headed(`{"__metadata__":{"card":"{"}}`, ""),
		"metadata":        headed(`{"__metadata__":{"card":1}}`, ""),
		"null":            headed(`{"x":null}`, ""),
		"checksum absurd": headed(`{"__metadata__":{"sha256":"zz"}}`, ""),
	} {
		if _, err := ReadWeights(bytes.NewReader(file)); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWriteRefusesTwoArraysOfOneName(t *testing.T) {
	err := WriteWeights(&bytes.Buffer{}, nil, []Array{{Name: "x", Floats: []float32{}, Shape: []int{0}}, {Name: "x", Bytes: []byte{}, Shape: []int{0}}})
	if err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Error(err)
	}
}

func TestRestoreNamesWhatDoesNotFit(t *testing.T) {
	b := NewBuilder(1)
	b.Param("x", Constant(1), 2, 3)
	for _, w := range []*Weights{{}, {Arrays: []Array{{Name: "x", Shape: []int{3, 2}, Floats: make([]float32, 6)}}}} {
		if err := b.Params().Restore(w); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "x") {
			t.Errorf("error %v", err)
		}
	}
}

func FuzzReadWeights(f *testing.F) {
	f.Add(written(f, "card", sample...))
	f.Add(headed(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "abcd"))
	f.Fuzz(func(t *testing.T, file []byte) {
		w, err := ReadWeights(bytes.NewReader(file))
		if err != nil {
			return
		}
		size := 0
		for _, a := range w.Arrays {
			size += 4*len(a.Floats) + len(a.Bytes)
		}
		if size > len(file) {
			t.Errorf("%d bytes of arrays from a file of %d", size, len(file))
		}
	})
}
