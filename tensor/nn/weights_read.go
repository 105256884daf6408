package nn

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
)

// Limits of a file that is read.
const (
	maxHeader = 100 << 20 // the format's own limit
	maxRank   = 8
)

// ReadWeights reads a file of weights. It verifies the checksum, which only a
// file without a card, of another program, may lack, and allocates little more
// than it has read, whatever lengths the file claims.
func ReadWeights(r io.Reader) (*Weights, error) {
	digest := sha256.New()
	body, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	want, card, arrays, err := decodeHeader(body)
	if err != nil {
		return nil, err
	}
	digest.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(body))))
	digest.Write(bytes.Replace(body, []byte(want), []byte(noDigest), 1))
	if err := readArrays(r, digest, arrays); err != nil {
		return nil, err
	}
	if want != "" && want != hex.EncodeToString(digest.Sum(nil)) {
		return nil, ErrChecksum
	}
	return &Weights{Card: card, Arrays: arrays}, nil
}

func readHeader(r io.Reader) ([]byte, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("%w: it ends before its header: %w", ErrFormat, err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrFormat, n)
	}
	return readExactly(r, int(n))
}

// readExactly reads n bytes, growing its buffer with what has come.
func readExactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	got, err := io.CopyN(&b, r, int64(n))
	if err != nil {
		return nil, fmt.Errorf("%w: it ends after %d of %d bytes: %w", ErrFormat, got, n, err)
	}
	return b.Bytes(), nil
}

// decodeHeader checks the header and returns the arrays in the order of their
// data, with no data yet: Bytes is nil and Floats is empty, not nil, for F32.
func decodeHeader(body []byte) (digest string, card json.RawMessage, arrays []Array, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return "", nil, nil, fmt.Errorf("%w: header: %w", ErrFormat, err)
	}
	metadata := map[string]string{}
	if text, ok := fields[metadataKey]; ok {
		if err := json.Unmarshal(text, &metadata); err != nil {
			return "", nil, nil, fmt.Errorf("%w: metadata: %w", ErrFormat, err)
		}
		delete(fields, metadataKey)
	}
	if text := metadata["card"]; text != "" {
		if card = json.RawMessage(text); !json.Valid(card) {
			return "", nil, nil, fmt.Errorf("%w: the card is not JSON", ErrFormat)
		}
	}
	digest = metadata["sha256"]
	if (card != nil || digest != "") && len(digest) != len(noDigest) {
		return "", nil, nil, fmt.Errorf("%w: a card goes with a checksum", ErrFormat)
	}
	arrays, err = decodeEntries(fields)
	return digest, card, arrays, err
}

func decodeEntries(fields map[string]json.RawMessage) ([]Array, error) {
	type placed struct {
		Array
		offsets [2]int
	}
	all := make([]placed, 0, len(fields))
	for name, text := range fields {
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, fmt.Errorf("%w: array %q: %w", ErrFormat, name, err)
		}
		a := Array{Name: name, Shape: e.Shape}
		size := 1
		if e.Type == "F32" {
			size, a.Floats = 4, []float32{}
		} else if e.Type != "U8" {
			return nil, fmt.Errorf("%w: array %q holds %s: only F32 and U8 are read", ErrFormat, name, e.Type)
		}
		if n, ok := elements(e.Shape); !ok || e.Offsets[0] < 0 || e.Offsets[1] < e.Offsets[0] || e.Offsets[1]-e.Offsets[0] != n*size {
			return nil, fmt.Errorf("%w: array %q: shape %v does not fit its bytes %v", ErrFormat, name, e.Shape, e.Offsets)
		}
		all = append(all, placed{a, e.Offsets})
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.offsets[0], b.offsets[0]), cmp.Compare(a.offsets[1], b.offsets[1]))
	})
	arrays, at := make([]Array, len(all)), 0
	for i, a := range all {
		if a.offsets[0] != at {
			return nil, fmt.Errorf("%w: array %q begins at %d, not at %d", ErrFormat, a.Name, a.offsets[0], at)
		}
		arrays[i], at = a.Array, a.offsets[1]
	}
	return arrays, nil
}

// elements returns the product of a shape, false when it is not one.
func elements(shape []int) (int, bool) {
	n := 1
	for _, s := range shape {
		if s < 0 || (s > 0 && n > math.MaxInt/8/s) {
			return 0, false
		}
		n *= s
	}
	return n, len(shape) <= maxRank
}

func readArrays(r io.Reader, digest hash.Hash, arrays []Array) error {
	in := bufio.NewReaderSize(io.TeeReader(r, digest), 1<<16)
	for i := range arrays {
		a := &arrays[i]
		n, _ := elements(a.Shape)
		if a.Floats == nil {
			data, err := readExactly(in, n)
			if err != nil {
				return err
			}
			a.Bytes = append([]byte{}, data...)
			continue
		}
		if err := readFloats(in, a, n); err != nil {
			return err
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return fmt.Errorf("%w: bytes follow its last array", ErrFormat)
	}
	return nil
}

func readFloats(r io.Reader, a *Array, n int) error {
	buffer := make([]byte, 1<<16)
	for len(a.Floats) < n {
		part := buffer[:min(len(buffer), 4*(n-len(a.Floats)))]
		if _, err := io.ReadFull(r, part); err != nil {
			return fmt.Errorf("%w: it ends within %s: %w", ErrFormat, a.Name, err)
		}
		for ; len(part) > 0; part = part[4:] {
			a.Floats = append(a.Floats, math.Float32frombits(binary.LittleEndian.Uint32(part)))
		}
	}
	return nil
}
