package lake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"bellwether/store"

	"bellwether"
)

// spill holds the rows of people who changed, a scratch file a bucket, until the pass is over. People come in any order
// and from several goroutines; a person's rows stay together.
type spill struct {
	folder string
	files  [Buckets]spillFile
}

type spillFile struct {
	mu sync.Mutex
	f  *os.File // nil: nothing came
	w  *bufio.Writer
}

const spillBuffer = 32 << 10 // bytes a bucket

// newSpill makes a folder for the files, removed by close.
func newSpill(parent string) (*spill, error) {
	folder, err := os.MkdirTemp(parent, "bellwether-lake-")
	if err != nil {
		return nil, fmt.Errorf("lake: making a scratch folder: %w", err)
	}
	return &spill{folder: folder}, nil
}

func (s *spill) close() error {
	var err error
	for i := range s.files {
		if f := s.files[i].f; f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// add appends one person's block.
func (s *spill) add(bucket int, block []byte) error {
	f := &s.files[bucket]
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		file, err := os.Create(filepath.Join(s.folder, fmt.Sprintf("%02d", bucket)))
		if err != nil {
			return fmt.Errorf("lake: making a scratch file: %w", err)
		}
		f.f, f.w = file, bufio.NewWriterSize(file, spillBuffer)
	}
	if _, err := f.w.Write(block); err != nil {
		return fmt.Errorf("lake: writing a scratch file (is %s full?): %w", s.folder, err)
	}
	return nil
}

// read returns a bucket's blocks.
func (s *spill) read(bucket int) ([]byte, error) {
	f := &s.files[bucket]
	if f.f == nil {
		return nil, nil
	}
	err := f.w.Flush()
	if err == nil {
		_, err = f.f.Seek(0, io.SeekStart)
	}
	var b []byte
	if err == nil {
		b, err = io.ReadAll(f.f)
	}
	if err != nil {
		return nil, fmt.Errorf("lake: reading a scratch file: %w", err)
	}
	return b, nil
}

// free gives back a bucket's room on the disk.
func (s *spill) free(bucket int) error {
	f := &s.files[bucket]
	if f.f == nil {
		return nil
	}
	err := errors.Join(f.f.Close(), os.Remove(f.f.Name()))
	f.f, f.w = nil, nil
	if err != nil {
		return fmt.Errorf("lake: removing a scratch file: %w", err)
	}
	return nil
}

// Kinds of records in a block.
const (
	spilledEvent    = 'e'
	spilledDecision = 'd'
	spilledOutcome  = 'o'
)

// block is one person's rows on their way: the length of all that follows, the digest, the subject, then records of a kind, an
// identity (of events) and the binary form of the event, decision or outcome.
type block struct {
	buf []byte
}

func (b *block) begin(subject bellwether.Subject, digest uint64) {
	b.buf = appendText(binary.LittleEndian.AppendUint64(b.buf[:0], digest), string(subject))
}

func (b *block) add(kind byte, identity string, v any) error {
	record, err := store.Encode(v)
	if err != nil {
		return err
	}
	b.buf = appendText(append(b.buf, kind), identity)
	b.buf = append(binary.AppendUvarint(b.buf, uint64(len(record))), record...)
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// records calls do with what add added, in its order.
func records(body []byte, do func(kind byte, identity string, record []byte) error) error {
	for len(body) > 0 {
		kind := body[0]
		identity, rest, ok := cut(body[1:])
		if !ok {
			return errDamaged
		}
		record, rest, ok := cut(rest)
		if !ok {
			return errDamaged
		}
		if err := do(kind, string(identity), record); err != nil {
			return err
		}
		body = rest
	}
	return nil
}

var errDamaged = errors.New("lake: a scratch file is damaged; run the turn again")

// cut takes a length and that many bytes off b.
func cut(b []byte) (head, rest []byte, ok bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, nil, false
	}
	return b[k : k+int(n)], b[k+int(n):], true
}
