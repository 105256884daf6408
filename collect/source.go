package collect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// countingReader counts the bytes that were read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unpacked reads src, through gzip or zstd where its first bytes say so.
func unpacked(src io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(src, sniffed)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("%w: it begins like gzip: %w", ErrFormat, err)
		}
		return bufio.NewReaderSize(z, sniffed), nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, fmt.Errorf("%w: it begins like zstd: %w", ErrFormat, err)
		}
		return bufio.NewReaderSize(z, sniffed), nil
	}
	return b, nil
}

// lines reads a text line by line.
type lines struct {
	r    *bufio.Reader
	n    int64    // of the last line, from 1
	back []string // lines to read again, the last one first
}

// next returns the next line without its end, "" and io.EOF at the end. A line that is longer than a
// message may be is cut there, which its parser refuses or its dead letter shows.
func (l *lines) next() (string, error) {
	if n := len(l.back); n > 0 {
		line := l.back[n-1]
		l.back = l.back[:n-1]
		l.n++
		return line, nil
	}
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if room := maxMessage + 1 - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return "", err
		}
		l.n++
		text := strings.TrimRight(string(line), "\r\n")
		if l.n == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		return text, nil
	}
}

// unread gives lines back, to be read next in their order.
func (l *lines) unread(text []string) {
	for k := len(text) - 1; k >= 0; k-- {
		l.back = append(l.back, text[k])
	}
	l.n -= int64(len(text))
}
