package collect

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	sampleSize = 64 << 10  // bytes at the beginning by which a format is told
	maxWindow  = 128 << 20 // bytes that the Zstandard reader may hold
)

// source is what is imported, unpacked.
type source struct {
	*bufio.Reader
	packed *counter  // what was read of it as it came
	plain  io.Reader // it as it came, where nothing had to be unpacked
	close  func()
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// openSource unpacks src if it begins as gzip or Zstandard does.
func openSource(src io.Reader) (*source, error) {
	packed := &counter{r: src}
	s := &source{Reader: bufio.NewReaderSize(packed, sampleSize), packed: packed, close: func() {}}
	head, err := s.Peek(4)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("collect: read the source: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(s.Reader)
		if err != nil {
			return nil, fmt.Errorf("%w: it begins as gzip does, but: %w", ErrFormat, err)
		}
		s.Reader = bufio.NewReaderSize(z, sampleSize)
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(s.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("%w: it begins as Zstandard does, but: %w", ErrFormat, err)
		}
		s.Reader, s.close = bufio.NewReaderSize(z, sampleSize), z.Close
	default:
		s.plain = src
	}
	return s, nil
}

// crOnly rewrites s where its lines end as old Macintosh files' do.
func (s *source) crOnly(sample []byte) bool {
	if bytes.IndexByte(sample, '\n') >= 0 || bytes.IndexByte(sample, '\r') < 0 || bytes.IndexByte(sample, 0) >= 0 {
		return false
	}
	s.Reader, s.plain = bufio.NewReaderSize(crReader{s.Reader}, sampleSize), nil
	return true
}

// crReader turns carriage returns into line ends.
type crReader struct{ r io.Reader }

func (c crReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i := range p[:n] {
		if p[i] == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// sample is the beginning of the source; it is read again afterwards.
func (s *source) sample() ([]byte, error) {
	b, err := s.Peek(sampleSize)
	if err != nil && err != io.EOF {
		return nil, broken(err)
	}
	return b, nil
}

// broken is the error of a source that cannot be read on.
func broken(err error) error { return fmt.Errorf("collect: the source breaks off: %w", err) }

// lines reads text by lines.
type lines struct {
	r    *bufio.Reader
	n    int64    // the number of the line that was read last
	most int      // bytes of a line
	back [][]byte // lines to read again, the last one first
}

// next returns the next line without its end, in memory of its own. Of one that is too long it
// returns the beginning, a byte more than may be.
func (l *lines) next() ([]byte, error) {
	if k := len(l.back) - 1; k >= 0 {
		line := l.back[k]
		l.back = l.back[:k]
		l.n++
		return line, nil
	}
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part[:min(len(part), l.most+2-min(len(line), l.most+2))]...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, broken(err)
		}
		l.n++
		return trimEnd(line), nil
	}
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// blank reports whether a line holds nothing but space.
func blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// record returns the next record of delimited text, which a field in quotes may spread over
// several lines, and the number of its first line. Quotes that never close cost that line alone:
// the others are read again.
func (l *lines) record(delimiter byte) (raw []byte, line int64, err error) {
	first, err := l.next()
	if err != nil {
		return nil, 0, err
	}
	line, raw = l.n, slices.Clip(first) // Clip: what is appended leaves first as it is
	var more [][]byte
	for open := openQuote(first, delimiter, false); open; {
		next, err := l.next()
		if err != nil && err != io.EOF {
			return nil, 0, err
		}
		if err == nil {
			more = append(more, next)
		}
		if err == io.EOF || len(raw)+len(next) > l.most {
			l.unread(more)
			return first, line, nil
		}
		open = openQuote(next, delimiter, true)
		raw = append(append(raw, '\n'), next...)
	}
	return raw, line, nil
}

// unread gives lines back, to be read next in their order.
func (l *lines) unread(text [][]byte) {
	l.n -= int64(len(text))
	for k := len(text) - 1; k >= 0; k-- {
		l.back = append(l.back, text[k])
	}
}
