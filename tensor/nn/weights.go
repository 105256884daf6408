package nn

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Errors of files of weights.
var (
	ErrFormat   = errors.New("nn: not a file of weights, or a damaged one")
	ErrChecksum = errors.New("nn: the checksum does not match: the file was altered or damaged")
	ErrMismatch = errors.New("nn: the file is of another model")
)

// Weights is a set of named arrays with a JSON card, as in a file: safetensors
// whose metadata hold the card and a checksum (docs/formats/weights.md).
type Weights struct {
	Card   json.RawMessage
	Arrays []Array
}

// Array is a named array of numbers, or of bytes.
type Array struct {
	Name   string
	Shape  []int
	Floats []float32 // F32
	Bytes  []byte    // U8, when Floats is nil
}

// Arrays returns the values of ps by name.
func (ps Params) Arrays() []Array {
	out := make([]Array, len(ps))
	for i, p := range ps {
		out[i] = Array{Name: p.Name, Shape: p.Shape, Floats: p.Value}
	}
	return out
}

// Restore sets the values of ps from the arrays of the same names, each of
// which must be there in its shape.
func (ps Params) Restore(w *Weights) error {
	return ps.each(w, func(p *Param, a *Array) { copy(p.Value, a.Floats) })
}

// each calls visit with each of ps and its array.
func (ps Params) each(w *Weights, visit func(p *Param, a *Array)) error {
	for _, p := range ps {
		a := w.Array(p.Name)
		switch {
		case a == nil || a.Floats == nil:
			return fmt.Errorf("%w: it lacks %s", ErrMismatch, p.Name)
		case !slices.Equal(a.Shape, p.Shape):
			return fmt.Errorf("%w: %s is %v there and %v here", ErrMismatch, p.Name, a.Shape, p.Shape)
		}
		visit(p, a)
	}
	return nil
}

// Array returns the array of that name, or nil.
func (w *Weights) Array(name string) *Array {
	for i := range w.Arrays {
		if w.Arrays[i].Name == name {
			return &w.Arrays[i]
		}
	}
	return nil
}

type entry struct {
	Type    string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

const metadataKey = "__metadata__"

// noDigest stands in the header while the digest is computed.
var noDigest = strings.Repeat("0", 2*sha256.Size)

// WriteWeights writes arrays with a card, which is encoded as JSON.
func WriteWeights(w io.Writer, card any, arrays []Array) error {
	header, err := encodeHeader(card, arrays)
	if err != nil {
		return fmt.Errorf("nn: writing weights: %w", err)
	}
	digest := sha256.New()
	digest.Write(header)
	if err := writeArrays(digest, arrays); err != nil {
		return err
	}
	header = bytes.Replace(header, []byte(noDigest), hex.AppendEncode(nil, digest.Sum(nil)), 1)
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.Write(header); err != nil {
		return fmt.Errorf("nn: writing weights: %w", err)
	}
	if err := writeArrays(out, arrays); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("nn: writing weights: %w", err)
	}
	return nil
}

// encodeHeader returns the length, the JSON and its padding to eight bytes.
func encodeHeader(card any, arrays []Array) ([]byte, error) {
	text, err := json.Marshal(card)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{metadataKey: map[string]string{"sha256": noDigest, "card": string(text)}}
	at := 0
	for _, a := range arrays {
		e := entry{Type: "F32", Shape: a.Shape, Offsets: [2]int{at, at + 4*len(a.Floats)}}
		if a.Floats == nil {
			e.Type, e.Offsets[1] = "U8", at+len(a.Bytes)
		}
		if _, ok := fields[a.Name]; ok {
			return nil, fmt.Errorf("two arrays are called %q", a.Name)
		}
		fields[a.Name], at = e, e.Offsets[1]
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	for len(body)%8 != 0 {
		body = append(body, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(body))), body...), nil
}

func writeArrays(w io.Writer, arrays []Array) error {
	for _, a := range arrays {
		err := error(nil)
		if a.Floats == nil {
			_, err = w.Write(a.Bytes)
		} else {
			err = writeFloats(w, a.Floats)
		}
		if err != nil {
			return fmt.Errorf("nn: writing %s: %w", a.Name, err)
		}
	}
	return nil
}

// writeFloats writes the memory of x as it lies, where that is the order of files.
func writeFloats(w io.Writer, x []float32) error {
	if littleEndian {
		_, err := w.Write(bytesOf(x))
		return err
	}
	return binary.Write(w, binary.LittleEndian, x)
}
