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
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	if err := h.read(r, readGrowing); err != nil {
		return nil, err
	}
	return &Weights{Card: h.card, Arrays: h.arrays}, nil
}

// Read sets the values of ps from a file as it is read, without keeping it: each
// must be there in its shape. accept sees the card before anything is changed.
// After an error the values may be a mixture.
func (ps Params) Read(r io.Reader, accept func(card json.RawMessage) error) error {
	h, err := readHeader(r)
	if err != nil {
		return err
	}
	if err := accept(h.card); err != nil {
		return err
	}
	w := &Weights{Arrays: h.arrays}
	into := make(map[string][]float32, len(ps))
	if err := ps.each(w, func(p *Param, a *Array) { into[a.Name] = p.Value }); err != nil {
		return err
	}
	return h.read(r, func(in io.Reader, a *Array, n int) error {
		x, ok := into[a.Name]
		if !ok { // of no use here
			_, err := io.CopyN(io.Discard, in, int64(n))
			return err
		}
		if _, err := io.ReadFull(in, bytesOf(x)); err != nil {
			return err
		}
		fromFile(x)
		return nil
	})
}

// header is what a file says before its arrays.
type header struct {
	text   []byte
	digest string // hexadecimal, "" for none
	card   json.RawMessage
	arrays []Array // in the order of their data, without it: Floats is empty, not nil, for F32
}

func readHeader(r io.Reader) (*header, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("%w: it ends before its header: %w", ErrFormat, err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrFormat, n)
	}
	text, err := readExactly(r, int(n))
	if err != nil {
		return nil, fmt.Errorf("%w: it ends within its header: %w", ErrFormat, err)
	}
	return decodeHeader(text)
}

// read takes the arrays from r, each by take, which is told its bytes, and holds
// everything against the checksum.
func (h *header) read(r io.Reader, take func(in io.Reader, a *Array, bytes int) error) error {
	digest := h.digestOfHeader()
	in := bufio.NewReaderSize(io.TeeReader(r, digest), 1<<16)
	for i := range h.arrays {
		a := &h.arrays[i]
		if err := take(in, a, a.size()); err != nil {
			return fmt.Errorf("%w: it ends within %s: %w", ErrFormat, a.Name, err)
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return fmt.Errorf("%w: bytes follow its last array", ErrFormat)
	}
	return h.verify(digest)
}

// digestOfHeader begins the digest of the file.
func (h *header) digestOfHeader() hash.Hash {
	digest := sha256.New()
	digest.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(h.text))))
	digest.Write(bytes.Replace(h.text, []byte(h.digest), []byte(noDigest), 1))
	return digest
}

func (h *header) verify(digest hash.Hash) error {
	if h.digest != "" && h.digest != hex.EncodeToString(digest.Sum(nil)) {
		return ErrChecksum
	}
	return nil
}

// size is the number of bytes of an array by its shape, which was checked.
func (a *Array) size() int {
	n, _ := elements(a.Shape)
	if a.Floats != nil {
		n *= 4
	}
	return n
}

// readExactly reads n bytes, growing its buffer with what has come.
func readExactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	if got, err := io.CopyN(&b, r, int64(n)); err != nil {
		return nil, fmt.Errorf("after %d of %d bytes: %w", got, n, err)
	}
	return b.Bytes(), nil
}

// decodeHeader checks the header's text.
func decodeHeader(text []byte) (*header, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrFormat, err)
	}
	metadata := map[string]string{}
	if text, ok := fields[metadataKey]; ok {
		if err := json.Unmarshal(text, &metadata); err != nil {
			return nil, fmt.Errorf("%w: metadata: %w", ErrFormat, err)
		}
		delete(fields, metadataKey)
	}
	h := &header{text: text, digest: metadata["sha256"]}
	if text := metadata["card"]; text != "" {
		if h.card = json.RawMessage(text); !json.Valid(h.card) {
			return nil, fmt.Errorf("%w: the card is not JSON", ErrFormat)
		}
	}
	if (h.card != nil || h.digest != "") && len(h.digest) != len(noDigest) {
		return nil, fmt.Errorf("%w: a card goes with a checksum", ErrFormat)
	}
	var err error
	h.arrays, err = decodeEntries(fields)
	return h, err
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

// readGrowing reads an array into memory that grows with what has come.
func readGrowing(in io.Reader, a *Array, n int) error {
	if a.Floats == nil {
		data, err := readExactly(in, n)
		a.Bytes = append([]byte{}, data...)
		return err
	}
	for n /= 4; len(a.Floats) < n; {
		have := len(a.Floats)
		a.Floats = slices.Grow(a.Floats, min(n-have, max(have, 1<<14)))[:min(n, have+max(have, 1<<14))]
		if _, err := io.ReadFull(in, bytesOf(a.Floats[have:])); err != nil {
			return err
		}
	}
	fromFile(a.Floats)
	return nil
}
