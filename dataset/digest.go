package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

	"bellwether"
)

// Digest is the SHA-256, hex, of what a dataset holds, whenever it was made: AsOf and Digest do not count. It is streamed, so
// that it needs no memory for a copy.
func Digest(d *bellwether.Dataset) string {
	h := sha256.New()
	w := &digester{out: bufio.NewWriterSize(h, 1<<16)}
	w.text(string(d.Project))
	w.text(d.Name)
	w.number(present(d.Sequences != nil))
	if d.Sequences != nil {
		w.sequences(d.Sequences)
	}
	w.number(present(d.Table != nil))
	if d.Table != nil {
		w.table(d.Table)
	}
	_ = w.out.Flush() // a hash takes everything
	return hex.EncodeToString(h.Sum(nil))
}

func present(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// digester writes values so that no two contents are written alike: texts and lists with their lengths.
type digester struct {
	out *bufio.Writer
	buf [8]byte
}

func (w *digester) number(n int64) {
	binary.LittleEndian.PutUint64(w.buf[:], uint64(n))
	_, _ = w.out.Write(w.buf[:])
}

func (w *digester) text(s string) {
	w.number(int64(len(s)))
	_, _ = w.out.WriteString(s)
}

func texts[S ~string](w *digester, list []S) {
	w.number(int64(len(list)))
	for _, s := range list {
		w.text(string(s))
	}
}

func (w *digester) sequences(q *bellwether.Sequences) {
	texts(w, q.Items)
	texts(w, q.Types)
	texts(w, q.Channels)
	texts(w, q.Campaigns)
	texts(w, q.Categories)
	texts(w, q.People)
	w.number(int64(len(q.Content)))
	for _, v := range q.Content {
		w.number(int64(math.Float32bits(v)))
	}
	w.number(int64(len(q.Steps)))
	for p, steps := range q.Steps {
		w.number(int64(len(steps)))
		w.number(int64(q.TrainEnd[p]))
		for i := range steps {
			w.step(&steps[i])
		}
	}
	for _, targets := range [][]bellwether.Target{q.Validation, q.Test} {
		w.number(int64(len(targets)))
		for _, t := range targets {
			w.number(int64(t.Person)<<32 | int64(uint32(t.At)))
		}
	}
	w.number(int64(q.Served.Exclude))
	for _, times := range [][]int64{q.Served.From, q.Served.To} {
		w.number(int64(len(times)))
		for _, at := range times {
			w.number(at)
		}
	}
}

func (w *digester) step(s *bellwether.Step) {
	w.number(int64(s.Item)<<32 | int64(s.Type)<<24 | int64(s.Channel)<<16 | int64(s.Campaign))
	w.number(int64(s.Quantity)<<1 | present(s.Bought))
	w.number(s.Price)
	w.number(s.Time)
}

func (w *digester) table(t *bellwether.Table) {
	texts(w, t.Subjects)
	w.text(t.Positive)
	w.number(int64(len(t.Columns)))
	for i := range t.Columns {
		c := &t.Columns[i]
		w.text(c.Name)
		w.floats(c.Numbers)
		w.number(int64(len(c.Codes)))
		for _, code := range c.Codes {
			w.number(int64(code))
		}
		texts(w, c.Levels)
	}
	w.floats(t.Target)
	w.number(int64(len(t.Split)))
	for _, s := range t.Split {
		_ = w.out.WriteByte(byte(s))
	}
}

func (w *digester) floats(list []float64) {
	w.number(int64(len(list)))
	for _, v := range list {
		w.number(int64(math.Float64bits(v)))
	}
}
