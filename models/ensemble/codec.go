package ensemble

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"

	"bellwether"
)

// The file: magic, number of parts; each part's name, family, scale, weight and its own file in
// chunks of which an empty one is the last; CRC-32C of all that comes before it.
const (
	magic    = "BWEN\x01"
	maxParts = 16
	maxText  = 255
	chunk    = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the weights and every part.
func (m *Model) Save(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	sum := crc32.New(castagnoli)
	if err := m.write(io.MultiWriter(buffered, sum)); err != nil {
		return fmt.Errorf("save an ensemble: %w", err)
	}
	if _, err := buffered.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32())); err != nil {
		return fmt.Errorf("save an ensemble: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("save an ensemble: %w", err)
	}
	return nil
}

func (m *Model) write(w io.Writer) error {
	if _, err := w.Write(append([]byte(magic), byte(len(m.parts)))); err != nil {
		return err
	}
	for _, p := range m.parts {
		var head []byte
		for _, text := range []string{p.Name, p.Scorer.Family(), string(p.Scale)} {
			if len(text) > maxText {
				return fmt.Errorf("the name %.40q… has %d bytes, more than %d", text, len(text), maxText)
			}
			head = append(append(head, byte(len(text))), text...)
		}
		head = binary.LittleEndian.AppendUint64(head, math.Float64bits(p.Weight))
		if _, err := w.Write(head); err != nil {
			return err
		}
		chunks := bufio.NewWriterSize(chunkWriter{w}, chunk)
		if err := p.Scorer.Save(chunks); err != nil {
			return err
		}
		if err := chunks.Flush(); err != nil {
			return err
		}
		if _, err := w.Write(make([]byte, 4)); err != nil {
			return err
		}
	}
	return nil
}

// chunkWriter writes the length of what it is given before it, in pieces of at most chunk bytes.
type chunkWriter struct{ w io.Writer }

func (c chunkWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		piece := b[:min(len(b), chunk)]
		if _, err := c.w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(piece)))); err != nil {
			return n, err
		}
		if _, err := c.w.Write(piece); err != nil {
			return n, err
		}
		n += len(piece)
		b = b[len(piece):]
	}
	return n, nil
}

// Load restores what Save wrote; load restores a part by its family.
func Load(r io.Reader, load func(family string, r io.Reader) (bellwether.Model, error)) (*Model, error) {
	d := &decoder{r: bufio.NewReader(r), sum: crc32.New(castagnoli)}
	parts, err := d.parts(load)
	if err != nil {
		return nil, fmt.Errorf("load an ensemble: %w", err)
	}
	return New(parts...)
}

// decoder reads and sums what it has read.
type decoder struct {
	r   *bufio.Reader
	sum hash.Hash32
}

func (d *decoder) Read(b []byte) (int, error) {
	n, err := d.r.Read(b)
	d.sum.Write(b[:n])
	return n, err
}

func (d *decoder) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(d, b); err != nil {
		return nil, short(err)
	}
	return b, nil
}

// short says that a file which ends early is damaged.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (d *decoder) text() (string, error) {
	n, err := d.bytes(1)
	if err != nil {
		return "", err
	}
	b, err := d.bytes(int(n[0]))
	return string(b), err
}

func (d *decoder) parts(load func(string, io.Reader) (bellwether.Model, error)) ([]Part, error) {
	head, err := d.bytes(len(magic) + 1)
	if err != nil {
		return nil, err
	}
	count := int(head[len(magic)])
	if string(head[:len(magic)]) != magic || count > maxParts {
		return nil, fmt.Errorf("the file begins with %q, not with %q and a number of parts up to %d", head, magic, maxParts)
	}
	parts := make([]Part, count)
	for i := range parts {
		if parts[i], err = d.part(load); err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
	}
	want := d.sum.Sum32()
	tail, err := d.bytes(4)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(tail) != want {
		return nil, errors.New("the checksum does not match: the file is damaged, train again or restore it")
	}
	return parts, nil
}

func (d *decoder) part(load func(string, io.Reader) (bellwether.Model, error)) (Part, error) {
	var texts [3]string
	for i := range texts {
		var err error
		if texts[i], err = d.text(); err != nil {
			return Part{}, err
		}
	}
	weight, err := d.bytes(8)
	if err != nil {
		return Part{}, err
	}
	family := texts[1]
	if family == Family {
		return Part{}, errors.New("an ensemble is no part of an ensemble")
	}
	body := &chunkReader{d: d}
	m, err := load(family, body)
	if err != nil {
		return Part{}, err
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return Part{}, err
	}
	scorer, ok := m.(bellwether.Scorer)
	if !ok {
		return Part{}, fmt.Errorf("a model of family %q scores no items", family)
	}
	return Part{Name: texts[0], Scorer: scorer, Scale: Scale(texts[2]), Weight: math.Float64frombits(binary.LittleEndian.Uint64(weight))}, nil
}

// chunkReader reads what chunkWriter wrote up to the empty chunk.
type chunkReader struct {
	d    *decoder
	left uint32
	done bool
}

func (c *chunkReader) Read(b []byte) (int, error) {
	if c.left == 0 && !c.done {
		head, err := c.d.bytes(4)
		if err != nil {
			return 0, err
		}
		c.left = binary.LittleEndian.Uint32(head)
		if c.left > chunk {
			return 0, fmt.Errorf("a chunk has %d bytes, more than %d", c.left, chunk)
		}
		c.done = c.left == 0
	}
	if c.done {
		return 0, io.EOF
	}
	n, err := c.d.Read(b[:min(len(b), int(c.left))])
	c.left -= uint32(n)
	if err != nil {
		err = short(err)
	}
	return n, err
}
