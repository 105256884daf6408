package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fields decodes a message: by number, what each occurrence holds.
func fields(t *testing.T, b []byte) map[int][][]byte {
	t.Helper()
	out := map[int][][]byte{}
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatal("a tag is cut")
		}
		b = b[n:]
		var size int
		switch tag & 7 {
		case wireVarint:
			if _, size = binary.Uvarint(b); size <= 0 {
				t.Fatal("a number is cut")
			}
		case wireFixed:
			size = 4
		case wireBytes:
			length, n := binary.Uvarint(b)
			if n <= 0 {
				t.Fatal("a length is cut")
			}
			b, size = b[n:], int(length)
		default:
			t.Fatalf("wire type %d", tag&7)
		}
		if size > len(b) {
			t.Fatalf("field %d has %d bytes of %d", tag>>3, size, len(b))
		}
		out[int(tag>>3)] = append(out[int(tag>>3)], b[:size])
		b = b[size:]
	}
	return out
}

func number(b []byte) int64 {
	v, _ := binary.Uvarint(b)
	return int64(v)
}

func one(t *testing.T, b []byte, path ...int) []byte {
	t.Helper()
	for _, field := range path {
		all := fields(t, b)[field]
		if len(all) != 1 {
			t.Fatalf("field %d of %v is there %d times", field, path, len(all))
		}
		b = all[0]
	}
	return b
}

// affine is y = x·Wᵀ, its largest two columns, and their places.
func affine() *Graph {
	g := NewGraph("affine")
	x := g.Input("x", Float, "length", 2)
	w := g.Weight("w", []int{3, 2}, []float32{1, 2, 3, 4, 5, float32(math.Inf(-1))})
	y := g.Node("Gemm", Attributes{"transB": 1, "alpha": float32(.5)}, x, w)
	best, at := g.Pair("TopK", nil, y, g.Integers(2))
	g.Output("best", Float, g.Node("Transpose", Attributes{"perm": []int{1, -1}}, best), 2, "length")
	g.Output("at", Int64, at, "length", 2)
	if two, again := g.Integers(2), g.Integers(2); two != again || two == g.Integers(2, 2) || g.Number(2) == two {
		panic("constants are mixed up")
	}
	return g
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := affine().Write(&b, map[string]string{"b": "2", "a": "1"}); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	if v := number(one(t, file, modelIR)); v != irVersion {
		t.Errorf("version %d", v)
	}
	if v := number(one(t, file, modelOpset, opsetVersion)); v != Opset {
		t.Errorf("opset %d", v)
	}
	for i, entry := range fields(t, file)[modelMetadata] {
		if got, want := string(one(t, entry, entryKey))+string(one(t, entry, entryValue)), []string{"a1", "b2"}[i]; got != want {
			t.Errorf("metadata %s, want %s", got, want)
		}
	}
	graph := fields(t, one(t, file, modelGraph))
	var lines []string
	for _, n := range graph[graphNode] {
		f := fields(t, n)
		lines = append(lines, fmt.Sprintf("%s = %s(%s)", bytes.Join(f[nodeOutput], []byte(", ")), one(t, n, nodeOperator), bytes.Join(f[nodeInput], []byte(", "))))
	}
	want := []string{
		"Gemm.0 = Gemm(x, w)", "TopK.1, TopK.1.second = TopK(Gemm.0, constant.0)",
		"Transpose.2 = Transpose(TopK.1)", "best = Identity(Transpose.2)", "at = Identity(TopK.1.second)",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	alpha := fields(t, graph[graphNode][0])[nodeAttribute][0]
	if string(one(t, alpha, attributeName)) != "alpha" || binary.LittleEndian.Uint32(one(t, alpha, attributeFloat)) != math.Float32bits(.5) || number(one(t, alpha, attributeType)) != 1 {
		t.Error("alpha is not .5")
	}
	perm := fields(t, one(t, graph[graphNode][2], nodeAttribute))[attributeIntegers]
	if len(perm) != 2 || number(perm[1]) != -1 {
		t.Error("perm is not 1, −1")
	}
	checkTensors(t, graph)
}

func checkTensors(t *testing.T, graph map[int][][]byte) {
	t.Helper()
	w := graph[graphWeight][0]
	dims := fields(t, w)[tensorDims]
	if string(one(t, w, tensorName)) != "w" || len(dims) != 2 || number(dims[0]) != 3 || len(one(t, w, tensorRaw)) != 24 {
		t.Error("w is not [3, 2]")
	}
	if bits := binary.LittleEndian.Uint32(one(t, w, tensorRaw)[20:]); bits != math.Float32bits(float32(math.Inf(-1))) {
		t.Errorf("the last weight is %x", bits)
	}
	if k := graph[graphWeight][1]; number(one(t, k, tensorType)) != int64(Int64) || binary.LittleEndian.Uint64(one(t, k, tensorRaw)) != 2 {
		t.Error("the constant is not 2")
	}
	shape := fields(t, one(t, graph[graphInput][0], infoType, typeTensor, tensorShape))[shapeDim]
	if len(shape) != 2 || string(one(t, shape[0], dimName)) != "length" || number(one(t, shape[1], dimValue)) != 2 {
		t.Error("x is not [length, 2]")
	}
	if len(graph[graphOutput]) != 2 {
		t.Errorf("%d outputs", len(graph[graphOutput]))
	}
}

// A file is written again to the same bytes, and a writer's error comes back.
func TestWriteAgainAndFailing(t *testing.T) {
	g := affine()
	var first, second bytes.Buffer
	if err := errors.Join(g.Write(&first, nil), g.Write(&second, nil)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the second file differs")
	}
	if err := g.Write(full{}, nil); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// One array of 1 GiB twice is too large; nothing of it is copied to find out.
func TestTooLarge(t *testing.T) {
	g, w := NewGraph("large"), make([]float32, 1<<28)
	g.Weight("a", []int{1 << 28}, w)
	g.Weight("b", []int{1 << 28}, w)
	if err := g.Write(&bytes.Buffer{}, nil); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "safetensors") {
		t.Errorf("error %v", err)
	}
}
